/**
 * Stores on real folders for tests: fresh, and gone when the test ends.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  Bus,
  openStore,
  type Backend,
  type BusEvent,
  type BusEventOf,
  type Store,
  type StoreOptions,
} from '../../src/index.ts'

/** A new empty folder, removed when the test ends. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'foldlog-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A store of a folder or a backend, closed when the test ends. */
export async function open(root: string | Backend, options?: StoreOptions): Promise<Store> {
  const store = await openStore(root, options)
  onTestFinished(async () => {
    await store.close()
    // A store leaves a backend that it was given open.
    if (typeof root !== 'string') await root.close()
  })
  return store
}

/** A store in a fresh folder. */
export async function freshStore(options?: StoreOptions): Promise<Store> {
  return open(freshFolder(), options)
}

/** The folder of a store opened again, as another process does it: nothing is shared but the files. */
export async function elsewhere(store: Store, options?: StoreOptions): Promise<Store> {
  return open(store.root, { namespace: store.name, bus: new Bus(), ...options })
}

/** Everything a store says from now on, as it comes. */
export function listen(store: Store): BusEvent[] {
  const heard: BusEvent[] = []
  onTestFinished(store.on('*', (event) => heard.push(event)))
  return heard
}

/** The next event of a type that fits. */
export function next<T extends string>(
  store: Store,
  type: T,
  fits: (event: BusEventOf<T>) => boolean = () => true,
): Promise<BusEventOf<T>> {
  return new Promise((resolve) => {
    const off = store.on(type, (event) => {
      if (!fits(event)) return
      off()
      resolve(event)
    })
  })
}

/** Resolves in a later millisecond, so that what follows is newer by the clock. */
export async function laterMillisecond(): Promise<void> {
  const now = Date.now()
  while (Date.now() === now) await new Promise(setImmediate)
}

/** Every file below a folder, as paths relative to it, sorted. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** Where the log of a session with a plain id lies. */
export function logOf(store: Store, sessionId: string): string {
  return join(store.root, store.name, `${sessionId}.jsonl`)
}

/** How a child process ended, and what it wrote. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/**
 * Runs a module in a process of its own. It finds the built package as `foldlog`, and `args` in `args`.
 * Node 20 runs no TypeScript, so `npm test` builds `dist` first.
 */
export function runChild(source: string, ...args: readonly string[]): Promise<Ended> {
  const index = new URL('../../dist/index.js', import.meta.url).href
  const module = `import * as foldlog from ${JSON.stringify(index)}\nconst args = process.argv.slice(1)\n${source}`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', module, '--', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let stderr = ''
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stderr }))
  })
}
