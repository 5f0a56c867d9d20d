/**
 * The content of file parts and tool results, as the targets need it: a URL, base64, or text.
 *
 * Everything in this file is pure; `Buffer` only encodes.
 */
import type { Json } from '../json.ts'
import type { FilePart, Message, TextPart, ToolResultPart } from '../message.ts'
import type { ConvertOptions } from './loss.ts'

/** Where the bytes of a file are. `mediaType` is that of a `data:` URL, where the part's own is a wildcard. */
export type Content =
  | { readonly kind: 'url'; readonly url: string; readonly mediaType: string }
  | { readonly kind: 'data'; readonly data: string; readonly mediaType: string }

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const DATA_URL = /^data:([^;,]*)(;[^,]*)?,(.*)$/s
/** Images that every provider takes. */
export const IMAGES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

/** The content of a file part; undefined if it is not to be had: not stored, not resolved, or no base64. */
export function contentOf(part: FilePart, options: ConvertOptions): Content | undefined {
  const mediaType = normalType(part.mediaType)
  if (part.data !== undefined) return isBase64(part.data) ? dataContent(part.data, mediaType) : undefined
  if (part.file !== undefined) {
    const found = options.files?.(part.file)
    if (typeof found === 'string') return urlContent(found, mediaType)
    if (found !== undefined && found.length > 0) return dataContent(base64Of(found), mediaType)
  }
  return part.url === undefined ? undefined : urlContent(part.url, mediaType)
}

/** What a URL stands for: `data:` URLs are taken apart, others stay. */
function urlContent(url: string, mediaType: string): Content | undefined {
  if (!/^data:/i.test(url)) return /^[a-z][a-z0-9+.-]*:\S+$/i.test(url) ? { kind: 'url', url, mediaType } : undefined
  const [, type = '', parameters = '', body = ''] = DATA_URL.exec(url) ?? []
  const isEncoded = /;base64$/i.test(parameters)
  const data = isEncoded ? body : base64Of(Buffer.from(decoded(body), 'utf8'))
  if (!isBase64(data)) return undefined
  return dataContent(data, type === '' || !mediaType.endsWith('*') ? mediaType : normalType(type))
}

/** How the bytes of images begin, in base64: some libraries say only that it is an image. */
const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
]

function dataContent(data: string, mediaType: string): Content {
  if (mediaType !== 'image/*') return { kind: 'data', data, mediaType }
  const found = BEGINNINGS.find(([beginning]) => data.startsWith(beginning))
  return { kind: 'data', data, mediaType: found?.[1] ?? mediaType }
}

/** Whether a provider can fetch it. */
export function isWeb(content: Content): boolean {
  return content.kind === 'url' && /^https?:/i.test(content.url)
}

export function dataUrl(content: Content): string {
  return content.kind === 'url' ? content.url : `data:${content.mediaType};base64,${content.data}`
}

/** The text in a file that is text; undefined for other files and for blank ones. */
export function textIn(content: Content): string | undefined {
  if (content.kind !== 'data' || !/^text\/|^application\/(json|xml|yaml)$/.test(content.mediaType)) return undefined
  const text = Buffer.from(content.data, 'base64').toString('utf8')
  return isBlank(text) ? undefined : text
}

/** What stands for a file that a target cannot have. */
export function placeholder(part: FilePart, why: string): string {
  return `[file${part.name === undefined ? '' : ` ${part.name}`} (${part.mediaType}): ${why}]`
}

export function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && BASE64.test(text)
}

function decoded(body: string): string {
  try {
    return decodeURIComponent(body)
  } catch {
    // A stray % is what the writer meant: browsers take such URLs as they are.
    return body
  }
}

function normalType(mediaType: string): string {
  return mediaType.split(';')[0]!.trim().toLowerCase()
}

export function isBlank(text: string): boolean {
  return !/\S/.test(text)
}

/** The file parts whose bytes are stored by content, each file once: what to read before a conversion. */
export function filesOf(messages: readonly Message[]): readonly FilePart[] {
  const found = new Map<string, FilePart>()
  for (const { parts } of messages) {
    for (const part of parts) {
      const inside = part.type === 'tool-result' ? (part.content ?? []) : [part]
      for (const each of inside) if (each.type === 'file' && each.file !== undefined) found.set(each.file, each)
    }
  }
  return [...found.values()]
}

/** What a result says where there is no error flag: errors say so in words. Files are left to the caller. */
export function resultText(part: ToolResultPart): string {
  const text = plainResultText(part)
  if (part.error === undefined || /^\W*error/i.test(text)) return text
  return `Error: ${text}`
}

/** What a result says, for targets that flag errors. */
export function plainResultText({ output, content, error }: ToolResultPart): string {
  if (content !== undefined) {
    const texts = content.filter((each): each is TextPart => each.type === 'text').map(({ text }) => text)
    const text = texts.filter((each) => !isBlank(each)).join('\n')
    if (text !== '' || error === undefined) return text
  }
  if (output === undefined || (error !== undefined && output === '')) return error?.message ?? ''
  return typeof output === 'string' ? output : textOfJson(output)
}

/** The texts that were made of frozen data, for as long as the data lives. */
const texts = new WeakMap<object, string>()

/**
 * The input or the output of a tool as JSON. An agent sends its whole history with every step, so the text of frozen data is made
 * once; what is frozen at the top must be so all the way down, as everything is that foldlog returns.
 */
export function textOfJson(value: Json): string {
  if (typeof value !== 'object' || value === null || !Object.isFrozen(value)) return JSON.stringify(value)
  let text = texts.get(value)
  if (text === undefined) texts.set(value, (text = JSON.stringify(value)))
  return text
}

/**
 * Parts that come from a list of blocks are named by their place in it, those from a plain text are not: so a conversion back
 * gives the one or the other again.
 */
export function isListed(part: Pick<TextPart, 'id'>): boolean {
  return /^\d+$/.test(part.id)
}

/** The id of the part for a plain text. */
export const WHOLE = 'content'
