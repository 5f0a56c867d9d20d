/**
 * A model of guarded appends (docs/format.md §5): two guarded writers and a plain one on one file, in every order of their
 * steps, with crashes between any two of them and in the middle of any write.
 *
 * The bytes are real: lines are written and judged by the code of the file backend and read by that of the core. What is
 * modelled is the disk (an append is atomic, unless its writer dies in it) and the writers, step by step.
 */
import { Guards, guardedText } from '../../src/backends/file/guard.ts'
import { LF } from '../../src/backends/file/prefix.ts'
import { idFrom } from '../../src/id.ts'
import { decodeLine, encodeLine } from '../../src/line.ts'

/** What is left out or done wrongly. The protocol itself is `{}`. */
export interface Variant {
  /** Winners say nothing. */
  readonly noKept?: true
  /** Losers say nothing. */
  readonly noVoid?: true
  /** What a line was decided on is not named in it. */
  readonly noPiggyback?: true
  /** Plain lines do not name what they may be built on. */
  readonly noPlainPiggyback?: true
  /** A writer that wrote has won. */
  readonly noReadBack?: true
  /** A torn tail is not sealed before it is read. */
  readonly noSeal?: true
  /** Readers go by another rule: the smallest id of a place counts; what is not voided counts; what lies behind a torn line counts. */
  readonly readers?: 'smallest-id' | 'not-voided' | 'recover'
}

const TIME = '2026-11-20T10:00:00.000Z'
const START = Date.UTC(2026, 10, 20)

function idOf(n: number): string {
  return idFrom(START + n, new Uint8Array(10))
}

function textOf(n: number): string {
  const id = idOf(n)
  return encodeLine({ v: 1, id, type: 'test.said', time: TIME, data: n })
}

function verdictOf(type: string, of: string): string {
  // Whoever says it says the same.
  const id = `${of.slice(0, -1)}${type === 'log.kept' ? 'K' : 'V'}`
  return JSON.stringify({ v: 1, id, type, time: TIME, data: { of } })
}

/** What a log comes to. */
interface Judged {
  /** The ids that count, in the order they lie in the file. */
  readonly counted: readonly string[]
  readonly lastId: string | undefined
  readonly open: readonly string[]
}

interface Guarded {
  readonly step: 'read' | 'write' | 'check' | 'say' | 'check-said' | 'done' | 'dead'
  readonly at: number
  readonly text: string
  readonly hasWon: boolean
  readonly seals: boolean
}

interface Plain {
  readonly step: 'read' | 'write' | 'check' | 'done' | 'dead'
  readonly seals: boolean
  readonly kept: readonly string[]
}

interface State {
  readonly log: string
  readonly guarded: readonly Guarded[]
  readonly plain: Plain
  readonly crashes: number
  /** By id of a line, what it was decided on. */
  readonly basis: { readonly [id: string]: readonly string[] }
  readonly acknowledged: readonly string[]
  /** Lost, and the loss is in the log. */
  readonly refused: readonly string[]
  /** Lost, as far as its writer knows. */
  readonly lost: readonly string[]
}

const MAX_CRASHES = 2
const PLAIN = idOf(9)
const DEAD: Guarded = { step: 'dead', at: 0, text: '', hasWon: false, seals: false }

/** Explores every state. Throws at the first that breaks a law, with the law and the log in its message. */
export class Model {
  readonly #variant: Variant
  readonly #seen = new Set<string>()
  readonly #numbers = new Map<string, number>()
  readonly #judged = new Map<string, Judged>()
  readonly #merged = new Map<string, readonly (readonly [string, ReadonlySet<string>])[]>()
  /** How many states had nobody left to do anything. */
  ends = 0

  constructor(variant: Variant = {}) {
    this.#variant = variant
  }

  get states(): number {
    return this.#seen.size
  }

