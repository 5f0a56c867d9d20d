/**
 * Every disk call of the file backend fails, does half or takes its time, one after the other, once and for good, while a
 * program uses a store as programs do. The laws, whatever failed:
 *
 *  - what was acknowledged is there, once;
 *  - what an acknowledgement promises by `fsync`, and `flush` by any, would survive a loss of power;
 *  - what fails fails with a code of foldlog's;
 *  - when the disk works again the same handles do, without a restart.
 */
import { rmSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import type { FsyncPolicy } from '../../src/backends/file/sync.ts'
import { Bus } from '../../src/bus.ts'
import { isFoldlogError } from '../../src/errors.ts'
import type { Session } from '../../src/session.ts'
import { openStore, type Store } from '../../src/store.ts'
import { type Fault, FaultyDisk, type Plan } from '../support/faults.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, temp } from '../support/temp.ts'

let disk: FaultyDisk | undefined

afterEach(() => disk?.restore())

/** The codes a disk that fails may cause. Nothing was closed, deleted or of a wrong name. */
const CODES: ReadonlySet<string> = new Set(['STORAGE_FULL', 'STORAGE_FAILED', 'STORAGE_DENIED'])

/** One program on one root: does its steps in order, again and again until each was acknowledged. */
class Program {
  readonly #root: string
  readonly #policy: FsyncPolicy
  readonly #disk: FaultyDisk
  readonly #done = new Set<string>()
  /** What each acknowledged step has to show in a line of the log. */
  readonly #acknowledged: string[] = []
  #store: Store | undefined
  #session: Session | undefined

  constructor(root: string, policy: FsyncPolicy, faulty: FaultyDisk) {
    this.#root = root
    this.#policy = policy
    this.#disk = faulty
  }

  /** Does every step that is not done yet; whether all are. A step whose predecessor is missing is left out. */
  async run(): Promise<boolean> {
    await this.#step('open', async () => {
      this.#store = await openStore(this.#root, { fsync: this.#policy, bus: new Bus() })
    })
    if (this.#store === undefined) return false
    const store = this.#store
    await this.#step('create', async () => {
      try {
        this.#session = await store.create({ id: 'one', title: 'One' })
        this.#acknowledge('"title":"One"')
      } catch (error) {
        if (!isFoldlogError(error, 'ALREADY_EXISTS')) throw error
        // By the attempt that was not acknowledged.
        this.#session = (await store.get('one'))!
        this.#acknowledged.push('"title":"One"')
      }
    })
    if (this.#session === undefined) return false
    await this.#write(this.#session)
    await this.#read(store, this.#session)
    await this.#step('flush', async () => {
      const before = [...this.#acknowledged]
      try {
        await store.flush()
      } catch (error) {
        // Nothing was kept that could be written again, and the next flush must not say otherwise.
        if (this.#policy !== 'never' || !this.#disk.hasLost) throw error
        return
      }
      for (const part of before) expect(this.#disk.hasLasting(part), `after a flush: ${part}`).toBe(true)
    })
    await this.#step('delete', async () => {
      await store.ensure('two')
      await store.delete('two')
      expect(await store.get('two')).toBeUndefined()
    })
    return this.#done.size === STEPS
  }

  async close(): Promise<void> {
    try {
      await this.#store?.close()
    } catch (error) {
      expectCode('close', error)
    }
  }

  /** Holds the laws against what a process sees that comes later. */
  async check(): Promise<void> {
    const handle = this.#session
    const seen = handle === undefined ? undefined : await handle.messages()
    const { messages, info, damage } = await anew(this.#root, 'one')
    if (seen !== undefined) expect(messages).toEqual(seen)
    expect(idsOf(messages).sort()).toEqual(['b0', 'b1', 'b2', 'c0', 'c1', 'c2', 'm0'])
    expect(info.title).toBe('Renamed')
    expect(await todosIn(this.#root)).toBe(1)
    expect(damage.filter(({ kind }) => kind !== 'torn')).toEqual([])
  }

  async #write(session: Session): Promise<void> {
    await this.#step('add', async () => {
      await session.add({ id: 'm0', text: 'first' })
      this.#acknowledge('"id":"m0"')
    })
    await this.#step('batch', async () => {
      await session.add(['b0', 'b1', 'b2'].map((id) => ({ id, text: id })))
      this.#acknowledge('"id":"b2"')
    })
    await this.#step('callers', async () => {
      const calls = ['c0', 'c1', 'c2'].map((id) => session.add({ id, text: 'x'.repeat(100_000) }))
      const failed = (await Promise.allSettled(calls)).find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      for (const id of ['c0', 'c1', 'c2']) this.#acknowledge(`"id":"${id}"`)
    })
    await this.#step('set', async () => {
      await session.set({ title: 'Renamed' })
      this.#acknowledge('"title":"Renamed"')
    })
    await this.#step('append', async () => {
      await session.append('todo.added', { what: 'milk' }, { key: 'todo-1' })
      this.#acknowledge('"what":"milk"')
    })
  }

  async #read(store: Store, session: Session): Promise<void> {
    await this.#step('messages', async () => {
      const ids = new Set(idsOf(await session.messages()))
      for (const id of ['m0', 'b0', 'c0']) if (this.#has(id)) expect(ids).toContain(id)
    })
    await this.#step('list', async () => {
      expect(idsOf((await store.list()).items)).toContain('one')
    })
    await this.#step('file', async () => {
      const { file } = await store.putFile(Buffer.from('bytes'), 'text/plain')
      expect(Buffer.from((await store.getFile(file, 'text/plain'))!).toString()).toBe('bytes')
    })
    await this.#step('elsewhere', async () => {
      const other = await openStore(this.#root, { bus: new Bus() })
      try {
        const messages = await (await other.get('one'))!.messages()
        expect(new Set(idsOf(messages)).size).toBe(messages.length)
        for (const id of ['m0', 'b0', 'c0']) if (this.#has(id)) expect(idsOf(messages)).toContain(id)
      } finally {
        await other.close()
      }
    })
  }

  #acknowledge(part: string): void {
    this.#acknowledged.push(part)
    if (this.#policy === 'always') expect(this.#disk.hasLasting(part), `acknowledged: ${part}`).toBe(true)
  }

  #has(id: string): boolean {
    return this.#acknowledged.includes(`"id":"${id}"`)
  }

  async #step(name: string, step: () => Promise<void>): Promise<void> {
    if (this.#done.has(name)) return
    try {
      await step()
      this.#done.add(name)
    } catch (error) {
      expectCode(name, error)
    }
  }
}

