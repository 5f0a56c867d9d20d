/**
 * Tells which texts of the user interface are said by an item too. The item may come before its mirror or after it.
 *
 * Keeps digests of the texts of one turn only.
 */
import { digest } from '../mint.ts'
import type { CodexRecord } from './record.ts'

export class Mirrors {
  readonly #said = new Set<string>()
  readonly #waiting = new Map<string, CodexRecord[]>()

  /** An item with these texts: the mirrors of them that waited for it. */
  say(texts: readonly string[]): readonly CodexRecord[] {
    const found: CodexRecord[] = []
    for (const text of new Set([...texts, texts.join(''), texts.join('\n')])) {
      const key = digest(text)
      this.#said.add(key)
      found.push(...(this.#waiting.get(key) ?? []))
      this.#waiting.delete(key)
    }
    return found
  }

  /** Whether an item says the text. If none does yet, the record waits for it. */
  isSaid(text: string, record: CodexRecord): boolean {
    const key = digest(text)
    if (this.#said.has(key)) return true
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) this.#waiting.set(key, [record])
    else waiting.push(record)
    return false
  }

  /** At the end of a turn: what waited in vain, in the order of the file. */
  clear(): readonly CodexRecord[] {
    const left = [...this.#waiting.values()].flat().sort((a, b) => Number(a.key) - Number(b.key))
    this.#said.clear()
    this.#waiting.clear()
    return left
  }
}
