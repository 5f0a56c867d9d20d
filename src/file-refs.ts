/**
 * What names stored files: `sha256-<hex>`.
 */
import type { Backend, Rewrites } from './backend.ts'
import { isFoldlogError } from './errors.ts'
import { isArray, type Json } from './json.ts'
import { decodeLine, eventsOf } from './line.ts'

const ANYWHERE = /sha256-[0-9a-f]{64}/g
const REF = /^sha256-[0-9a-f]{64}$/
const STORED = /^([0-9a-f]{64})\./
/** A character that need not be escaped: what names a file may be hidden in such. */
const ESCAPED = String.raw`\u00`

/** The reference of an attachment by its name; undefined if it is not named by a hash. */
export function refOf(name: string): string | undefined {
  const hash = STORED.exec(name)?.[1]
  return hash === undefined ? undefined : `sha256-${hash}`
}

/** Every reference in a text, as often as it is there. */
export function refsInText(text: string): readonly string[] {
  return text.match(ANYWHERE) ?? []
}

/** Who names a file. */
export interface FileUser {
  readonly sessionId: string
  readonly eventId: string
}

/** The files that objects in a value name in their field `file`, each once. */
export function filesIn(value: Json): ReadonlySet<string> {
  const refs = new Set<string>()
  collect(value, refs)
  return refs
}

function collect(value: Json, refs: Set<string>): void {
  if (typeof value !== 'object' || value === null) return
  if (isArray(value)) {
    for (const item of value) collect(item, refs)
    return
  }
  for (const [name, item] of Object.entries(value)) {
    if (name !== 'file' || typeof item !== 'string') collect(item, refs)
    else if (REF.test(item)) refs.add(item)
  }
}

/** The files that logs name, and the events that do, as far as the logs can be read. */
export async function usersOf(
  backend: Backend,
  namespace: string,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, readonly FileUser[]>> {
  const users = new Map<string, FileUser[]>()
  for (const sessionId of sessionIds) {
    try {
      for await (const { lines } of backend.read({ namespace, sessionId })) {
        for (const event of lines.flatMap((stored) => decodeLine(stored.bytes, stored).lines.flatMap(eventsOf))) {
          for (const ref of filesIn(event.data)) {
            const known = users.get(ref)
            if (known === undefined) users.set(ref, [{ sessionId, eventId: event.id }])
            else known.push({ sessionId, eventId: event.id })
          }
        }
      }
    } catch (error) {
      // Being deleted, or what else keeps it from being read is told by `fsck`.
      if (!isFoldlogError(error)) throw error
    }
  }
  return users
}

/**
 * Every reference in any text of a namespace: of logs, whether it is an event or not, and of drafts and what is kept for `restore` and `repair`. What
 * was found once stays found.
 */
export class Mentions {
  readonly #refs = new Set<string>()
  readonly #backend: Backend
  readonly #rewrites: Rewrites
  readonly #namespace: string
  /** Logs that were read, as they were then. */
  readonly #read = new Map<string, string>()

  constructor(backend: Backend, rewrites: Rewrites, namespace: string) {
    this.#backend = backend
    this.#rewrites = rewrites
    this.#namespace = namespace
  }

  /** Whether something names the attachment, as of the last look. */
  has(name: string): boolean {
    const ref = refOf(name)
    return ref !== undefined && this.#refs.has(ref)
  }

  /** Reads what has changed since the last look. Rejects if a log cannot be read: then nobody knows what it names. */
  async look(): Promise<void> {
    for (const { isSettled, sessionId, version } of await this.#backend.list(this.#namespace)) {
      if (this.#read.get(sessionId) === version) continue
      await this.#readLog(sessionId)
      if (isSettled) this.#read.set(sessionId, version)
    }
    await this.#rewrites.scrub(this.#namespace, ({ text, name }) => {
      if (!name.startsWith('.cache/infos')) this.#take(name.startsWith('.cache/quarantine') ? decoded(text) : text)
      return text
    })
  }

  async #readLog(sessionId: string): Promise<void> {
    try {
      for await (const { lines } of this.#backend.read({ namespace: this.#namespace, sessionId })) {
        for (const { bytes } of lines) this.#take(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString())
        // A namespace may be large, and those who are served in this process are not to wait for all of it.
        await new Promise((resolve) => setImmediate(resolve))
      }
    } catch (error) {
      if (!isFoldlogError(error, 'NOT_FOUND')) throw error
    }
  }

  #take(line: string): void {
    for (const [ref] of line.matchAll(ANYWHERE)) this.#refs.add(ref)
    if (line.includes(ESCAPED)) for (const [ref] of unescaped(line).matchAll(ANYWHERE)) this.#refs.add(ref)
  }
}

/** A text with the characters that were escaped as JSON allows but does not ask for. */
function unescaped(line: string): string {
  return line.replaceAll(/\\u00([2-7][0-9a-f])/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** The bytes that a line of the quarantine keeps (repair.ts), as text. */
function decoded(line: string): string {
  const base64 = /"base64":"([A-Za-z0-9+/=]*)"/.exec(line)?.[1] ?? ''
  return Buffer.from(base64, 'base64').toString()
}
