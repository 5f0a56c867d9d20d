/**
 * Stored files back into the messages that name them, for models and for whoever needs all in one place.
 */
import type { Backend } from './backend.ts'
import { TEXT_TYPE } from './bulk.ts'
import { isFoldlogError } from './errors.ts'
import { getFile } from './files.ts'
import { deepFreeze } from './json.ts'
import type { FilePart, Message, Part, TextPart } from './message.ts'

/**
 * Messages with `data` where file parts had `file`, and with texts in tool results that had moved as texts again. A file that is not
 * there or is damaged stays a reference. All of it is in memory.
 */
export async function inlineFiles(
  backend: Backend,
  namespace: string,
  messages: readonly Message[],
): Promise<readonly Message[]> {
  const inlined: Message[] = []
  for (const message of messages) {
    const parts: Part[] = []
    for (const part of message.parts) parts.push(await inlinePart(part))
    inlined.push(parts.some((part, index) => part !== message.parts[index]) ? { ...message, parts } : message)
  }
  return deepFreeze(inlined)

  async function inlinePart(part: Part): Promise<Part> {
    if (part.type === 'file') return withData(part)
    if (part.type !== 'tool-result' || part.content === undefined) return part
    const content: (TextPart | FilePart)[] = []
    for (const item of part.content) content.push(item.type === 'file' ? await withContent(item) : item)
    return { ...part, content }
  }

  async function withData(part: FilePart): Promise<FilePart> {
    const bytes = await bytesOf(part)
    if (bytes === undefined) return part
    const { file: _, ...rest } = part
    return { ...rest, data: Buffer.from(bytes).toString('base64') }
  }

  async function withContent(part: FilePart): Promise<TextPart | FilePart> {
    if (part.mediaType !== TEXT_TYPE || part.name !== undefined) return withData(part)
    const bytes = await bytesOf(part)
    if (bytes === undefined) return part
    const { file: _, mediaType: __, sizeBytes: ___, ...rest } = part
    return { ...rest, type: 'text', text: Buffer.from(bytes).toString() }
  }

  async function bytesOf({ data, file, mediaType }: FilePart): Promise<Uint8Array | undefined> {
    if (file === undefined || data !== undefined) return undefined
    try {
      return await getFile(backend, namespace, file, mediaType)
    } catch (error) {
      // Damaged, or no reference of ours: it stays what it is.
      if (isFoldlogError(error, 'STORAGE_FAILED') || isFoldlogError(error, 'INVALID_OPTION')) return undefined
      throw error
    }
  }
}
