/**
 * What is said of a session above its messages, and how times, sizes and counts are written: in UTC and in English, the same for
 * everyone who exports. Pure.
 */
import type { Message, SessionInfo } from '../message.ts'

const UNTITLED = 'Untitled session'
const MAX_TITLE = 120
const MAX_PREVIEW = 80

/** What the session is called; one without a title by its first words, in quotes. On one line. */
export function titleOf({ preview, title }: Pick<SessionInfo, 'preview' | 'title'>): string {
  const name = oneLine(title ?? '')
  if (name !== '') return cut(name, MAX_TITLE)
  return oneLine(preview) === '' ? UNTITLED : `“${cut(oneLine(preview), MAX_PREVIEW)}”`
}

/** Models that answered, in the order they came, each once; else the one the session names. */
export function modelsOf(info: SessionInfo, messages: readonly Message[]): readonly string[] {
  const models = new Set(messages.flatMap(({ model }) => (model === undefined ? [] : [model])))
  return models.size === 0 && info.model !== undefined ? [info.model] : [...models]
}

/** The first words that were said. */
export function previewOf(messages: readonly Message[]): string {
  for (const { parts } of messages) {
    for (const part of parts) {
      if ((part.type === 'text' || part.type === 'compaction') && part.text.trim() !== '')
        return cut(oneLine(part.text.slice(0, MAX_PREVIEW * 10)), MAX_PREVIEW)
    }
  }
  const call = messages.flatMap(({ parts }) => parts).find((part) => part.type === 'tool-call')
  return call === undefined ? '…' : call.name
}

/** Text on one line. */
export function oneLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ')
}

/** The beginning of a text, with … where something was left out. */
export function cut(text: string, chars: number): string {
  if (text.length <= chars) return text
  return `${text
    .slice(0, chars - 1)
    .toWellFormed()
    .replace(/\uFFFD$/, '')}…`
}

/** `2026-11-20 10:00` */
export function dayAndTime(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ')
}

const DAY_MS = 86_400_000

/** Whether something has a time. What says none, such as a session without events, is put at the beginning of 1970. */
export function isDated(ms: number): boolean {
  return ms >= DAY_MS
}

/** `2026-11-20 10:00 – 10:07 UTC`, with the date where it is another one; nothing where it is not known. */
export function span(from: number, to: number): string {
  if (!isDated(from)) return isDated(to) ? span(to, to) : ''
  const [since, until] = [dayAndTime(from), dayAndTime(to)]
  if (since === until) return `${since} UTC`
  return `${since} – ${since.slice(0, 10) === until.slice(0, 10) ? until.slice(11) : until} UTC`
}

/** `1 message`, `2,000 messages`. */
export function counted(count: number, noun: string): string {
  const plural = noun.endsWith('ch') ? `${noun}es` : `${noun}s`
  return `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`
}

/** `512 B`, `1.2 kB`, `14.2 MB`. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 999_950 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}

/** `0.8 s`, `12 s`, `3 min 5 s`, `2 h 4 min`. */
export function duration(ms: number): string {
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : counted(Math.floor(hours / 24), 'day')
}
