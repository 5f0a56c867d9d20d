/**
 * What a terminal sends → the keys that were pressed. Pure.
 */

export type Key =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'up' | 'down' | 'page-up' | 'page-down' | 'first' | 'last' }
  | { readonly kind: 'erase' | 'erase-word' | 'erase-all' }
  | { readonly kind: 'enter' | 'leave' }

type Named = Exclude<Key['kind'], 'text'>

const SEQUENCES: ReadonlyMap<string, Named> = new Map<string, Named>([
  ['[A', 'up'],
  ['OA', 'up'],
  ['[B', 'down'],
  ['OB', 'down'],
  ['[5~', 'page-up'],
  ['[6~', 'page-down'],
  ['[H', 'first'],
  ['OH', 'first'],
  ['[1~', 'first'],
  ['[F', 'last'],
  ['OF', 'last'],
  ['[4~', 'last'],
])

const CONTROLS: ReadonlyMap<string, Named> = new Map<string, Named>([
  ['\r', 'enter'],
  ['\n', 'enter'],
  ['\u0003', 'leave'],
  ['\u0004', 'leave'],
  ['\u0007', 'leave'],
  ['\u0008', 'erase'],
  ['\u007F', 'erase'],
  ['\u0015', 'erase-all'],
  ['\u0017', 'erase-word'],
  ['\u0010', 'up'],
  ['\u000E', 'down'],
])

/** A sequence that begins with ESC, as xterm and its relatives send them: CSI, SS3, or Alt with a key. */
// oxlint-disable-next-line no-control-regex -- that is what keys are
const SEQUENCE = /^\u001B(\[[\u0030-\u003F]*[\u0020-\u002F]*[\u0040-\u007E]|O.|[^[O])/u

/** The keys in what came, and the end of it that may be the beginning of a sequence. */
export function keysOf(input: string): { readonly keys: readonly Key[]; readonly rest: string } {
  const keys: Key[] = []
  let text = ''
  const flush = (): void => {
    if (text !== '') keys.push({ kind: 'text', text })
    text = ''
  }
  let rest = input
  while (rest !== '') {
    const char = String.fromCodePoint(rest.codePointAt(0)!)
    if (char === '\u001B') {
      const [sequence, name = ''] = SEQUENCE.exec(rest) ?? []
      flush()
      if (sequence === undefined) return { keys, rest }
      const kind = SEQUENCES.get(name)
      if (kind !== undefined) keys.push({ kind })
      rest = rest.slice(sequence.length)
      continue
    }
    const kind = CONTROLS.get(char)
    if (kind !== undefined) {
      flush()
      keys.push({ kind })
    } else if (!/\p{Cc}/u.test(char)) text += char
    rest = rest.slice(char.length)
  }
  flush()
  return { keys, rest }
}
