/**
 * Guarded calls by several processes that are killed and stopped: no two that expected the same head are both made, whatever was
 * acknowledged is there, and nothing is there that was refused.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, logPath, open, temp } from '../support/temp.ts'

const WRITERS = 3
const LONGEST = 60_000
/** Kills or stops in one session: a longer log takes those that come back longer to read. */
const EACH = 10
/** Processes take their time to start where others are at work. */
const VERY_PATIENT = { timeout: 3 * PATIENT.timeout } as const

/** Writers of one session, and all they and those before them said. */
class Race {
  readonly root: string
  readonly id: string
  readonly writers: Child[] = []
  readonly #all: Child[] = []
  readonly #noise: Child[] = []
  #names = 0

  constructor(root: string, id: string) {
    this.root = root
    this.id = id
    for (let i = 0; i < WRITERS; i++) this.start(i)
    this.makeNoise()
  }

  start(index: number): void {
    const writer = new Child('guarded', this.root, this.id, `w${this.#names++}`, `${LONGEST}`)
    this.writers[index] = writer
    this.#all.push(writer)
  }

  makeNoise(): void {
    this.#noise.push(new Child('noise', this.root, this.id, `${LONGEST}`))
  }

  get noise(): Child {
    return this.#noise.at(-1)!
  }

  said(what: 'won' | 'lost' | 'failed'): string[] {
    return this.#all.flatMap(({ lines }) =>
      lines.filter((line) => line.startsWith(`${what} `)).map((line) => line.split(' ')[1]!),
    )
  }

  async end(): Promise<void> {
    for (const child of [...this.writers, this.noise]) await child.kill()
  }

  /** Holds what was said against what is there. */
  async check(): Promise<void> {
    const { messages, events, damage } = await anew(this.root, this.id)
    const ids = idsOf(messages)
    const there = new Set(ids)
    const failed = this.#all.flatMap(({ lines }) => lines.filter((line) => line.startsWith('failed')))
    expect(failed, 'no call failed').toEqual([])
    expect(
      this.said('won').filter((id) => !there.has(id)),
      'every acknowledged one is there',
    ).toEqual([])
    expect(
      this.said('lost').filter((id) => there.has(id)),
      'no refused one is there',
    ).toEqual([])
    // Each expected the one before it: so no head was expected by two.
    const expected = messages.map(({ metadata }) => (metadata as { expectedHead: string | null }).expectedHead)
    expect(expected).toEqual([null, ...ids].slice(0, ids.length))
    const eventIds = new Set(events.map(({ id }) => id))
    const noise = this.#noise.flatMap(({ lines }) => lines)
    expect(
      noise.filter((id) => !eventIds.has(id)),
      'every acknowledged event is there',
    ).toEqual([])
    // What is damaged is torn, and nothing that could be read.
    const bytes = readFileSync(logPath(this.root, this.id))
    for (const { offset, sizeBytes } of damage) {
      expect(() => JSON.parse(bytes.subarray(offset, offset + sizeBytes).toString()) as unknown).toThrow(SyntaxError)
    }
  }
}

function random(below: number): number {
  return Math.floor(Math.random() * below)
}

async function begin(root: string, id: string): Promise<Race> {
  const { store } = await open(root)
  await store.create({ id })
  const race = new Race(root, id)
  for (const writer of race.writers) await writer.line()
  return race
}

test('row 28, row 29: writers are killed at any moment of a guarded call', VERY_PATIENT, async () => {
  const root = temp()
  const kills = rounds(500)
  let [wins, losses] = [0, 0]
  for (let done = 0; done < kills;) {
    const race = await begin(root, `killed-${done}`)
    for (let i = 0; i < EACH && done < kills; i++, done++) {
      const index = random(WRITERS + 1)
      const victim = race.writers[index] ?? race.noise
      const from = victim.lines.length
      await victim.until(() => victim.lines.length > from + random(4))
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4))
      await victim.kill()
      if (index === WRITERS) race.makeNoise()
      else race.start(index)
      // The log goes on with whoever is left.
      const other = race.writers[(index + 1) % WRITERS]!
      const seen = other.lines.length
      await other.until(() => other.lines.length > seen + 2)
    }
    await race.end()
    await race.check()
    wins += race.said('won').length
    losses += race.said('lost').length
  }
  expect(wins).toBeGreaterThan(kills)
  expect(losses).toBeGreaterThan(0)
})

test(
  'row 30: writers are stopped at any moment of a guarded call, the others go on, and they come back',
  PATIENT,
  async () => {
    const root = temp()
    const stops = rounds(500)
    for (let done = 0; done < stops;) {
      const race = await begin(root, `stopped-${done}`)
      for (let i = 0; i < EACH && done < stops; i++, done++) {
        const index = random(WRITERS)
        const stopped = race.writers[index]!
        stopped.signal('SIGSTOP')
        const won = (): number => race.said('won').length
        const before = won()
        const other = race.writers[(index + 1) % WRITERS]!
        await other.until(() => won() > before + 1 + random(4))
        const from = stopped.lines.length
        stopped.signal('SIGCONT')
        await stopped.until(() => stopped.lines.length > from)
      }
      await race.end()
      await race.check()
    }
  },
)

test('row 31: whatever lock files lie about, nobody looks at them', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'locked' })
  mkdirSync(`${logPath(root, 'locked')}.lock`)
  writeFileSync(`${logPath(root, 'locked')}.lck`, '1')
  const first = await session.add({ text: 'first' }, { expectedHead: null })
  expect((await anew(root, 'locked')).messages).toEqual([first])
})
