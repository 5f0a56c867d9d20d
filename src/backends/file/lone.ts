/**
 * Whether a sync may be made on the spot, which holds up the event loop.
 *
 * Handing a sync to another thread takes about half as long again as a quick disk does. So where one caller appends to one log, each time after the
 * append before was acknowledged, and the disk was quick each time, it is not handed on. Other logs, callers that come
 * while a sync runs and a disk that takes its time end that: then syncs run beside, and appends that come meanwhile share one.
 * Every now and then one runs beside anyway: a loop of appends that are all done on the spot would let nothing else of
 * the process have its turn.
 */
import type { LogFile } from './log-file.ts'

const QUICK_MS = 4
/** So many syncs in a row have to be like that. */
const ENOUGH = 4
/** After so many on the spot one is handed on. */
const MOST = 64

export class LoneCaller {
  #log: LogFile | undefined
  #count = 0

  /** Whether all of the last syncs were quick, of this log, and for one write each. */
  has(log: LogFile): boolean {
    return this.#log === log && this.#count >= ENOUGH && this.#count < ENOUGH + MOST
  }

  /** Takes notice of a sync: of how many writes, and how long it took. */
  note(log: LogFile, writes: number, ms: number): void {
    if (writes !== 1 || ms >= QUICK_MS) {
      this.reset()
      return
    }
    if (this.#count >= ENOUGH + MOST) this.#count = ENOUGH
    else this.#count = this.#log === log ? this.#count + 1 : 1
    this.#log = log
  }

  reset(): void {
    this.#log = undefined
    this.#count = 0
  }
}
