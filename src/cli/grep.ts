/**
 * `foldlog grep`: what was said, found in all sessions. A line a hit, newest activity first, as it is found.
 *
 *     support/01M7XVMR:…R45TQ1VB  10:03:12  tool  bank_status: …connect TIMEOUT after 2000 ms…
 */
import type { Role } from '../message.ts'
import type { SearchHit, SearchOptions, SearchQuery } from '../search.ts'
import { narrowed, type Snippet } from '../snippet.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { sessionIds } from './files.ts'
import { shortEventId } from './point.ts'
import { Root, shortener } from './root.ts'
import { counted, plain, shortBytes, truncate, widthOf } from './text.ts'
import { parseTime, shortDuration } from './time.ts'

const ROLES: readonly string[] = ['system', 'user', 'assistant', 'tool'] satisfies readonly Role[]
/** Less of a snippet says nothing, however narrow the terminal is. */
const LEAST_WIDTH = 24

/** The hits of one session, which come one after the other. */
interface Group {
  readonly hit: SearchHit
  count: number
}

export async function grep(call: Call): Promise<Exit> {
  const query = queryOf(call)
  const options = optionsOf(call)
  await using root = await Root.open(call)
  const namespaces = await root.namespaces()
  const store = await root.store(namespaces[0] ?? 'default')
  const started = performance.now()
  const search = store.search(query, { ...options, namespaces })
  const print = new Printer(call, shortener(await idsOf(root)), namespaces.length > 1)
  for await (const hit of search) await print.add(hit)
  await print.end()
  const { sessions, sizeBytes, unreadable } = search.searched
  if (!call.isJson) {
    // In a pipe the same search says the same.
    const took = call.out.isTty ? ` in ${shortDuration(performance.now() - started)}` : ''
    const looked = `${shortBytes(sizeBytes)}${took}`
    const found = print.count === 0 ? 'no match' : `${count(print.count, 'match', 'matches')} in ${print.sessions}`
    call.out.say(
      `${found}${print.count === 0 ? ' in' : ' of'} ${counted(sessions, 'session')} (${looked})`,
      ...print.hints(),
    )
  }
  if (unreadable > 0) {
    const files = count(unreadable, 'text in files/ is', 'texts in files/ are')
    call.out.say(`${files} missing or damaged: nothing was found in there`, call.command('fsck'))
  }
  return print.count === 0 ? EXIT.notFound : EXIT.ok
}

function count(value: number, one: string, more: string): string {
  return `${value.toLocaleString('en')} ${value === 1 ? one : more}`
}

function queryOf(call: Call): SearchQuery {
  const pattern = call.args[0]!
  const kinds = ['regexp', 'words', 'fixed'].filter((name) => call.flag(name))
  if (kinds.length > 1) {
    throw new Failure(EXIT.usage, `a pattern is one of --${kinds.join(' and --')}, not both`, call.help())
  }
  if (call.flag('words')) return pattern
  if (!call.flag('regexp')) return { phrase: pattern }
  try {
    return new RegExp(pattern, call.flag('ignore-case') ? 'im' : 'm')
  } catch (error) {
    const literally = call.command('grep', '--fixed', '--', pattern)
    throw new Failure(
      EXIT.usage,
      `${(error as Error).message}: write it otherwise, or look for just that text`,
      literally,
    )
  }
}

function optionsOf(call: Call): SearchOptions {
  const limit = call.count('limit')
  if (limit === 0) throw new Failure(EXIT.usage, '--limit needs a number from 1 on', call.help())
  const role = call.text('role')
  if (role !== undefined && !ROLES.includes(role)) {
    throw new Failure(EXIT.usage, `${role} is no role: it is one of ${ROLES.join(', ')}`, call.help())
  }
  const [since, until, tool] = [timeOf(call, 'since'), timeOf(call, 'until'), call.text('tool')]
  return {
    // An expression says it itself, and words are found in any case.
    ...(call.flag('regexp') || call.flag('words') ? {} : { ignoreCase: call.flag('ignore-case') }),
    archived: call.flag('all') ? 'all' : call.flag('archived'),
    ...(role === undefined ? {} : { role: role as Role }),
    ...(tool === undefined ? {} : { tool }),
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(limit === undefined ? {} : { limit }),
  }
}

function timeOf(call: Call, name: 'since' | 'until'): number | undefined {
  const text = call.text(name)
  const time = text === undefined ? undefined : parseTime(text, Date.now())
  if (text === undefined || time !== undefined) return time
  const forms = '7d, 2h, 10:05, 2026-11-20 or 2026-11-20T10:05Z'
  throw new Failure(EXIT.usage, `--${name} ${text} is no time: write it like ${forms}`, call.help())
}

/** The same search in any case; of several words wherever they are in a message. */
function wider(call: Call): readonly string[] {
  if (call.flag('words') || call.flag('ignore-case')) return []
  const pattern = call.args[0]!
  const isWords = /\S\s+\S/.test(pattern) && !call.flag('regexp') && !call.flag('fixed')
  const where = call.namespace === undefined ? [] : ['-n', call.namespace]
  return [call.instead(pattern, pattern, isWords ? '--words' : '--ignore-case', ...where)]
}

