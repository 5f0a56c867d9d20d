/**
 * What a store is opened with.
 */
import type { FsyncPolicy } from './backends/file/sync.ts'
import type { Bus } from './bus.ts'
import { FoldlogError } from './errors.ts'
import type { RedactHook } from './screen.ts'
import type { Responder } from './send.ts'

export interface StoreOptions {
  /** Default `default`. Any string that is not blank; see docs/format.md §1.1. */
  readonly namespace?: string
  /** Whether changes by other processes are published as they happen. Default false: they are seen when something is read. */
  readonly watch?: boolean
  /**
   * When lines reach the disk: `always` before an append resolves, `everysec` (default) within a second, `never` when the system writes them.
   * A crash of this process loses nothing acknowledged in any case. Only for directories.
   */
  readonly fsync?: FsyncPolicy
  /**
   * Sees every event before it is written, by whatever call, and answers its data, with what must not be written taken out: `redactSecrets`, or
   * a function of one's own. Attachments are not events.
   */
  readonly redact?: RedactHook
  /**
   * For roots whose copies are merged or synced, or that several machines reach over a network: every run writes to files of its own, and a
   * deleted session stays deleted in every copy. Default false. Only for directories; all who write to one must agree (docs/shared.md).
   */
  readonly shared?: boolean
  /** Default: the bus of this process. */
  readonly bus?: Bus
  /** Who answers what `session.send` asks, unless a call says otherwise. */
  readonly respond?: Responder
  /**
   * For how long a turn of `session.send` is believed to run after the last sign of it, in ms; it gives one each third of that. Default 30,000.
   * Longer for responders that block the event loop.
   */
  readonly leaseMs?: number
}

export function assertLeaseMs(leaseMs: number): void {
  // As long as a lease may be, src/live.ts; that file loads more than an opening store needs.
  if (Number.isInteger(leaseMs) && leaseMs >= 1 && leaseMs <= 3_600_000) return
  const message = `leaseMs must be a whole number of ms from 1 to 3,600,000, not ${leaseMs}`
  throw new FoldlogError('INVALID_OPTION', message, { field: 'leaseMs' })
}
