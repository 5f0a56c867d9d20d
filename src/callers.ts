/**
 * Which message made a call, by call id; of several the newest, as some models count their calls from zero in every message. Pure.
 *
 * Who only reads never asks, and nearly every result comes soon after its call: so all callers are looked for when one is not among the newest
 * messages, and kept from then on.
 */

/** So many of the newest messages are looked at before all of them. */
const FEW = 256

/** `T` is a message in the skeleton. */
export class Callers<T extends { readonly created: string }> {
  readonly #callsOf: (message: T) => readonly string[]
  readonly #all: () => Iterable<T>
  /** Undefined: they have to be looked for. */
  #byCall: Map<string, T> | undefined

  constructor(callsOf: (message: T) => readonly string[], all: () => Iterable<T>) {
    this.#callsOf = callsOf
    this.#all = all
  }

  /** Takes notice of the calls of a message. */
  note(message: T, calls: readonly string[]): void {
    if (this.#byCall === undefined) return
    for (const callId of calls) {
      const known = this.#byCall.get(callId)
      if (known === undefined || known.created <= message.created) this.#byCall.set(callId, message)
    }
  }

  /** Takes notice that a caller was moved or lost a call. */
  forget(): void {
    this.#byCall = undefined
  }

  /** `newest`: messages, newest first, as far as anybody knows which they are. */
  find(callId: string, newest: Iterable<T>): T | undefined {
    if (this.#byCall === undefined) {
      let left = FEW
      for (const message of newest) {
        if (this.#callsOf(message).includes(callId)) return message
        if (--left === 0) break
      }
      this.#byCall = new Map()
      for (const message of this.#all()) this.note(message, this.#callsOf(message))
    }
    return this.#byCall.get(callId)
  }
}
