/**
 * The contract of a backend: the laws of src/backend.ts as tests, under any test runner.
 *
 * A test that a backend cannot pass by its own `capabilities` is still there, as one that passes and says in its name
 * that it was skipped and why. Each test opens a backend of its own.
 */
import type { Backend, Capabilities } from '../backend.ts'
import { attachmentLaws } from './laws-attachments.ts'
import { appendLaws } from './laws-append.ts'
import { concurrencyLaws } from './laws-concurrency.ts'
import { draftLaws } from './laws-drafts.ts'
import { guardLaws } from './laws-guards.ts'
import { listLaws } from './laws-list.ts'
import { readLaws } from './laws-read.ts'
import { rewriteLaws } from './laws-rewrite.ts'

/** An empty place and a backend on it. */
export interface Opened {
  readonly backend: Backend
  /** Another backend on the same place, as another process would have; absent where there is no such thing. */
  readonly reopen?: () => Promise<Backend>
  /** Removes everything. `backend` and whatever `reopen` gave may be closed already. */
  readonly done: () => Promise<void>
}

export interface ContractOptions {
  /** Registers a test: `test` of vitest, `node:test`, jest. */
  readonly test: (name: string, run: () => Promise<void>) => void
  readonly open: () => Promise<Opened>
}

/** A test of the contract. `needs`: why this backend cannot be asked, if so. */
export interface Law {
  readonly name: string
  readonly needs?: (capabilities: Capabilities, opened: Opened) => string | undefined
  run(backend: Backend, opened: Opened): Promise<void>
}

const LAWS: readonly Law[] = [
  ...appendLaws,
  ...readLaws,
  ...guardLaws,
  ...concurrencyLaws,
  ...listLaws,
  ...attachmentLaws,
  ...rewriteLaws,
  ...draftLaws,
]

/** Registers the tests. Await it where tests are registered: it opens a backend once to see what that can do. */
export async function backendContract({ test, open }: ContractOptions): Promise<void> {
  const probe = await open()
  const reasons = LAWS.map((law) => law.needs?.(probe.backend.capabilities, probe))
  await probe.backend.close()
  await probe.done()
  for (const [index, law] of LAWS.entries()) {
    const reason = reasons[index]
    test(reason === undefined ? law.name : `${law.name} (skipped: ${reason})`, async () => {
      if (reason !== undefined) return
      const opened = await open()
      try {
        await law.run(opened.backend, opened)
      } finally {
        await opened.backend.close()
        await opened.done()
      }
    })
  }
}
