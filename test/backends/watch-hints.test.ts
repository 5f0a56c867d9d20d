/**
 * Hints about what other processes do to a root. Real directories, a real child process as the other one, and a second
 * look so far away that it cannot make up for a hint that was lost.
 */
import { FSWatcher } from 'chokidar'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Hint } from '../../src/backend.ts'
import { watchDirectories, type WatchDirectoriesOptions } from '../../src/backends/file/watch.ts'
import { Checks } from '../support/checks.ts'

const NEVER_MS = 3_600_000
const ULID = '01M7XVMR0GBR6T8XW8V4ECY7XQ'

/** Runs each line of JSON it reads: a list of [fs function, ...arguments], or ['pause', ms]. Answers a line after each. */
const OTHER_PROCESS = `
const fs = require('node:fs')
const pause = (ms) => { const end = performance.now() + ms; while (performance.now() < end); }
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  for (const [what, ...rest] of JSON.parse(line)) what === 'pause' ? pause(...rest) : fs[what](...rest)
  console.log('done')
})`

type Step = readonly [what: string, ...rest: readonly unknown[]]

class OtherProcess {
  readonly #child: ChildProcess = spawn(process.execPath, ['-e', OTHER_PROCESS], { stdio: ['pipe', 'pipe', 'inherit'] })
  readonly #answers = createInterface({ input: this.#child.stdout! })

  async run(...steps: readonly Step[]): Promise<void> {
    const answered = once(this.#answers, 'line')
    this.#child.stdin!.write(`${JSON.stringify(steps)}\n`)
    await answered
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit')
    this.#child.stdin!.end()
    await exited
  }
}

/** A watch whose hints can be awaited. */
class Watch {
  readonly hints: Hint[] = []
  readonly degraded: { readonly reason: string; readonly cause: unknown }[] = []
  readonly #checks = new Checks()
  #stop: (() => Promise<void>) | undefined

  async start(
    at: string,
    namespace?: string,
    options: WatchDirectoriesOptions = { relookMs: NEVER_MS },
  ): Promise<this> {
    const events = {
      onHint: (hint: Hint) => {
        this.hints.push(hint)
        this.#checks.look()
      },
      onDegraded: (reason: string, cause?: unknown) => {
        this.degraded.push({ reason, cause })
        this.#checks.look()
      },
    }
    this.#stop = await watchDirectories(at, namespace, events, options)
    return this
  }

  /** Looks now, and then only when hinted: resolves when `isSo`. */
  until(isSo: () => boolean): Promise<void> {
    return this.#checks.until(isSo)
  }

  /** Resolves at the next hint like `hint`. */
  next(hint: Hint): Promise<void> {
    const from = this.hints.length
    return this.until(() => this.hints.slice(from).some((other) => sameHint(other, hint)))
  }

