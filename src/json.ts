/**
 * JSON as data: what may be written, copied so that nothing aliases the caller's objects.
 *
 * Everything in this file is pure. Keys of parsed or foreign objects are never assigned with `out[key] =` unless
 * `key` is known not to be `__proto__`.
 */
import { FoldlogError } from './errors.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** Deepest nesting that is written or read. JSON.stringify and recursion overflow the stack at a few thousand. */
export const MAX_DEPTH = 200

/** Sets an own property, also for the key `__proto__`, which assignment would swallow. */
export function setOwn(target: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    ;(target as Record<string, unknown>)[key] = value
  }
}

/**
 * A deep copy of `value` as plain JSON data, frozen: what `JSON.parse(JSON.stringify(value))` gives, but whatever JSON cannot
 * hold is refused instead of being changed silently.
 *
 * `undefined` properties are dropped and lone surrogates replaced by U+FFFD, as documented in docs/format.md.
 * Throws `INVALID_EVENT` naming the path for NaN, infinities, BigInt, functions, symbols, cycles, class instances
 * and `undefined` in arrays; `TOO_LARGE` beyond {@link MAX_DEPTH}.
 *
 * @param depth how deep in what is written the value will lie
 */
export function toJson(value: unknown, path: string, depth: number = 0): Json {
  try {
    return copy(value, depth)
  } catch (error) {
    // Only what failed pays for knowing where.
    throw error instanceof Refusal ? error.at(path) : error
  }
}

/** As {@link toJson}, of an object, behind the fields that `out` has: it becomes the copy. */
export function toJsonBehind(out: Record<string, Json>, value: object, path: string, depth: number): JsonObject {
  try {
    return copyObject(value, depth, out)
  } catch (error) {
    throw error instanceof Refusal ? error.at(path) : error
  }
}

/** Why a value cannot be written, and on the way up the path to it. */
class Refusal extends Error {
  readonly #code: 'INVALID_EVENT' | 'TOO_LARGE'
  #path = ''

  constructor(code: 'INVALID_EVENT' | 'TOO_LARGE', why: string) {
    super(why)
    this.#code = code
  }

  within(step: string): this {
    this.#path = step + this.#path
    return this
  }

  at(root: string): FoldlogError {
    const field = root + this.#path
    // A cycle's path is as long as the deepest nesting that is allowed: its beginning says enough.
    const shown = field.length > 200 ? `${field.slice(0, 200)}…` : field
    return new FoldlogError(this.#code, `${shown} ${this.message}`, { field: shown })
  }
}

function copy(value: unknown, depth: number): Json {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : value.toWellFormed()
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new Refusal('INVALID_EVENT', `is ${value}, which JSON cannot hold`)
      return value === 0 ? 0 : value
    case 'object':
      if (value === null) return null
      if (depth >= MAX_DEPTH)
        throw new Refusal('TOO_LARGE', `is nested deeper than ${MAX_DEPTH} or is a cycle: flatten it`)
      return Array.isArray(value) ? copyArray(value, depth) : copyObject(value, depth)
    case 'undefined':
    case 'bigint':
    case 'function':
    case 'symbol':
      throw new Refusal('INVALID_EVENT', `is of type ${typeof value}, which JSON cannot hold`)
  }
}

function copyArray(value: readonly unknown[], depth: number): Json[] {
  // An array that grows from nothing has room for 17 at once, and keeps it as long as the message.
  const out = [...value]
  let at = 0
  try {
    for (; at < out.length; at++) out[at] = copy(out[at], depth + 1)
    return Object.freeze(out) as Json[]
  } catch (error) {
    throw error instanceof Refusal ? error.within(`[${at}]`) : error
  }
}

function copyObject(value: object, depth: number, out: Record<string, Json> = {}): JsonObject {
  const proto: unknown = Object.getPrototypeOf(value)
  if (proto !== Object.prototype && proto !== null && Object.getPrototypeOf(proto) !== null) {
    throw new Refusal('INVALID_EVENT', 'is an instance of a class: pass plain data')
  }
  let at = ''
  try {
    const keys = Object.keys(value)
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      at = key
      const item: unknown = (value as Record<string, unknown>)[key]
      if (item !== undefined) setOwn(out, key.isWellFormed() ? key : key.toWellFormed(), copy(item, depth + 1))
    }
    return Object.freeze(out)
  } catch (error) {
    throw error instanceof Refusal ? error.within(`.${at}`) : error
  }
}

/** Freezes plain JSON data all the way down and returns it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) freezeAll(value)
  return value
}

/** As {@link deepFreeze}, for what was just parsed: nothing in it is frozen yet, and asking costs more than freezing. */
export function freezeParsed<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  Object.freeze(value)
  for (const key in value) {
    const inside = value[key]
    if (typeof inside === 'object' && inside !== null) freezeParsed(inside)
  }
  return value
}

function freezeAll(value: object): void {
  Object.freeze(value)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) freezeInside(value[i])
  } else {
    for (const key in value) freezeInside((value as Record<string, unknown>)[key])
  }
}

function freezeInside(value: unknown): void {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) freezeAll(value)
}

/**
 * JSON with sorted keys: two values are the same data exactly if their canonical texts are equal. So the infinity that JSON.parse
 * makes of 1e400 is written as that, where JSON.stringify would make `null` of it.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return value > 0 ? '1e400' : '-1e400'
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const items = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key]!)}`)
  return `{${items.join(',')}}`
}

/** Whether two values are the same data: their canonical texts would be equal. Makes none. */
export function isSameJson(a: Json, b: Json): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((item, index) => isSameJson(item, b[index]!))
  if (isArray(b)) return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => Object.hasOwn(b, name) && isSameJson(a[name]!, b[name]!))
}

/** `Array.isArray` that narrows readonly arrays. */
export function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}
