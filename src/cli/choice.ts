/**
 * What the picker shows at a moment: what is searched for, the sessions that fit, and which of them is chosen. Pure.
 */
import type { SessionInfo } from '../message.ts'
import type { Key } from './keys.ts'

export interface Choice {
  readonly all: readonly SessionInfo[]
  readonly query: string
  readonly fitting: readonly SessionInfo[]
  /** Of `fitting`. */
  readonly at: number
}

export function choiceOf(all: readonly SessionInfo[]): Choice {
  return { all, query: '', fitting: all, at: 0 }
}

/** The session that is chosen, if any fits. */
export function chosen({ at, fitting }: Choice): SessionInfo | undefined {
  return fitting[at]
}

/** The choice after a key. `page`: how many sessions are shown at once. */
export function after(choice: Choice, key: Key, page: number): Choice {
  switch (key.kind) {
    case 'text':
      return searched(choice, choice.query + key.text)
    case 'erase':
      return searched(choice, Array.from(choice.query).slice(0, -1).join(''))
    case 'erase-word':
      return searched(choice, choice.query.replace(/\S+\s*$/, ''))
    case 'erase-all':
      return searched(choice, '')
    case 'up':
      return moved(choice, choice.at - 1)
    case 'down':
      return moved(choice, choice.at + 1)
    case 'page-up':
      return moved(choice, choice.at - page)
    case 'page-down':
      return moved(choice, choice.at + page)
    case 'first':
      return moved(choice, 0)
    case 'last':
      return moved(choice, choice.fitting.length - 1)
    case 'enter':
    case 'leave':
      return choice
  }
}

function moved(choice: Choice, at: number): Choice {
  return { ...choice, at: Math.max(0, Math.min(at, choice.fitting.length - 1)) }
}

/** Those that hold every word of the query in their title, first words, id or namespace. The newest of them is chosen. */
function searched(choice: Choice, query: string): Choice {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '')
  const fitting = choice.all.filter((info) => {
    const text = [info.title ?? '', info.preview, info.id, info.namespace].join('\n').toLowerCase()
    return words.every((word) => text.includes(word))
  })
  return { ...choice, query, fitting, at: 0 }
}
