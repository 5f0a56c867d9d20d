/**
 * How large a view is for a model, in tokens: as a provider counted it where one did, else by the characters. Pure.
 */
import type { Message, Part } from './message.ts'

const BYTES_PER_TOKEN = 4
const TOKENS_PER_MESSAGE = 4
/** Providers count an image by its size, from 85 to 1,600. */
const TOKENS_PER_FILE = 1000

export interface EstimateOptions {
  /** The view is that of this role: only what its own messages used says how large it is. */
  readonly role?: string
}

/**
 * About how many tokens a view has: `messages` as `context()` returns them.
 *
 * The `usage` of the newest message that has one stands for it and all before it; the rest is a token for four bytes of UTF-8. The usage of a
 * message from before the summary in the view is passed over: it counted what the summary has replaced.
 */
export function estimateTokens(messages: readonly Message[], { role }: EstimateOptions = {}): number {
  // A summary is newer than the messages it leaves as they are, which stand after it.
  let newest = 0
  let counted = 0
  let from = 0
  for (const [at, { usage, author, time }] of messages.entries()) {
    const input = usage?.totalTokens ?? usage?.inputTokens
    newest = Math.max(newest, time.created)
    if (input === undefined || time.created < newest || (role !== undefined && author !== role)) continue
    counted = usage?.totalTokens ?? input + (usage?.outputTokens ?? 0)
    from = at + 1
  }
  let estimated = 0
  for (const { parts } of messages.slice(from)) {
    estimated += TOKENS_PER_MESSAGE
    for (const part of parts) estimated += tokensOf(part)
  }
  return counted + estimated
}

function tokensOf(part: Part): number {
  switch (part.type) {
    case 'text':
    case 'compaction':
      return tokens(part.text)
    case 'reasoning':
      return tokens(part.text) + tokens(part.encrypted ?? '')
    case 'file':
      return TOKENS_PER_FILE
    case 'tool-call':
      return tokens(part.name) + tokens(part.rawInput ?? JSON.stringify(part.input))
    case 'tool-result': {
      const { output, content = [], error } = part
      const text = output === undefined ? '' : typeof output === 'string' ? output : JSON.stringify(output)
      return content.reduce((sum, each) => sum + tokensOf(each), tokens(text) + tokens(error?.message ?? ''))
    }
    case 'data':
      return tokens(JSON.stringify(part.data))
  }
}

function tokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)
}
