/**
 * Ids for what is imported: the same source gives the same ids, whoever imports it, as often as they like.
 *
 * An id is the source's time and 80 bits of SHA-256 over the format, the source's own id and a number.
 * Two copies of a session, imported by two people, are then one set of events when their logs meet.
 */
import { hash } from 'node:crypto'
import { idFrom } from '../id.ts'

const DIGEST = Buffer.alloc(32)

/** Mints ids for one foreign session. */
export class Mint {
  readonly #prefix: string

  /** `identity` says which session it is; it must come from the session's content, never from where its file lies. */
  constructor(format: string, identity: string) {
    this.#prefix = `${format}\0${identity}`
  }

  /** The id of the `n`th thing that came of what the source calls `key`, in millisecond `ms`. */
  id(ms: number, key: string, n = 0): string {
    // Asked for as text and written where memory is: a Buffer of its own would take longer than the hash.
    DIGEST.write(hash('sha256', `${this.#prefix}\0${key}\0${n}`, 'binary'), 'latin1')
    return idFrom(ms, DIGEST)
  }
}

/** A short name for a content: equal contents have equal digests. */
export function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22)
}