/** How many of the program's own events count: the line of an attempt that failed may come back, but under the same key. */
async function todosIn(root: string): Promise<number> {
  const store = await openStore(root, { bus: new Bus() })
  try {
    const session = await store.get('one')
    return await session!.project({ initial: () => 0, on: { 'todo.added': (count: number) => count + 1 } })
  } finally {
    await store.close()
  }
}

const STEPS = 13

function expectCode(step: string, error: unknown): void {
  if (!isFoldlogError(error) || !CODES.has(error.code)) throw new Error(`${step} failed otherwise`, { cause: error })
}

/** Runs the program on a fresh root with a plan; answers how many calls it made. */
async function runWith(policy: FsyncPolicy, plan: Plan | undefined): Promise<number> {
  const root = temp()
  disk = new FaultyDisk(plan)
  const program = new Program(root, policy, disk)
  try {
    let isDone = await program.run()
    const count = disk.calls.length
    // A fault that struck once is over, one that lasts ends here.
    disk.heal()
    if (!isDone) isDone = await program.run()
    expect(isDone, 'all is well when the disk is').toBe(true)
    await program.check()
    return count
  } finally {
    await program.close()
    disk.restore()
    rmSync(root, { recursive: true, force: true })
  }
}

const FAULTS: readonly Fault[] = [
  { kind: 'refused', code: 'EIO' },
  { kind: 'refused', code: 'ENOSPC' },
  { kind: 'made', code: 'EIO' },
  { kind: 'half', code: 'ENOSPC' },
  { kind: 'half', code: '' },
  { kind: 'slow' },
]

const CASES = (['always', 'everysec', 'never'] as const).flatMap((policy) =>
  FAULTS.flatMap((fault) => [false, true].map((isLasting) => ({ policy, fault, isLasting }))),
)

for (const { policy, fault, isLasting } of CASES) {
  const what = `${fault.kind} ${'code' in fault ? fault.code : ''} at every call${isLasting ? ' from there on' : ''}`
  test(`row 10, row 11, row 14, row 16, row 19: ${what}, fsync ${policy}`, PATIENT, async () => {
    const count = await runWith(policy, undefined)
    const tries = rounds(count)
    const first = Math.floor((Math.random() * count) / tries)
    for (let i = 0; i < tries; i++) {
      const from = first + Math.floor((i * count) / tries)
      try {
        await runWith(policy, { fault, from, isLasting })
      } catch (error) {
        throw new Error(`call ${from} of ${count}: ${disk?.calls[from]}`, { cause: error })
      }
    }
  })
}