  run(): this {
    const first: Guarded = { step: 'read', at: 0, text: '', hasWon: false, seals: false }
    const stack: State[] = [
      {
        log: `${textOf(0)}\n`,
        guarded: [first, first],
        plain: { step: 'read', seals: false, kept: [] },
        crashes: 0,
        basis: {},
        acknowledged: [],
        refused: [],
        lost: [],
      },
    ]
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      const name = this.#nameOf(state)
      if (this.#seen.has(name)) continue
      this.#seen.add(name)
      this.#check(state)
      const next = this.#next(state)
      if (next.length === 0) this.#checkEnd(state)
      stack.push(...next)
    }
    return this
  }

  /** A short name: logs and lines are long, and few. */
  #nameOf(state: State): string {
    return JSON.stringify(state, (_, value: unknown) => {
      if (typeof value !== 'string' || value.length < 30) return value
      let number = this.#numbers.get(value)
      if (number === undefined) this.#numbers.set(value, (number = this.#numbers.size))
      return number
    })
  }

  #next(state: State): State[] {
    return [...state.guarded.flatMap((_, index) => this.#nextGuarded(state, index)), ...this.#nextPlain(state)]
  }

  #nextGuarded(state: State, index: number): State[] {
    const writer = state.guarded[index]!
    const { step, at, text, seals, hasWon } = writer
    const id = idOf(1 + index)
    const become = (change: Partial<Guarded>, rest: Partial<State> = {}): State => ({
      ...state,
      ...rest,
      guarded: state.guarded.map((each, i) => (i === index ? { ...each, ...change } : each)),
    })
    const die = (log: string = state.log): State => become(DEAD, { log, crashes: state.crashes + 1 })
    switch (step) {
      case 'done':
      case 'dead':
        return []
      case 'read': {
        // The two are alike: it is enough that the first one begins first.
        if (index === 1 && state.guarded[0]!.step === 'read') return []
        if (!state.log.endsWith('\n') && this.#variant.noSeal !== true) return [become({}, { log: `${state.log}\n` })]
        const { counted, lastId, open } = this.#judge(state.log)
        const guard = {
          at: state.log.length,
          ...(lastId === undefined ? {} : { after: lastId }),
          kept: this.#variant.noPiggyback === true ? [] : open,
        }
        const line = `${guardedText(textOf(1 + index), guard)}\n`
        const basis = { ...state.basis, [id]: counted }
        return [become({ step: 'write', at: state.log.length, text: line }, { basis })]
      }
      case 'write':
        return [become({ step: 'check' }, { log: state.log + text }), ...this.#deaths(state, text, die)]
      case 'check': {
        const won = this.#variant.noReadBack === true || state.log.startsWith(text, at)
        const says = won ? this.#variant.noKept !== true : this.#variant.noVoid !== true
        const change = { hasWon: won, seals: !state.log.endsWith('\n') }
        const lost = won ? state.lost : [...state.lost, id]
        const told = says
          ? become({ ...change, step: 'say' }, { lost })
          : this.#tell({ ...state, lost }, index, id, won)
        return [told]
      }
      case 'say': {
        const said = `${seals ? '\n' : ''}${verdictOf(hasWon ? 'log.kept' : 'log.void', id)}\n`
        return [become({ step: 'check-said' }, { log: state.log + said }), ...this.#deaths(state, said, die)]
      }
      case 'check-said':
        return [
          holds(state.log, verdictOf(hasWon ? 'log.kept' : 'log.void', id))
            ? this.#tell(state, index, id, hasWon)
            : become({ step: 'say', seals: !state.log.endsWith('\n') }),
        ]
    }
  }

  /** Acknowledges or refuses. Who was refused may begin again, as a writer would that only begins now. */
  #tell(state: State, index: number, id: string, hasWon: boolean): State {
    const guarded = state.guarded.map((each, i): Guarded => (i === index ? { ...DEAD, step: 'done' } : each))
    if (hasWon) return { ...state, guarded, acknowledged: [...state.acknowledged, id].sort() }
    return { ...state, guarded, refused: [...state.refused, id].sort() }
  }

  #nextPlain(state: State): State[] {
    const { step, seals, kept } = state.plain
    const become = (change: Partial<Plain>, rest: Partial<State> = {}): State => ({
      ...state,
      ...rest,
      plain: { ...state.plain, ...change },
    })
    const die = (log: string = state.log): State =>
      become({ step: 'dead', seals: false, kept: [] }, { log, crashes: state.crashes + 1 })
    const lines = [...kept.map((id) => verdictOf('log.kept', id)), textOf(9)]
    switch (step) {
      case 'done':
      case 'dead':
        return []
      case 'read': {
        const whole = state.log.slice(0, state.log.lastIndexOf('\n') + 1)
        const { counted, open } = this.#judge(whole)
        const named = this.#variant.noPlainPiggyback === true ? [] : open
        const basis = { ...state.basis, [PLAIN]: counted }
        return [become({ step: 'write', seals: !state.log.endsWith('\n'), kept: named }, { basis })]
      }
      case 'write': {
        const text = `${seals || kept.length > 0 ? '\n' : ''}${lines.map((line) => `${line}\n`).join('')}`
        return [become({ step: 'check' }, { log: state.log + text }), ...this.#deaths(state, text, die)]
      }
      case 'check':
        return [
          lines.every((line) => holds(state.log, line))
            ? become({ step: 'done' }, { acknowledged: [...state.acknowledged, PLAIN].sort() })
            : become({ step: 'write', seals: !state.log.endsWith('\n') }),
        ]
    }
  }

  /** The ways of dying in a write: before it, which is as dying anywhere since the last one, and with half of it or all but its end written. */
  #deaths(state: State, text: string, die: (log?: string) => State): State[] {
    if (state.crashes === MAX_CRASHES) return []
    const torn = [Math.floor(text.length / 2), text.length - 1]
    return [die(), ...torn.map((length) => die(state.log + text.slice(0, length)))]
  }

  #check({ log, basis, acknowledged, refused, lost }: State): void {
    const { counted } = this.#judge(log)
    const fail = (law: string, id: string, bytes: string): never => {
      throw new Error(`${law}: ${id}\n${bytes}`)
    }
    for (const id of acknowledged) if (!counted.includes(id)) fail('acknowledged, and does not count', id, log)
    for (const id of lost) if (counted.includes(id)) fail('refused, and counts', id, log)
    for (const [index, id] of counted.entries()) {
      const decided = basis[id]
      if (decided === undefined || id === PLAIN) continue
      if (decided.join() !== counted.slice(0, index).join())
        fail('counts behind something else than it was decided on', id, log)
    }
    for (const [bytes, ids] of this.#merges(log)) {
      for (const id of acknowledged) if (!ids.has(id)) fail('acknowledged, and gone after a merge', id, bytes)
      for (const id of refused) if (ids.has(id)) fail('refused, and counts after a merge', id, bytes)
      for (const id of ids) {
        for (const base of basis[id] ?? [])
          if (!ids.has(base)) fail('counts after a merge, and what it was decided on does not', id, bytes)
      }
    }
  }

  #checkEnd({ guarded, plain, log }: State): void {
    this.ends++
    for (const { step } of [...guarded, plain]) {
      if (step !== 'done' && step !== 'dead') throw new Error(`stuck: a live writer cannot go on\n${log}`)
    }
  }

  /** What counts in files that merges may make of the lines: moved, sorted, and every guarded line at its place again. */
  #merges(log: string): readonly (readonly [string, ReadonlySet<string>])[] {
    let results = this.#merged.get(log)
    if (results !== undefined) return results
    const lines = log.split('\n').filter((line) => line !== '')
    const files = [
      [lines[0]!, textOf(8), ...lines.slice(1)],
      [...lines].sort(),
      [...lines].reverse(),
      [...lines, ...lines.map((line) => line)],
    ].map((each) => `${each.join('\n')}\n`)
    for (const line of lines) {
      const at = /"if":\{"at":(\d+)/.exec(line)?.[1]
      if (at === undefined) continue
      const before = log.slice(0, Number(at))
      const rest = lines.filter((each) => each !== line && !before.includes(`${each}\n`))
      files.push(`${[`${before}${line}`, ...rest].join('\n')}\n`)
      // Behind another line than it was written behind.
      const filler = textOf(7)
      const room = before.length - filler.length - 1
      if (room >= 0)
        files.push(
          `${' '.repeat(Math.max(0, room - 1))}${room > 0 ? '\n' : ''}${filler}\n${[line, ...lines.filter((each) => each !== line)].join('\n')}\n`,
        )
    }
    results = files.map((file) => [file, new Set(this.#judge(file).counted)] as const)
    this.#merged.set(log, results)
    return results
  }

  #judge(log: string): Judged {
    let judged = this.#judged.get(log)
    if (judged === undefined) this.#judged.set(log, (judged = judge(log, this.#variant)))
    return judged
  }
}

/** Whether a line is in the log, whole and at the start of a line. */
function holds(log: string, line: string): boolean {
  return `\n${log}`.includes(`\n${line}\n`)
}

const known = new Map<string, readonly string[]>()

/** The ids of the lines in what lies between two line feeds. */
function idsIn(bytes: Buffer): readonly string[] {
  const text = bytes.toString('latin1')
  let ids = known.get(text)
  if (ids === undefined) {
    ids = decodeLine(bytes, { file: '', line: 0, offset: 0 }).lines.map(({ id }) => id)
    known.set(text, ids)
  }
  return ids
}

interface Header {
  readonly id: string
  readonly type: string
  readonly if?: { readonly at: number }
}

function judge(log: string, { readers }: Variant): Judged {
  const bytes = Buffer.from(log.slice(0, log.lastIndexOf('\n') + 1))
  const guards = new Guards()
  if (bytes.length > 0) guards.feed('', 'inode', { bytes, offset: 0 })
  const counted: string[] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LF, start)
    const line = bytes.subarray(start, end)
    for (const id of readers === undefined ? [] : oddlyCounted(line, log, readers)) counted.push(id)
    if (readers === undefined && !guards.isWithheld('', start)) {
      counted.push(...idsIn(line))
    }
    start = end + 1
  }
  return { counted: [...new Set(counted)], lastId: guards.lastId(''), open: guards.open() }
}

