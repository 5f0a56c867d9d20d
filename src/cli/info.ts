/**
 * Fields of a session's info as they are shown. Pure.
 */
import type { SessionInfo } from '../message.ts'
import { plain, shortCount } from './text.ts'

/** What the session is called; one without a title by its first words, in quotes. */
export function titleOf({ title, preview }: SessionInfo): string {
  const name = plain(title ?? '')
  if (name !== '') return name
  return preview === '' ? '(untitled)' : `"${plain(preview)}"`
}

/** All tokens, or `-` where no usage was written. */
export function tokensOf({ usage }: SessionInfo): string {
  const { inputTokens, outputTokens, totalTokens = (inputTokens ?? 0) + (outputTokens ?? 0) } = usage
  return totalTokens === 0 ? '-' : shortCount(totalTokens)
}

/** What makes a session different from one that rests; empty for most. */
export function stateOf({ damage, status }: SessionInfo): string {
  return [status === 'idle' ? '' : status, damage > 0 ? `${damage} damaged` : '']
    .filter((text) => text !== '')
    .join(', ')
}
