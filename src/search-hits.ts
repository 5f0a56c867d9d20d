/**
 * What is found in the state of a session. Reads nothing but texts that were moved to files, and of them only those that may hold it.
 */
import type { Fold } from './fold.ts'
import { deepFreeze } from './json.ts'
import type { Log } from './log.ts'
import type { Message, Part } from './message.ts'
import { isMatch, type Term } from './search-query.ts'
import type { Request } from './search-request.ts'
import type { MovedTexts } from './search-moved.ts'
import { textsOfMessage, textsOfPart, toolOf, type MovedText, type Text } from './search-texts.ts'
import type { SearchHit } from './search.ts'
import { snippetOf } from './snippet.ts'

/** A part with a text in which something was found; without a part, the message itself. */
interface Found {
  readonly part: Part | undefined
  readonly text: Text
}

/** A session to look into, and where its texts are that were moved. */
export interface Subject {
  readonly log: Pick<Log, 'fold' | 'info' | 'key'>
  /** The log is one path, and all in it are on it. */
  readonly isStraight: boolean
  /** Nothing is in any other message; undefined: that is not known. */
  readonly messages: ReadonlySet<string> | undefined
  readonly moved: MovedTexts
}

/** The hits in each message, newest first; none in those in which not all was found. */
export async function* hitsIn(subject: Subject, request: Request): AsyncGenerator<readonly SearchHit[], void> {
  const { isStraight, log, messages, moved } = subject
  const { fold } = log
  let path: ReadonlySet<string> | undefined
  for (const message of messagesOf(fold, messages)) {
    const found = await foundIn(message, request, log.key.namespace, moved)
    if (found.length > 0 && !isStraight) path ??= pathOf(fold)
    yield found.map((each) => hitOf(log, message, isStraight || path?.has(message.id) === true, each, request))
  }
}

/** The newest first. A view is made of no other message. */
function* messagesOf(fold: Fold, ids: ReadonlySet<string> | undefined): Generator<Message, void> {
  if (ids === undefined) {
    yield* fold.all().reverse()
    return
  }
  const nodes = [...ids].flatMap((id) => fold.node(id) ?? []).sort((a, b) => (a.created < b.created ? 1 : -1))
  for (const { id } of nodes) {
    const message = fold.message(id)
    if (message !== undefined) yield message
  }
}

function pathOf({ tree }: Fold): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const { id } of tree.walkBack(tree.active)) ids.add(id)
  return ids
}

/** Where something was found in a message, once a part; nothing if not all of it was. */
async function foundIn(
  message: Message,
  request: Request,
  namespace: string,
  moved: MovedTexts,
): Promise<readonly Found[]> {
  const { role, since, tool, until } = request
  const { created } = message.time
  if ((role !== undefined && message.role !== role) || created < since || created >= until) return []
  const missing = new Set(request.terms)
  const found: Found[] = []
  const look = async (texts: Iterable<Text | MovedText>, part?: Part): Promise<void> => {
    const finder = new Finder(request.terms, missing)
    for (const text of texts) {
      if (!('file' in text)) finder.look(text)
      else if (finder.isOpenTo(await moved.termsIn(namespace, text.file))) {
        for await (const piece of moved.textsOf(namespace, text.file)) finder.look({ text: piece })
      }
      if (finder.isDone) break
    }
    if (finder.first !== undefined) found.push({ part, text: finder.first })
  }
  for (const part of message.parts) if (tool === undefined || toolOf(part) === tool) await look(textsOfPart(part), part)
  if (tool === undefined) await look(textsOfMessage(message))
  return missing.size === 0 ? found : []
}

/** Looks for the first text of a part in which something is found. Takes all that is found in any out of what is missing. */
class Finder {
  first: Text | undefined
  readonly #terms: readonly Term[]
  readonly #missing: Set<Term>

  constructor(terms: readonly Term[], missing: Set<Term>) {
    this.#terms = terms
    this.#missing = missing
  }

  /** Whether it needs no more texts. */
  get isDone(): boolean {
    return this.first !== undefined && this.#missing.size === 0
  }

  /** Whether a text that may hold some terms is of use. */
  isOpenTo(terms: ReadonlySet<Term>): boolean {
    for (const term of terms) if (this.first === undefined || this.#missing.has(term)) return true
    return false
  }

  look(text: Text): void {
    for (const term of this.#terms) {
      if (this.first !== undefined && !this.#missing.has(term)) continue
      if (!isMatch(term, text.text)) continue
      this.first ??= text
      this.#missing.delete(term)
    }
  }
}

function hitOf(
  { fold, info, key }: Pick<Log, 'fold' | 'info' | 'key'>,
  { id, role, time }: Message,
  isOnPath: boolean,
  { part, text }: Found,
  { terms }: Request,
): SearchHit {
  const tool = toolOf(part)
  const patterns = terms.map(({ pattern }) => pattern)
  return deepFreeze({
    ...key,
    ...(info.title === undefined ? {} : { title: info.title }),
    messageId: id,
    ...(part === undefined ? {} : { partId: part.id, type: part.type }),
    role,
    ...(tool === undefined ? {} : { tool }),
    time: time.created,
    isOnPath,
    eventId: fold.touched(id),
    snippet: snippetOf(text.text, patterns, text.label),
  })
}
