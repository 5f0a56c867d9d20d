/**
 * The newest of what authors share in `data` parts: plans, states, whatever a later turn builds on. Pure.
 */
import { deepFreeze } from './json.ts'
import type { DataPart, Message } from './message.ts'
import { turnsOf } from './turns.ts'

export interface LatestOptions {
  /** One part for each author. Default false: one in all. */
  readonly perAuthor?: boolean
}

/**
 * The newest shared `data` part of this name on a path: at most one, or with `perAuthor` one for each author, oldest
 * first. Failed turns do not count, and `scope: 'turn'` parts count only in the last turn.
 *
 * The author is that of the part, else that of its message, which is then filled in. The result is frozen.
 */
export function latest(messages: readonly Message[], name: string, options: LatestOptions = {}): readonly DataPart[] {
  const found = new Map<string | undefined, DataPart>()
  const turns = turnsOf(messages)
  for (const turn of turns) {
    if (turn.status === 'failed') continue
    for (const message of turn.messages) {
      for (const part of message.parts) {
        if (part.type !== 'data' || part.name !== name) continue
        if (part.scope === 'turn' && turn !== turns.at(-1)) continue
        const author = part.author ?? message.author
        const key = options.perAuthor === true ? author : undefined
        // Taken out first, so that the map is in the order of the newest parts.
        found.delete(key)
        found.set(key, author === undefined || part.author !== undefined ? part : { ...part, author })
      }
    }
  }
  return deepFreeze([...found.values()])
}
