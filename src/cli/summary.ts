/**
 * What a message says, on one line: its text, else what it calls, answers or carries. Pure.
 */
import type { Message, Part } from '../message.ts'
import { plain } from './text.ts'

/** More of a text cannot be on a line anyway. */
const MAX_CHARS = 500

export function summaryOf({ error, parts, statusMessage }: Message): string {
  const text = parts.find((part) => part.type === 'text' && part.text.trim() !== '')
  if (text?.type === 'text') return plain(text.text.slice(0, MAX_CHARS))
  const words = parts.map(wordsOf).filter((each) => each !== '')
  if (words.length === 0) words.push(error?.message ?? statusMessage ?? '')
  return plain(words.join('  ').slice(0, MAX_CHARS))
}

function wordsOf(part: Part): string {
  switch (part.type) {
    case 'tool-call':
      return `→ ${part.name} ${(part.rawInput ?? JSON.stringify(part.input)).slice(0, MAX_CHARS)}`
    case 'tool-result':
      return `${hasFailed(part) ? '✗' : '✓'} ${part.name}`
    case 'file':
      return `[${part.name ?? part.mediaType}]`
    case 'data':
      return `[${part.name}]`
    case 'reasoning':
      return '[reasoning]'
    case 'compaction':
      return `[summary] ${part.text.slice(0, MAX_CHARS)}`
    case 'text':
      return ''
    default:
      // A part that a newer version wrote: the types do not know it.
      return `[${(part as { readonly type: string }).type}]`
  }
}

/** Whether a tool failed. */
export function hasFailed({ error, status }: Part & { readonly type: 'tool-result' }): boolean {
  return error !== undefined || status === 'failed' || status === 'cancelled'
}