  async stop(): Promise<void> {
    await this.#stop?.()
  }
}

let base: string
let root: string
let other: OtherProcess
let watch: Watch

beforeEach(async () => {
  base = await realpath(await mkdtemp(join(tmpdir(), 'foldlog-watch-')))
  root = join(base, 'root')
  mkdirSync(join(root, 'ns'), { recursive: true })
  other = new OtherProcess()
  watch = new Watch()
})

afterEach(async () => {
  await watch.stop()
  await other.stop()
  await rm(base, { recursive: true, force: true })
})

function sameHint(a: Hint, b: Hint): boolean {
  return a.namespace === b.namespace && a.sessionId === b.sessionId && a.isDraft === b.isDraft
}

function log(file: string, namespace = 'ns'): string {
  return join(root, namespace, file)
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/**
 * Appends to `<namespace>/a.jsonl` until an append has a hint of its own. Those before, which come while a directory is
 * about to be watched, must be seen by looking at every hint for the namespace.
 */
async function appendUntilWatched(namespace = 'ns'): Promise<void> {
  const file = log('a.jsonl', namespace)
  for (let isWatched = false; !isWatched;) {
    const from = watch.hints.length
    const size = sizeOf(file) + 2
    const seen = watch.until(() => watch.hints.length > from && sizeOf(file) === size)
    await Promise.all([seen, other.run(['appendFileSync', file, 'x\n'])])
    isWatched = watch.hints.slice(from).some((hint) => sameHint(hint, { namespace, sessionId: 'a' }))
  }
}

/** How many directories and files this process watches, by what the kernel says. */
function inotifyWatches(): number {
  const lines = readdirSync('/proc/self/fdinfo').flatMap((fd) => {
    const path = `/proc/self/fdinfo/${fd}`
    // The descriptor that lists the directory is gone when its entry is read.
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n') : []
  })
  return lines.filter((line) => line.startsWith('inotify wd:')).length
}

/** Only chokidar 6 has this option, and refuses what it does not know. */
function openUnknown(): unknown {
  return Reflect.construct(FSWatcher, [{ backend: 'none' }])
}

/** How many of a kind keep this process alive. A handle that was closed counts until the end of a turn of the loop. */
async function resources(kind: 'FSEventWrap' | 'Timeout'): Promise<number> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
  return process.getActiveResourcesInfo().filter((name) => name === kind).length
}

test('the watcher uses the major version of chokidar that this project is for', async () => {
  const added = vi.spyOn(FSWatcher.prototype, 'add')
  await watch.start(root)
  expect(added).toHaveBeenCalledTimes(2)
  added.mockRestore()
  if (process.env['CHOKIDAR_MAJOR'] === '6') expect(openUnknown).toThrow(TypeError)
  else expect(openUnknown).not.toThrow()
})

test('the second of two close appends is hinted after it was written', async () => {
  const file = log('a.jsonl')
  writeFileSync(file, '')
  await watch.start(root)
  let size = 0
  for (const gapMs of [1, 3, 8, 20, 40, 60]) {
    for (let round = 0; round < 10; round++) {
      size += 20
      let seen = 0
      const complete = watch.until(() => {
        if (watch.hints.at(-1)?.sessionId === 'a') seen = sizeOf(file)
        return seen === size
      })
      await other.run(
        ['appendFileSync', file, 'the first\n'],
        ['pause', gapMs],
        ['appendFileSync', file, 'a second\n.'],
      )
      await complete
    }
  }
})

test('the last of 2,000 appends in a burst is hinted', async () => {
  const file = log('a.jsonl')
  writeFileSync(file, '')
  await watch.start(root)
  let seen = 0
  const complete = watch.until(() => {
    if (watch.hints.at(-1)?.sessionId === 'a') seen = sizeOf(file)
    return seen === 2_000 * 500
  })
  await other.run(...Array.from({ length: 2_000 }, (): Step => ['appendFileSync', file, 'x'.repeat(500)]))
  await complete
  expect(watch.hints.length).toBeLessThanOrEqual(2_010)
})

test('a new log, a removed one and one that was renamed over are hinted', async () => {
  await watch.start(root)
  const hinted = (): Promise<void> => watch.next({ namespace: 'ns', sessionId: 'a' })
  await Promise.all([hinted(), other.run(['writeFileSync', log('a.jsonl'), 'one\n'])])
  await Promise.all([
    hinted(),
    other.run(['writeFileSync', log('4913~'), 'two\n'], ['renameSync', log('4913~'), log('a.jsonl')]),
  ])
  await Promise.all([hinted(), other.run(['appendFileSync', log('a.jsonl'), 'three\n'])])
  await Promise.all([hinted(), other.run(['unlinkSync', log('a.jsonl')])])
  await Promise.all([hinted(), other.run(['writeFileSync', log('a.jsonl'), 'four\n'])])
})

test('file names become the names they stand for', async () => {
  mkdirSync(join(root, 'a%2Fb~'))
  await watch.start(root)
  const write = (file: string, hint: Hint): Promise<unknown> =>
    Promise.all([watch.next(hint), other.run(['appendFileSync', log(file, 'a%2Fb~'), 'x\n'])])
  await write('c%2Ed.jsonl', { namespace: 'a/b~', sessionId: 'c.d' })
  await write(`c.${ULID}.jsonl`, { namespace: 'a/b~', sessionId: 'c' })
  await write(`${ULID}.jsonl`, { namespace: 'a/b~', sessionId: ULID })
})

test('a name that no session has is a hint to look at all of the namespace', async () => {
  await watch.start(root)
  for (const file of ['notes.txt', 'Upper.jsonl', 'a.b.jsonl', '.jsonl', `a.${ULID}.${ULID}.jsonl`]) {
    await Promise.all([watch.next({ namespace: 'ns' }), other.run(['writeFileSync', log(file), 'x\n'])])
  }
  expect(watch.hints.filter((hint) => hint.sessionId !== undefined)).toEqual([])
})

test('a namespace that is made later is looked at, then watched', async () => {
  await watch.start(root)
  await Promise.all([watch.next({ namespace: 'later' }), other.run(['mkdirSync', join(root, 'later')])])
  await appendUntilWatched('later')
})

test('a namespace that is removed and made again at once is watched again', async () => {
  await watch.start(root)
  for (let round = 0; round < 10; round++) {
    const again = watch.next({ namespace: 'ns' })
    await other.run(['rmSync', join(root, 'ns'), { recursive: true }], ['mkdirSync', join(root, 'ns')])
    await again
    await appendUntilWatched()
  }
  expect(watch.degraded).toEqual([])
})

test('a namespace that is moved away and back is watched again', async () => {
  await watch.start(root)
  const away = join(base, 'away')
  await Promise.all([watch.next({ namespace: 'ns' }), other.run(['renameSync', join(root, 'ns'), away])])
  await Promise.all([watch.next({ namespace: 'ns' }), other.run(['renameSync', away, join(root, 'ns')])])
  await appendUntilWatched()
  expect(watch.degraded).toEqual([])
})

test('only the namespace that was asked for is hinted, even when it is made later', async () => {
  await watch.start(root, 'wanted')
  await other.run(['appendFileSync', log('a.jsonl'), 'x\n'], ['mkdirSync', join(root, 'unwanted')])
  await Promise.all([watch.next({ namespace: 'wanted' }), other.run(['mkdirSync', join(root, 'wanted')])])
  await other.run(['appendFileSync', log('a.jsonl', 'unwanted'), 'x\n'])
  await appendUntilWatched('wanted')
  expect(watch.hints.filter((hint) => hint.namespace !== 'wanted')).toEqual([])
})

test('a root that is made later, removed, and made again is watched', async () => {
  root = join(base, 'deep', 'later')
  await watch.start(root, undefined, { relookMs: 50 })
  for (let round = 0; round < 2; round++) {
    await Promise.all([
      watch.next({ namespace: 'ns' }),
      other.run(['mkdirSync', join(root, 'ns'), { recursive: true }], ['writeFileSync', log('a.jsonl'), 'x\n']),
    ])
    await appendUntilWatched()
    await Promise.all([watch.next({ namespace: 'ns' }), other.run(['rmSync', join(base, 'deep'), { recursive: true }])])
  }
  expect(watch.degraded).toEqual([])
})

test('a relative root is the one of the working directory at the time of the call', async () => {
  await watch.start(relative(process.cwd(), root))
  await Promise.all([
    watch.next({ namespace: 'ns', sessionId: 'a' }),
    other.run(['appendFileSync', log('a.jsonl'), 'x\n']),
  ])
})

test('a namespace is hinted every now and then, whatever happens', async () => {
  await watch.start(root, undefined, { relookMs: 20 })
  for (let round = 0; round < 3; round++) await watch.next({ namespace: 'ns' })
  await watch.stop()
  const before = watch.hints.length
  watch = await new Watch().start(root, 'not-there', { relookMs: 20 })
  for (let round = 0; round < 3; round++) await watch.next({ namespace: 'not-there' })
  expect(before).toBeGreaterThan(2)
})

test('an invalid namespace is refused', async () => {
  await expect(watch.start(root, '')).rejects.toMatchObject({ code: 'INVALID_NAME' })
})

test('there is one descriptor for each directory, however many files it has', async (context) => {
  if (!existsSync('/proc/self/fdinfo')) context.skip('only Linux tells in /proc what a process watches')
  for (const folder of ['files', '.cache', '.live']) mkdirSync(log(folder))
  for (let i = 0; i < 200; i++) writeFileSync(log(`s${i}.jsonl`), 'x\n')
  const before = inotifyWatches()
  await watch.start(root)
  // The root, the namespace and its `.live`.
  expect(inotifyWatches() - before).toBe(3)
  const seen = watch.next({ namespace: 'ns', sessionId: 'new199' })
  const steps: Step[] = []
  for (let i = 0; i < 200; i++) {
    steps.push(['appendFileSync', log(`s${i}.jsonl`), 'x\n'], ['writeFileSync', log(`files/${i}`), ''])
    steps.push(['writeFileSync', log(`new${i}.jsonl`), 'x\n'])
  }
  await Promise.all([seen, other.run(...steps)])
  expect(inotifyWatches() - before).toBe(3)
  await Promise.all([watch.next({ namespace: 'ns2' }), other.run(['mkdirSync', join(root, 'ns2')])])
  expect(inotifyWatches() - before).toBe(4)
  await watch.stop()
  expect(inotifyWatches() - before).toBe(0)
})

test('drafts are hinted as drafts, also after their directory has come, gone and come again', async () => {
  await watch.start(root)
  const draft = log(`.live/one.${ULID}.jsonl`)
  /** Resolves after a step, when there was a hint for the draft: of its own, or of all while their directory is being watched anew. */
  const step = async (...what: Step): Promise<void> => {
    const from = watch.hints.length
    await other.run(what)
    await watch.until(() => watch.hints.slice(from).some(({ isDraft }) => isDraft === true))
  }
  for (let round = 0; round < 3; round++) {
    await step('mkdirSync', log('.live'))
    await step('writeFileSync', draft, 'x\n')
    await step('appendFileSync', draft, 'x\n')
    await step('unlinkSync', draft)
    await step('rmdirSync', log('.live'))
  }
  expect(watch.hints.filter(({ isDraft }) => isDraft !== true)).toEqual([{ namespace: 'ns' }])
  expect(watch.hints).toContainEqual({ namespace: 'ns', sessionId: 'one', isDraft: true })
})

test('after stop nothing is left that keeps the process', async () => {
  const handles = await resources('FSEventWrap')
  const timers = await resources('Timeout')
  // Often, because the test runner has timers of its own that come and go.
  for (let round = 0; round < 10; round++) {
    const short = await new Watch().start(root)
    expect((await resources('FSEventWrap')) - handles).toBe(2)
    const hinted = short.next({ namespace: 'ns', sessionId: 'a' })
    const written = other.run(['appendFileSync', log('a.jsonl'), 'x\n'])
    // At once, while chokidar 5 is still looking at what changed.
    await hinted
    await short.stop()
    await written
  }
  expect(await resources('FSEventWrap')).toBe(handles)
  expect(await resources('Timeout')).toBeLessThanOrEqual(timers + 2)
})

test('after stop nothing is called back', async () => {
  await watch.start(root, undefined, { relookMs: 1 })
  await watch.next({ namespace: 'ns' })
  const stopped = watch.stop()
  const count = watch.hints.length
  await stopped
  const sentinel = await new Watch().start(root)
  await Promise.all([
    sentinel.next({ namespace: 'ns', sessionId: 'a' }),
    other.run(['mkdirSync', join(root, 'ns2')], ['appendFileSync', log('a.jsonl'), 'x\n']),
  ])
  await sentinel.stop()
  expect(watch.hints.length).toBe(count)
})

test('a namespace whose directory comes and goes can be stopped at any moment', async () => {
  const handles = await resources('FSEventWrap')
  for (let round = 0; round < 20; round++) {
    const short = await new Watch().start(root, undefined, { relookMs: 1 })
    const comeAndGo: Step[] = [
      ['mkdirSync', join(root, 'x')],
      ['pause', 1],
      ['rmdirSync', join(root, 'x')],
      ['pause', 1],
    ]
    const busy = other.run(...Array.from({ length: 20 }, () => comeAndGo).flat())
    for (let hint = 0; hint < round; hint++) await short.next({ namespace: 'ns' })
    await short.stop()
    const count = short.hints.length
    await busy
    expect(short.hints.length).toBe(count)
    expect(short.degraded).toEqual([])
  }
  expect(await resources('FSEventWrap')).toBe(handles)
})

test('out of descriptors, it says so once and goes on by looking', async (context) => {
  const limits = spawnSync('prlimit', [
    '--pid',
    String(process.pid),
    '--nofile',
    '--raw',
    '--noheadings',
    '--output=SOFT',
  ])
  if (limits.status !== 0) context.skip('prlimit, which sets the limits of a running process, is not here')
  const soft = limits.stdout.toString().trim()
  // A shell that is there before: without descriptors none can be started to set the limit back.
  const script = 'prlimit --pid $0 --nofile=3: && echo low; read line; prlimit --pid $0 --nofile=$1: && echo back'
  const shell = spawn('sh', ['-c', script, String(process.pid), soft], { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: shell.stdout })
  await once(answers, 'line')
  try {
    await watch.start(root, 'ns', { relookMs: 20 })
    expect(watch.degraded).toMatchObject([{ cause: { code: 'EMFILE' } }])
  } finally {
    const back = once(answers, 'line')
    shell.stdin.write('\n')
    await back
  }
  const file = log('a.jsonl')
  const from = watch.hints.length
  const seen = watch.until(() => watch.hints.length > from && sizeOf(file) === 2)
  await Promise.all([seen, other.run(['writeFileSync', file, 'x\n'])])
  expect(watch.hints.every((hint) => hint.sessionId === undefined)).toBe(true)
  // Another directory in its place is tried anew.
  await other.run(['rmSync', join(root, 'ns'), { recursive: true }], ['mkdirSync', join(root, 'ns')])
  await appendUntilWatched()
  expect(watch.degraded.length).toBe(1)
})
