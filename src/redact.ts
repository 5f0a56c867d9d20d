/**
 * Removes content for good: from every file of every log of a namespace that holds it, forks too, from attachments and from caches.
 *
 *     1. choose        the events, by their ids or by what they say, and the attachments that say it
 *     2. tell          a `log.redacted` line in every log concerned, so that a redaction that was killed is known
 *     3. rewrite       every log that holds one of them; what is left is docs/format.md §6
 *     4. clean         attachments nobody refers to any more, lines of caches and drafts
 *
 * What is left of an event beats the original wherever a merge brings that back; every redaction removes what came back since.
 */
import type { AsideLine, Backend, RawLine, Rewrites, SessionKey } from './backend.ts'
import { FoldlogError, isFoldlogError } from './errors.ts'
import { isEventId } from './event-id.ts'
import { Clock } from './id.ts'
import { asciiOf } from './infos-cache.ts'
import { readAny } from './kept-files.ts'
import { isArray, type Json } from './json.ts'
import { encodeLine, eventsOf, type InnerEvent, type Line } from './line.ts'
import { isRedactedIn } from './lines.ts'
import { joined, piecesOf } from './pieces.ts'
import { idsIn, redactedBytes } from './redacted.ts'
import { assertRewritable, rewritesOf, unknownIn } from './rewritable.ts'
import { findSecrets } from './secrets.ts'

/** What to remove: exactly one of these. */
export interface RedactChoice {
  /** These events. */
  readonly events?: readonly string[]
  /** Every event in whose data a string contains this one. */
  readonly text?: string
  /** Every event with a string that matches. */
  readonly pattern?: RegExp
  /** Every event with a secret that `findSecrets` knows. */
  readonly secrets?: true
  /** Nothing new: only what was removed before and came back by a merge, or was left by a redaction that was killed. */
  readonly returned?: true
}

export interface RedactOptions {
  /** Default false. True: nothing is changed, and the result is what would be. */
  readonly dryRun?: boolean
}

export interface Redacted {
  /** The logs concerned, and the events that lose their content in them. */
  readonly logs: readonly { readonly sessionId: string; readonly events: readonly string[] }[]
  /** Attachments that are removed, by name. */
  readonly files: readonly string[]
  /** Caches, outboxes and drafts that lose lines or what these say, by name. */
  readonly caches: readonly string[]
  /** Events in whose ids or keys the text remains: these are never removed. */
  readonly remaining: readonly string[]
}

/**
 * Redacts in one log, or in all logs of a namespace; the same events are redacted in every other log of the namespace that holds them.
 * Safe while others append. Nobody can remove what was committed, pushed or copied before: treat a secret as known and replace it first.
 */
export async function redactLogs(
  backend: Backend,
  namespace: string,
  sessionId: string | undefined,
  choice: RedactChoice,
  options: RedactOptions = {},
): Promise<Redacted> {
  const chooser = chooserOf(choice)
  const job = new Redaction(backend, namespace, chooser)
  await job.choose(sessionId)
  await job.locate(sessionId)
  return options.dryRun === true ? job.look() : job.run()
}

interface Chooser {
  readonly why: string
  readonly ids: ReadonlySet<string>
  /** Whether a text says what is to be removed. Absent where only ids count. */
  readonly matches?: (text: string) => boolean
}

function chooserOf(choice: RedactChoice): Chooser {
  const names = Object.keys(choice).filter((name) => choice[name as keyof RedactChoice] !== undefined)
  const none = new Set<string>()
  if (names.length === 1) {
    const { events, text, pattern, secrets, returned } = choice
    if (Array.isArray(events) && events.every((id) => isEventId(id))) return { why: 'event', ids: new Set(events) }
    if (typeof text === 'string' && text !== '') return { why: 'text', ids: none, matches: (all) => all.includes(text) }
    if (pattern instanceof RegExp) {
      const stateless = new RegExp(pattern.source, pattern.flags.replaceAll(/[gy]/g, ''))
      return { why: 'pattern', ids: none, matches: (all) => stateless.test(all) }
    }
    if (secrets === true) return { why: 'secret', ids: none, matches: (all) => findSecrets(all).length > 0 }
    if (returned === true) return { why: 'returned', ids: none }
  }
  throw new FoldlogError(
    'INVALID_OPTION',
    'pass one of events (event ids), text (not empty), pattern (a RegExp), secrets: true, returned: true',
  )
}

