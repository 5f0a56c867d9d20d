/**
 * Registers: values that remember which event set them, so that the greatest id wins in whatever order they come.
 *
 * Invariants held here: I3 order of arrival never matters, I4 setting twice equals setting once. Everything is pure.
 */
import { deepFreeze, setOwn, type Json, type JsonObject } from './json.ts'

interface Register {
  readonly value: Json
  readonly at: string
}

/** A set of named registers over initial values: the info of a session, its vars, its metadata. */
export class Registers {
  readonly #initial = new Map<string, Register>()
  readonly #set = new Map<string, Register>()
  #clearedAt = ''
  #object: JsonObject | undefined

  /** A value that counts only while nothing else was ever set; of several the one with the smallest id. */
  init(name: string, value: Json, at: string): void {
    const known = this.#initial.get(name)
    if (value === null || (known !== undefined && known.at <= at)) return
    this.#initial.set(name, { value, at })
    this.#object = undefined
  }

  /** `null` unsets. */
  set(name: string, value: Json, at: string): void {
    const known = this.#set.get(name)
    if (known !== undefined && known.at >= at) return
    this.#set.set(name, { value, at })
    this.#object = undefined
  }

  /** Unsets everything that was set before, initial values too. */
  clear(at: string): void {
    if (at <= this.#clearedAt) return
    this.#clearedAt = at
    this.#object = undefined
  }

  get(name: string): Json | undefined {
    const set = this.#set.get(name)
    if (set !== undefined && set.at > this.#clearedAt) return set.value ?? undefined
    if (set !== undefined || this.#clearedAt !== '') return undefined
    return this.#initial.get(name)?.value
  }

  /** The event that set what `get` returns, unless it is an initial value. */
  setAt(name: string): string | undefined {
    return this.#set.get(name)?.at
  }

  /** All values by name, sorted by name so that it does not tell in which order they came; the same object while nothing changes. */
  object(): JsonObject {
    if (this.#object === undefined) {
      const out: Record<string, Json> = {}
      for (const name of [...new Set([...this.#initial.keys(), ...this.#set.keys()])].sort()) {
        const value = this.get(name)
        if (value !== undefined) setOwn(out, name, value)
      }
      this.#object = deepFreeze(out)
    }
    return this.#object
  }
}