/** What readers would count that go by other rules. */
function oddlyCounted(line: Buffer, log: string, readers: NonNullable<Variant['readers']>): string[] {
  const headers = log
    .split('\n')
    .map(parse)
    .filter((each) => each !== undefined)
  const header = parse(line.toString())
  if (header === undefined) {
    if (readers !== 'recover') return [...idsIn(line)]
    // As if a guarded line behind a torn one were any line.
    const at = line.lastIndexOf('{"v":1,"id":"')
    const last = at < 0 ? undefined : parse(line.subarray(at).toString())
    return last === undefined || last.type.startsWith('log.') ? [] : [last.id]
  }
  const { id, type, if: condition } = header
  if (type.startsWith('log.')) return []
  const isVoided = log.includes(`"type":"log.void","time":"${TIME}","data":{"of":"${id}"}`)
  const isKept =
    log.includes(`"type":"log.kept","time":"${TIME}","data":{"of":"${id}"}`) ||
    new RegExp(`"kept":\\[[^\\]]*"${id}"`).test(log)
  const at = `\n${log}`.indexOf(`\n${line.toString()}\n`)
  if (condition === undefined || isKept) return [id]
  switch (readers) {
    case 'not-voided':
      return isVoided ? [] : [id]
    case 'recover':
      return !isVoided && at === condition.at ? [id] : []
    case 'smallest-id': {
      const rivals = headers.filter((each) => each.if?.at === condition.at).map((each) => each.id)
      return rivals.sort()[0] === id ? [id] : []
    }
  }
}

function parse(text: string): Header | undefined {
  try {
    return JSON.parse(text) as Header
  } catch {
    // It is no line of its own.
    return undefined
  }
}
