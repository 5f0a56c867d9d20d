/**
 * Shared roots and their copies, for tests: what lies in them, who wrote it, and ways in which they are brought together.
 */
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { Bus } from '../../src/bus.ts'
import { openStore } from '../../src/store.ts'
import type { Message } from '../../src/message.ts'
import { textsOf } from '../support/temp.ts'

/** The files of a namespace that are of a session, by name. */
export function filesOf(root: string, sessionId: string, namespace = 'default'): string[] {
  const directory = join(root, namespace)
  return readdirSync(directory)
    .filter((name) => name.startsWith(`${sessionId}.`))
    .sort()
    .map((name) => join(directory, name))
}

/** The lines of a file, parsed. */
export function linesOf(path: string): { readonly type: string; readonly data: { readonly id?: string } }[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line) as { type: string; data: { id?: string } })
}

/** A copy of a root as it is now. */
export function copyOf(root: string, to: string): string {
  cpSync(root, to, { recursive: true, preserveTimestamps: true })
  return to
}

/** What `cp -Rn` does: brings the files that are not there, and overwrites none. */
export function bringMissing(from: string, to: string): void {
  bring(from, to, (_, target) => !existsSync(target))
}

/** What `rsync -au` does: brings the files that are not there, and overwrites those that are older. */
export function bringNewer(from: string, to: string): void {
  bring(from, to, (source, target) => !existsSync(target) || statSync(target).mtimeMs < statSync(source).mtimeMs)
}

/** What `cp -R` does: brings all files, whatever is there. */
export function bringAll(from: string, to: string): void {
  bring(from, to, () => true)
}

function bring(from: string, to: string, isBrought: (source: string, target: string) => boolean): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) bring(source, target, isBrought)
    else if (isBrought(source, target)) {
      const { atime, mtime } = statSync(source)
      copyFileSync(source, target)
      utimesSync(target, atime, mtime)
    }
  }
}

/** What a copy shows of a session to a process that has never seen it; undefined if it is not there. */
export async function shown(
  root: string,
  sessionId: string,
): Promise<{ readonly title: string | undefined; readonly messages: readonly Message[] } | undefined> {
  const store = await openStore(root, { bus: new Bus() })
  try {
    const session = await store.get(sessionId)
    if (session === undefined) return undefined
    return { title: session.info.title, messages: await session.messages() }
  } finally {
    await store.close()
  }
}

/** The texts of messages, sorted, for where their order says nothing. */
export function sortedTexts(messages: readonly Message[]): string[] {
  return textsOf(messages)
    .map((text) => text ?? '')
    .sort()
}