/** The ids of the whole root, because that is where a prefix is looked for. */
async function idsOf(root: Root): Promise<readonly string[]> {
  const namespaces = await root.backend.namespaces()
  return (await Promise.all(namespaces.map((namespace) => sessionIds(root.path, namespace)))).flat()
}

/** A snippet in at most so many columns, of which a character may take two. */
function fitting(snippet: Snippet, columns: number): Snippet {
  let shown = narrowed(snippet, columns)
  for (let chars = columns; chars > 1 && widthOf(shown.text) > columns; shown = narrowed(snippet, --chars));
  return shown
}

/** Prints hits as they come, or what is told of the sessions they are in. */
class Printer {
  count = 0
  readonly #call: Call
  readonly #short: (id: string) => string
  readonly #hasNamespaces: boolean
  readonly #perSession: boolean
  #group: Group | undefined
  #first: SearchHit | undefined
  #sessions = 0

  constructor(call: Call, short: (id: string) => string, hasNamespaces: boolean) {
    this.#call = call
    this.#short = short
    this.#hasNamespaces = hasNamespaces
    this.#perSession = call.flag('sessions') || call.flag('count')
  }

  get sessions(): number {
    return this.#sessions
  }

  async add(hit: SearchHit): Promise<void> {
    this.count++
    this.#first ??= hit
    const known = this.#group?.hit
    if (known?.sessionId === hit.sessionId && known.namespace === hit.namespace) this.#group!.count++
    else {
      await this.end()
      this.#group = { hit, count: 1 }
      this.#sessions++
    }
    if (!this.#perSession) await (this.#call.isJson ? this.#call.out.json(hit) : this.#line(hit))
  }

  /** What is told of a session is told when all of it has come. */
  async end(): Promise<void> {
    const group = this.#group
    if (group === undefined || !this.#perSession) return
    this.#group = undefined
    const { namespace, sessionId, title } = group.hit
    const { out } = this.#call
    const hasCount = this.#call.flag('count')
    if (this.#call.isJson) {
      await out.json({
        namespace,
        sessionId,
        ...(title === undefined ? {} : { title }),
        ...(hasCount ? { count: group.count } : {}),
      })
    } else {
      const facts = [this.#nameOf(group.hit), ...(hasCount ? [String(group.count)] : []), plain(title ?? '')]
      const line = facts.join('  ').trimEnd()
      await out.line(out.isTty ? truncate(line, out.width) : line)
    }
  }

  /** How to see the newest hit; without one, how more would be found. */
  hints(): readonly string[] {
    const hit = this.#first
    if (!this.#call.out.isTty) return []
    if (hit === undefined) return wider(this.#call)
    const where = ['-n', hit.namespace]
    return [this.#call.command('show', this.#short(hit.sessionId), '--at', hit.eventId, ...where)]
  }

  #nameOf({ namespace, sessionId }: SearchHit): string {
    return plain(`${this.#hasNamespaces ? `${namespace}/` : ''}${this.#short(sessionId)}`)
  }

  #line(hit: SearchHit): Promise<void> {
    const { out } = this.#call
    const { head, place } = this.#headOf(hit)
    const room = out.isTty ? Math.max(1, out.width - widthOf(head)) : Infinity
    return out.line(
      `${out.style('cyan', place)}${head.slice(place.length)}${this.#painted(fitting(hit.snippet, room))}`,
    )
  }

  /** What comes before a snippet: on a narrow terminal less of it, the place at least. */
  #headOf(hit: SearchHit): { readonly place: string; readonly head: string } {
    const { out } = this.#call
    const event = shortEventId(hit.eventId)
    const [named, bare] = [`${this.#nameOf(hit)}:${event}`, `${this.#short(hit.sessionId)}:${event}`].map(plain)
    const time = out.clock(hit.time)
    const who = `${hit.role}${hit.isOnPath ? '' : ' (other branch)'}`
    const tool = hit.tool === undefined ? '' : `${plain(hit.tool)}: `
    const all: readonly (readonly [place: string, rest: string])[] = [
      [named!, `${time}  ${who}  ${tool}`],
      [named!, `${who}  ${tool}`],
      // An id is shown as far as it needs to be in the whole root.
      [bare!, `${hit.role}  `],
      [bare!, ''],
    ]
    const fits = ([place, rest]: (typeof all)[number]): boolean =>
      !out.isTty || widthOf(`${place}  ${rest}`) + LEAST_WIDTH <= out.width
    const [place, rest] = all.find(fits) ?? all.at(-1)!
    return { place, head: `${place}  ${rest}` }
  }

  /** A snippet with what was found in it in colour. Sanitizing replaces characters one by one, so that the places stay right. */
  #painted({ ranges, text }: Snippet): string {
    const safe = plain(text)
    let painted = ''
    let at = 0
    for (const [start, end] of ranges) {
      painted +=
        safe.slice(at, start) + (end > start ? this.#call.out.style(['bold', 'red'], safe.slice(start, end)) : '')
      at = end
    }
    return painted + safe.slice(at)
  }
}
