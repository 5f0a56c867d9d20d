/**
 * Fields of a session's info as they are shown. Pure.
 */
import type { InfoRow } from '../infos-rows.ts'
import type { SessionStatus, Usage } from '../message.ts'
import type { Style } from './output.ts'
import { plain, shortCount } from './text.ts'

/** What the session is called; one without a title by its first words, in quotes. */
export function titleOf({ title, preview }: InfoRow): string {
  const name = plain(title ?? '')
  if (name !== '') return name
  return preview === '' ? '(untitled)' : `"${plain(preview)}"`
}

/** All tokens, or `-` where no usage was written. */
export function tokensOf({ usage }: InfoRow): string {
  const total = totalTokensOf(usage)
  return total === 0 ? '-' : shortCount(total)
}

/** All tokens: as they were written, else those in and those out. */
export function totalTokensOf({ inputTokens = 0, outputTokens = 0, totalTokens }: Usage): number {
  return Math.max(totalTokens ?? 0, inputTokens + outputTokens)
}

/** What makes a session different from one that rests; empty for most. */
export function markOf({ damage, status }: InfoRow): string {
  return [MARKS[status], damage > 0 ? `! ${damage} damaged` : ''].filter((text) => text !== '').join(' ')
}

/** The signs of it alone. */
export function signOf({ damage, status }: InfoRow): string {
  return MARKS[status].slice(0, 1) + (damage > 0 ? '!' : '')
}

/** The style of a session's {@link markOf}. */
export function styleOfMark({ damage, status }: InfoRow): Style {
  if (damage > 0 || status === 'failed') return 'red'
  return status === 'awaiting' ? 'yellow' : 'green'
}

const MARKS: Readonly<Record<SessionStatus, string>> = {
  idle: '',
  running: '● running',
  awaiting: '◌ awaiting',
  failed: '✗ failed',
}
