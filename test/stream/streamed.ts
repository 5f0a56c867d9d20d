/**
 * What tests of streaming across processes need: the text that `children/streamer.mjs` makes, and what a side file holds of it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Message } from '../../src/message.ts'

/** The text of the first `count` deltas. */
export function textOf(count: number): string {
  return Array.from({ length: count }, (_, index) => String(index).padStart(5, '.')).join('')
}

/** The paths of the side files of a namespace, without those that somebody is making. */
export function sideFiles(root: string, namespace = 'default'): string[] {
  const folder = join(root, namespace, '.live')
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names.filter((name) => name.endsWith('.jsonl')).map((name) => join(folder, name))
}

/** The text that whole lines of a side file hold, read without the library. */
export function textIn(path: string): string {
  let text = ''
  for (const line of readFileSync(path, 'utf8').split('\n').slice(1, -1)) {
    if (line === '') continue
    const { at, delta } = JSON.parse(line) as { at: number; delta: string }
    if (at !== text.length) throw new Error(`a delta at ${at} after ${text.length} characters`)
    text += delta
  }
  return text
}

/** The texts of a message's text parts. */
export function messageText(message: Message | undefined): string {
  return (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('')
}
