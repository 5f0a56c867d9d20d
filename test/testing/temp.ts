/**
 * Fresh folders for tests on a real disk.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FileBackendOptions, fileBackend } from '../../src/backends/file/index.ts'
import type { Opened } from '../../src/testing/index.ts'

/** A directory that is not there yet, in a fresh one. */
export async function tempRoot(): Promise<{ root: string; done: () => Promise<void> }> {
  const parent = await mkdtemp(join(tmpdir(), 'foldlog-'))
  return { root: join(parent, 'root'), done: () => rm(parent, { recursive: true, force: true }) }
}

export async function openFile(options?: FileBackendOptions): Promise<Opened> {
  const { root, done } = await tempRoot()
  return { backend: fileBackend(root, options), reopen: async () => fileBackend(root, options), done }
}
