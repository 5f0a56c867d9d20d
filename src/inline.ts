/**
 * Stored files back into the messages that name them, for models and for whoever needs all in one place.
 */
import type { Backend } from './backend.ts'
import { TEXT_TYPE } from './bulk.ts'
import { isFoldlogError } from './errors.ts'
import { getFile } from './files.ts'
import { deepFreeze } from './json.ts'
import type { FilePart, Message, Part, TextPart } from './message.ts'

/** The bytes of a file stored by content, `sha256-…`; undefined if they are not to be had, for whatever reason. */
export type ReadStored = (file: string, mediaType: string) => Promise<Uint8Array | undefined>

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
  for (const message of messages) inlined.push(await inlineMessage(message, bytesOf))
  return deepFreeze(inlined)

  async function bytesOf(file: string, mediaType: string): Promise<Uint8Array | undefined> {
    try {
      return await getFile(backend, namespace, file, mediaType)
    } catch (error) {
      // Damaged, or no reference of ours: it stays what it is.
      if (isFoldlogError(error, 'STORAGE_FAILED') || isFoldlogError(error, 'INVALID_OPTION')) return undefined
      throw error
    }
  }
}

/** As `inlineFiles`, of one message; the same one if nothing in it changes. */
export async function inlineMessage(message: Message, read: ReadStored): Promise<Message> {
  const parts: Part[] = []
  for (const part of message.parts) parts.push(await inlinePart(part, read))
  return parts.some((part, index) => part !== message.parts[index]) ? { ...message, parts } : message
}

async function inlinePart(part: Part, read: ReadStored): Promise<Part> {
  if (part.type === 'file') return withData(part, read)
  if (part.type !== 'tool-result' || part.content === undefined) return part
  const content: (TextPart | FilePart)[] = []
  for (const item of part.content) content.push(item.type === 'file' ? await withContent(item, read) : item)
  return { ...part, content }
}

async function withData(part: FilePart, read: ReadStored): Promise<FilePart> {
  const bytes = await bytesIn(part, read)
  if (bytes === undefined) return part
  const { file: _, ...rest } = part
  return { ...rest, data: Buffer.from(bytes).toString('base64') }
}

async function withContent(part: FilePart, read: ReadStored): Promise<TextPart | FilePart> {
  if (!isMovedText(part)) return withData(part, read)
  const bytes = await bytesIn(part, read)
  if (bytes === undefined) return part
  const { file: _, mediaType: __, sizeBytes: ___, ...rest } = part
  return { ...rest, type: 'text', text: Buffer.from(bytes).toString() }
}

/** Whether a file in a tool result is a text that was moved out of it because it is big. */
export function isMovedText(part: FilePart): part is FilePart & { readonly file: string } {
  return part.mediaType === TEXT_TYPE && part.name === undefined && part.file !== undefined
}

async function bytesIn({ data, file, mediaType }: FilePart, read: ReadStored): Promise<Uint8Array | undefined> {
  return file === undefined || data !== undefined ? undefined : read(file, mediaType)
}
