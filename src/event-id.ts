/**
 * What an id says: whether it is one, and when it was minted. Apart from id.ts, which mints them, because a listing needs no more, and
 * what minting needs takes several milliseconds to load. Pure.
 */
export const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
/** What each character stands for, by its code. */
const VALUES: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) =>
  Math.max(0, ALPHABET.indexOf(String.fromCharCode(code))),
)
const IS_DIGIT: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) =>
  Number(ALPHABET.includes(String.fromCharCode(code))),
)
/** 6000-01-01: an id past it is damage, because a clock that followed it would soon run out of ids. */
export const LAST_TIME: number = Date.UTC(6000, 0, 1)
/** The smallest id of that millisecond: none is as great. */
export const END_OF_IDS = '3KN8F7FH000000000000000000'

/** Whether `id` is a ULID before the year 6000. */
export function isEventId(id: string): boolean {
  if (id.length !== 26 || id >= END_OF_IDS) return false
  for (let i = 0; i < 26; i++) if (IS_DIGIT[id.charCodeAt(i)] !== 1) return false
  return true
}

/** The millisecond a ULID was minted in. */
export function timeOf(id: string): number {
  return decode(id, 0, 10)
}

/** The number that the characters from `start` to `end` stand for. */
export function decode(id: string, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) value = value * 32 + VALUES[id.charCodeAt(i)]!
  return value
}
