/**
 * What tools were given and what they said, as text, and the files beside it. Reads what was stored in files because it is big.
 */
import { isMovedText, type ReadStored } from '../inline.ts'
import type { JsonObject } from '../json.ts'
import type { FilePart, TextPart, ToolCallPart, ToolResultPart } from '../message.ts'
import { oneLine } from './facts.ts'

export interface Output {
  readonly text: string
  /** Whether the text is JSON, laid out to be read. */
  readonly isJson: boolean
  readonly files: readonly FilePart[]
}

/** The arguments of a call. */
export function inputOf({ input, rawInput }: ToolCallPart): Pick<Output, 'text' | 'isJson'> {
  if (rawInput !== undefined) return { text: rawInput, isJson: false }
  return laidOut(input)
}

/** Arguments that say most of what a call is about, those that say more before others. */
const TELLING = ['command', 'cmd', 'file_path', 'filePath', 'path', 'pattern', 'query', 'url', 'description', 'title']
const MAX_GIST = 400

/** What a call is about, on one line that may be long: the argument that says it, else all of them. */
export function gistOf({ input, rawInput }: ToolCallPart): string {
  const fields = typeof input === 'object' && input !== null && !Array.isArray(input) ? (input as JsonObject) : {}
  const values = Object.values(fields)
  const only = values.length === 1 ? values[0] : undefined
  const telling = TELLING.map((name) => fields[name]).find((value) => typeof value === 'string' && value.trim() !== '')
  const gist =
    rawInput ??
    (typeof only === 'string' ? only : (telling ?? (values.length === 0 && typeof input === 'object' ? '' : input)))
  return oneLine((typeof gist === 'string' ? gist : JSON.stringify(gist)).slice(0, MAX_GIST))
}

/** What a result says. Files in it are not read, but for texts that were moved to files. */
export async function outputOf({ content, error, output }: ToolResultPart, read: ReadStored): Promise<Output> {
  const texts: string[] = []
  const files: FilePart[] = []
  for (const part of content ?? []) {
    const text = await textOf(part, read)
    if (text === undefined) files.push(part as FilePart)
    else texts.push(text)
  }
  const rest = output === undefined ? undefined : laidOut(output)
  if (rest !== undefined) texts.push(rest.text)
  const said = texts.filter((text) => text !== '').join('\n')
  const text = error === undefined || said.includes(error.message) ? said : `${error.message}\n${said}`.trimEnd()
  return { text, isJson: rest?.isJson === true && texts.length === 1 && text === said, files }
}

/** A value of JSON to be read: a text as it is, anything else indented. */
export function laidOut(value: unknown): Pick<Output, 'text' | 'isJson'> {
  return typeof value === 'string'
    ? { text: value, isJson: false }
    : { text: JSON.stringify(value, null, 2), isJson: true }
}

/** The text of a part that is one, also where it was moved to a file; undefined for other files. */
async function textOf(part: TextPart | FilePart, read: ReadStored): Promise<string | undefined> {
  if (part.type === 'text') return part.text
  const bytes = isMovedText(part) ? await read(part.file, part.mediaType) : undefined
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

/** Whether a tool failed, did what it should, or has not answered. */
export function outcomeOf(
  call: ToolCallPart | undefined,
  result: ToolResultPart | undefined,
): { readonly kind: 'done' | 'failed' | 'open'; readonly word: string } {
  if (result !== undefined) {
    const { error, status, statusMessage } = result
    const hasFailed = error !== undefined || status === 'failed' || status === 'cancelled'
    return hasFailed ? { kind: 'failed', word: statusMessage ?? status ?? 'failed' } : { kind: 'done', word: 'done' }
  }
  if (call?.approval === 'denied') return { kind: 'failed', word: 'denied' }
  if (call?.status === 'failed' || call?.status === 'cancelled') return { kind: 'failed', word: call.status }
  return { kind: 'open', word: call?.approval === 'requested' ? 'asks for approval' : 'no result' }
}

/** No file can be read. */
export const NOTHING: ReadStored = async () => undefined
