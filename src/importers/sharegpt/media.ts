/**
 * The pictures, films and sounds of a ShareGPT conversation: a list beside the turns, and `<image>` in the texts where they go.
 *
 * Most lists hold names of files that are not part of the source. A part then has the name and no bytes.
 */
import { isArray, type JsonObject } from '../../json.ts'
import type { FilePart, Part } from '../../message.ts'
import { fileAt } from '../attachments.ts'
import type { SourceFile } from '../source-file.ts'

const KINDS = ['image', 'video', 'audio'] as const
type Kind = (typeof KINDS)[number]

/** The fields that hold media. */
export const MEDIA: ReadonlySet<string> = new Set(KINDS.flatMap((kind) => [kind, `${kind}s`]))

const MEDIA_TYPES: ReadonlyMap<string, string> = new Map([
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['png', 'image/png'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['mp4', 'video/mp4'],
  ['webm', 'video/webm'],
  ['mp3', 'audio/mpeg'],
  ['wav', 'audio/wav'],
])

/** The media of one conversation, taken one after the other. */
export class Media {
  readonly #file: SourceFile
  readonly #waiting: ReadonlyMap<Kind, string[]>

  constructor(record: JsonObject, file: SourceFile) {
    this.#file = file
    this.#waiting = new Map(KINDS.map((kind) => [kind, [...namesIn(record, kind), ...namesIn(record, `${kind}s`)]]))
  }

  /** Whether all of them went into messages. */
  get isPlaced(): boolean {
    return [...this.#waiting.values()].every((names) => names.length === 0)
  }

  /** The parts of a message with its texts cut where media go. */
  async placed(parts: readonly Part[]): Promise<readonly Part[]> {
    const out: Part[] = []
    let isCut = false
    for (const part of parts) {
      if (part.type !== 'text') {
        out.push(part)
        continue
      }
      const pieces = part.text.split(/<(image|video|audio)>/)
      let text = pieces[0]!
      for (let at = 1; at < pieces.length; at += 2) {
        const kind = pieces[at] as Kind
        const found = this.#waiting.get(kind)?.shift()
        if (found === undefined) text += `<${kind}>${pieces[at + 1]!}`
        else {
          if (text !== '') out.push({ ...part, text })
          out.push(await this.#part(kind, found))
          text = pieces[at + 1]!
          isCut = true
        }
      }
      if (text !== '' || pieces.length === 1) out.push({ ...part, text })
    }
    // Like the blocks of a list: so a conversion back gives them in their order.
    return isCut ? out.map((part, index) => ({ ...part, id: String(index) })) : parts
  }

  /** What no text has a place for. */
  async left(): Promise<readonly Part[]> {
    const parts: Part[] = []
    for (const [kind, names] of this.#waiting) {
      for (const name of names.splice(0))
        parts.push({ ...(await this.#part(kind, name)), id: `${kind}-${parts.length}` })
    }
    return parts
  }

  async #part(kind: Kind, name: string): Promise<FilePart> {
    const extension = /\.(\w+)(?:[?#].*)?$/.exec(name)?.[1]?.toLowerCase() ?? ''
    const mediaType = MEDIA_TYPES.get(extension) ?? `${kind}/*`
    const part = await fileAt(this.#file.store, { id: kind, mediaType }, name)
    if (part?.url !== undefined || part === undefined) {
      this.#file.ledger.dropField(`${kind}s`, 'the source names files without holding them; the names are kept')
    }
    return part ?? { id: kind, type: 'file', mediaType, name }
  }
}

function namesIn(record: JsonObject, field: string): readonly string[] {
  const value = record[field] ?? []
  return (isArray(value) ? value : [value]).filter((item) => typeof item === 'string')
}