/** A log that has to be rewritten. */
class Target {
  readonly events = new Set<string>()
  eventCount = 0
  unknown: string | undefined
  /** What is no event, as text. */
  readonly damage: string[] = []
  readonly clock = new Clock()
}

class Redaction {
  readonly #backend: Backend
  readonly #rewrites: Rewrites
  readonly #namespace: string
  readonly #chooser: Chooser
  /** Events whose content goes, or went before. */
  readonly #gone = new Set<string>()
  /** Of these, what was redacted before, or begun to be. */
  readonly #known = new Set<string>()
  readonly #targets = new Map<string, Target>()
  readonly #files = new Set<string>()
  readonly #remaining = new Set<string>()

  /** The session whose texts are looked at; undefined: all. */
  #scope: string | undefined

  constructor(backend: Backend, namespace: string, chooser: Chooser) {
    this.#backend = backend
    this.#rewrites = rewritesOf(backend)
    this.#namespace = namespace
    this.#chooser = chooser
  }

  /** Finds the events. Attachments count as said by whoever refers to them. */
  async choose(scope: string | undefined): Promise<void> {
    this.#scope = scope
    for (const id of this.#chooser.ids) this.#gone.add(id)
    const users = new Map<string, { readonly ids: string[]; isInScope: boolean }>()
    const isInScope = (sessionId: string): boolean => scope === undefined || scope === sessionId
    const use = ({ id, data }: InnerEvent, sessionId: string): void => {
      for (const ref of refsIn(data)) {
        const user = users.get(ref) ?? { ids: [], isInScope: false }
        user.ids.push(id)
        user.isInScope ||= isInScope(sessionId)
        users.set(ref, user)
      }
    }
    for await (const { event, isRedacted, sessionId } of this.#events(scope)) {
      if (!isRedacted) use(event, sessionId)
      if (!isInScope(sessionId)) continue
      if (isRedacted) this.#forget(event.id)
      else if (event.type === 'log.redacted') for (const id of idsIn(event.data)) this.#forget(id)
      else if (this.#says(event)) this.#gone.add(event.id)
    }
    for (const { event, sessionId } of await this.#eventsAside()) use(event, sessionId)
    for (const name of await this.#taintedFiles()) {
      const user = users.get(refOf(name))
      if (scope !== undefined && user?.isInScope !== true) continue
      this.#files.add(name)
      for (const id of user?.ids ?? []) this.#gone.add(id)
    }
  }

  #forget(id: string): void {
    this.#known.add(id)
    this.#gone.add(id)
  }

  /** Finds the logs that hold what goes, and the attachments only that refers to. */
  async locate(scope: string | undefined): Promise<void> {
    const [before, after] = [new Set<string>(), new Set<string>()]
    for (const { event, sessionId } of await this.#eventsAside()) {
      const isGone = this.#gone.has(event.id) || ((scope ?? sessionId) === sessionId && this.#says(event))
      for (const ref of refsIn(event.data)) (isGone ? before : after).add(ref)
    }
    const all = new Map<string, Target>()
    for await (const { event, isRedacted, sessionId, target } of this.#events(undefined)) {
      all.set(sessionId, target)
      target.eventCount++
      target.clock.see(event.id)
      const isGone = this.#gone.has(event.id) && !isRedacted && event.type !== 'log.redacted'
      for (const ref of isRedacted ? [] : refsIn(event.data)) (isGone ? before : after).add(ref)
      if (!isGone) continue
      target.events.add(event.id)
      this.#targets.set(sessionId, target)
    }
    for (const [sessionId, target] of all) {
      const isInScope = scope === undefined || scope === sessionId
      const isTainted = (text: string): boolean => (isInScope ? this.#isTainted(text) : this.#namesGone(text))
      if (target.damage.some(isTainted)) this.#targets.set(sessionId, target)
    }
    for (const name of await this.#rewrites.files(this.#namespace)) {
      if (before.has(refOf(name)) && !after.has(refOf(name))) this.#files.add(name)
    }
    for (const [sessionId, target] of this.#targets) assertRewritable({ namespace: this.#namespace, sessionId }, target)
  }

  async run(): Promise<Redacted> {
    for (const [sessionId, target] of this.#targets)
      await this.#redact({ namespace: this.#namespace, sessionId }, target)
    for (const name of this.#files) await this.#rewrites.removeFile(this.#namespace, name)
    return this.#result(await this.#rewrites.scrub(this.#namespace, (line) => this.#editAside(line)))
  }

  /** What `run` would do. */
  async look(): Promise<Redacted> {
    const names = new Set<string>()
    await this.#rewrites.scrub(this.#namespace, (line) => {
      if (this.#editAside(line) !== line.text) names.add(line.name)
      return line.text
    })
    return this.#result([...names])
  }

  /** What is left of a line that is kept beside the logs: of an event what is left of it in its log, of anything else all or nothing. */
  #editAside({ text, sessionId }: AsideLine): string | undefined {
    if (sessionId === undefined) {
      const names = [...this.#targets.keys()].map((id) => JSON.stringify(id))
      // The infos cache is ASCII.
      const isOfTarget = names.some((name) => text.includes(name) || text.includes(asciiOf(name)))
      return isOfTarget || this.#isTainted(text) ? undefined : text
    }
    const isInScope = this.#scope === undefined || this.#scope === sessionId
    const { lines, isWhole } = piecesOf({ bytes: Buffer.from(text), file: '', line: 0, offset: 0 })
    const [piece] = lines
    if (isWhole && piece !== undefined) return this.#redactAside(piece.line, piece.bytes, isInScope)
    // Outside the scope only what was chosen by id goes.
    const isTainted = (each: string): boolean => (isInScope ? this.#isTainted(each) : this.#namesGone(each))
    return isTainted(text) || isTainted(decodedIn(text)) ? undefined : text
  }

  #redactAside(line: Line, bytes: Buffer, isInScope: boolean): string {
    const isGone = (event: InnerEvent): boolean => this.#gone.has(event.id) || (isInScope && this.#says(event))
    const gone = eventsOf(line).filter((event) => event.type !== 'log.redacted' && isGone(event))
    const text = Buffer.from(redactedBytes(bytes, line, new Set(gone.map(({ id }) => id)))).toString()
    if (gone.length > 0 && this.#chooser.matches?.(text) === true) this.#remaining.add(line.id)
    return text
  }

  #result(caches: readonly string[]): Redacted {
    const logs = [...this.#targets].map(([sessionId, { events }]) => ({ sessionId, events: [...events].sort() }))
    return { logs, files: [...this.#files].sort(), caches, remaining: [...this.#remaining].sort() }
  }

  async #redact(key: SessionKey, target: Target): Promise<void> {
    const news = [...target.events].filter((id) => !this.#known.has(id)).sort()
    if (news.length > 0) {
      const id = target.clock.next()
      const data = { ids: news, why: this.#chooser.why }
      const time = new Date().toISOString()
      const text = encodeLine({ v: 1, id, type: 'log.redacted', time, data })
      await this.#backend.append(key, [{ id, text }])
    }
    const written = new Set<string>()
    await this.#rewrites.rewrite(key, { edit: (raw) => this.#edit(raw, written) })
  }

  #edit(raw: RawLine, written: Set<string>): Uint8Array | undefined {
    const { lines, damage } = piecesOf(raw)
    const kept = damage.filter(({ bytes }) => !this.#isTainted(bytes.toString()))
    const edited: Uint8Array[] = []
    let isChanged = kept.length < damage.length
    for (const { line, bytes } of lines) {
      const left = redactedBytes(bytes, line, this.#gone)
      if (left === bytes && line.redacted !== true) edited.push(bytes)
      else {
        const text = left.toString()
        if (this.#chooser.matches?.(text) === true) this.#remaining.add(line.id)
        isChanged ||= left !== bytes || written.has(text)
        // What came back is by now the same line as the one that took its place.
        if (!written.has(text)) edited.push(left)
        written.add(text)
      }
    }
    return isChanged ? joined([...kept.map(({ bytes }) => bytes), ...edited]) : raw.bytes
  }

  /** Every event of every log, as often as it is there. Logs that are being deleted are passed over. */
  async *#events(first: string | undefined): AsyncGenerator<{
    readonly event: InnerEvent
    readonly isRedacted: boolean
    readonly sessionId: string
    readonly target: Target
  }> {
    const heads = await this.#backend.list(this.#namespace)
    if (first !== undefined && !heads.some(({ sessionId }) => sessionId === first)) {
      const message = `session ${first} is not in ${this.#namespace}`
      throw new FoldlogError('NOT_FOUND', message, { namespace: this.#namespace, sessionId: first })
    }
    for (const { sessionId } of heads) {
      const target = new Target()
      try {
        for await (const batch of this.#backend.read({ namespace: this.#namespace, sessionId })) {
          for (const stored of batch.lines) {
            const { lines, damage } = piecesOf(stored)
            for (const { bytes } of damage) target.damage.push(bytes.toString())
            for (const { line } of lines) {
              target.unknown ??= unknownIn(line)
              for (const event of eventsOf(line)) {
                yield { event, isRedacted: isRedactedIn(line, event.id), sessionId, target }
              }
            }
          }
        }
      } catch (error) {
        if (!isFoldlogError(error, 'NOT_FOUND')) throw error
      }
    }
  }

  /** Every event of lines that are kept beside the logs and were not redacted. */
  async #eventsAside(): Promise<readonly { readonly event: InnerEvent; readonly sessionId: string }[]> {
    const events: { readonly event: InnerEvent; readonly sessionId: string }[] = []
    await this.#rewrites.scrub(this.#namespace, ({ text, sessionId }) => {
      if (sessionId === undefined) return text
      for (const { line } of piecesOf({ bytes: Buffer.from(text), file: '', line: 0, offset: 0 }).lines) {
        for (const event of eventsOf(line)) if (!isRedactedIn(line, event.id)) events.push({ event, sessionId })
      }
      return text
    })
    return events
  }

  #says({ data }: InnerEvent): boolean {
    const { matches } = this.#chooser
    return matches !== undefined && anyText(data, matches)
  }

  /** Whether bytes that are no line of a log hold what goes. */
  #isTainted(text: string): boolean {
    const { matches } = this.#chooser
    if (matches?.(text) === true || this.#namesGone(text)) return true
    if (matches === undefined) return false
    // What was cut off is no JSON, and may be written with its escapes all the same.
    if (text.includes('\\') && matches(unescaped(text))) return true
    try {
      return anyText(JSON.parse(text) as Json, matches)
    } catch {
      // Not JSON: as text it was looked at.
      return false
    }
  }

  #namesGone(text: string): boolean {
    for (const id of this.#gone) if (text.includes(id)) return true
    return false
  }

  async #taintedFiles(): Promise<readonly string[]> {
    const { matches } = this.#chooser
    if (matches === undefined) return []
    const tainted: string[] = []
    for (const name of await this.#rewrites.files(this.#namespace)) {
      if (STORED.test(name) && (await this.#isTaintedFile(name, matches))) tainted.push(name)
    }
    return tainted
  }

  /** Looks at a file piece by piece, each with the end of the one before. */
  async #isTaintedFile(name: string, matches: (text: string) => boolean): Promise<boolean> {
    let window = Buffer.alloc(0)
    let isNew = false
    try {
      for await (const bytes of readAny(this.#backend, this.#namespace, name)) {
        window = Buffer.concat([window, bytes])
        isNew = true
        if (window.length < WINDOW_BYTES) continue
        if (matches(window.toString())) return true
        window = window.subarray(-OVERLAP_BYTES)
        isNew = false
      }
    } catch (error) {
      // Removed since it was listed.
      if (!isFoldlogError(error, 'NOT_FOUND')) throw error
    }
    return isNew && matches(window.toString())
  }
}

/** How much of an attachment is searched at once, and what is searched again with the next piece. */
const WINDOW_BYTES = 8 << 20
const OVERLAP_BYTES = 1 << 20
const STORED = /^[0-9a-f]{64}\./

/** The reference that parts name a stored attachment by. */
function refOf(name: string): string {
  return `sha256-${name.slice(0, 64)}`
}

const REF = /^sha256-[0-9a-f]{64}$/

function refsIn(data: Json): Set<string> {
  const refs = new Set<string>()
  anyText(data, (text) => {
    if (REF.test(text)) refs.add(text)
    return false
  })
  return refs
}

/** Whether a test holds for a string in a value, names included. */
function anyText(value: Json, test: (text: string) => boolean): boolean {
  if (typeof value === 'string') return test(value)
  if (typeof value !== 'object' || value === null) return false
  if (isArray(value)) return value.some((item) => anyText(item, test))
  return Object.entries(value).some(([name, item]) => test(name) || anyText(item, test))
}

const ESCAPE = /\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt])/g

/** A text with the escapes of JSON strings decoded. */
function unescaped(text: string): string {
  return text.replace(ESCAPE, (escape) => JSON.parse(`"${escape}"`) as string)
}

/** The bytes that a line of the quarantine keeps (repair.ts), as text. */
function decodedIn(line: string): string {
  try {
    const { base64 } = JSON.parse(line) as { readonly base64?: unknown }
    return typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString() : ''
  } catch {
    // Not a line of ours: as text it was looked at.
    return ''
  }
}
