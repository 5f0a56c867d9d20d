/**
 * `foldlog tail --raw`: lines as they lie in the files of a session. Loads nothing that folds and, unless it follows, no watcher.
 */
import type { Cursor, StoredLine } from '../backend.ts'
import { isFoldlogError } from '../errors.ts'
import { decodeLine, eventsOf } from '../line.ts'
import type { Call } from './call.ts'
import { Last } from './last.ts'
import { isCursor, pick } from './point.ts'
import { endWithReader } from './reader.ts'
import type { Found } from './root.ts'

const LOOK_MS = 2000
const LF = Buffer.from('\n')

/** Prints the last lines, and with `--follow` those to come. */
export async function tailLines(call: Call, found: Found, limit: number): Promise<void> {
  const reader = new Reader(found, () =>
    call.out.say('the place to go on from is not in the log (any more): everything follows'),
  )
  await reader.seek(call)
  const last = new Last<StoredLine>(limit)
  for await (const line of reader.read()) last.push(line)
  for (const line of last.items()) await print(call, line)
  if (call.flag('follow')) await follow(call, found, reader)
}

/** Reads the lines of a log, each time from where it stopped. */
class Reader {
  readonly #found: Found
  readonly #onRewound: () => void
  #cursor: Cursor | undefined
  /** From then on it is known that the log exists. */
  #hasRead = false

  constructor(found: Found, onRewound: () => void) {
    this.#found = found
    this.#onRewound = onRewound
  }

  /** Goes to the place that `--after` names. */
  async seek(call: Call): Promise<void> {
    const after = call.text('after')
    if (after === undefined) return
    // A cursor into a batch goes on from the line, because a line is what is printed.
    if (isCursor(after)) this.#cursor = after.replace(/~\d+$/, '') as Cursor
    else this.#cursor = await this.#placeOf(after, call.again('log'))
  }

  async *read(): AsyncGenerator<StoredLine> {
    for (;;) {
      try {
        yield* this.#readOn()
        return
      } catch (error) {
        if (!isFoldlogError(error, 'STALE_CURSOR')) throw error
        this.#cursor = undefined
        this.#onRewound()
      }
    }
  }

  async *#readOn(): AsyncGenerator<StoredLine> {
    const { key, root } = this.#found
    const after = this.#cursor === undefined ? {} : { after: this.#cursor }
    for await (const batch of root.backend.read(key, { ...after, isKnown: this.#hasRead })) {
      yield* batch.lines
      this.#cursor = batch.cursor
    }
    this.#hasRead = true
  }

  /** The place after the line that holds an event. */
  async #placeOf(name: string, hint: string): Promise<Cursor> {
    const places = new Map<string, Cursor>()
    for await (const stored of this.#readOn()) {
      const { lines } = decodeLine(stored.bytes, stored)
      for (const line of lines) for (const { id } of eventsOf(line)) places.set(id, stored.cursor)
    }
    return places.get(pick(name, places.keys(), 'event', hint))!
  }
}

/** Prints what comes, woken by the watcher and by itself every two seconds, until the session is deleted. */
async function follow(call: Call, { key, root }: Found, reader: Reader): Promise<void> {
  endWithReader()
  const bell = new Bell()
  const stop = await root.backend.watch(key.namespace, {
    onHint: () => bell.ring(),
    onDegraded: (reason) => call.out.say(reason),
  })
  try {
    for (;;) {
      const rung = bell.next(LOOK_MS)
      for await (const line of reader.read()) await print(call, line)
      await rung
    }
  } catch (error) {
    if (!isFoldlogError(error, 'NOT_FOUND')) throw error
    call.out.say(`session ${key.sessionId} was deleted`)
  } finally {
    // Its timer would keep the process.
    bell.ring()
    await stop()
  }
}

async function print({ out }: Call, { bytes }: StoredLine): Promise<void> {
  await out.bytes(Buffer.concat([bytes, LF]))
}

/** Something to wait for that may ring before one waits. */
class Bell {
  #wakeUp: (() => void) | undefined

  ring(): void {
    this.#wakeUp?.()
  }

  /** Resolves when it rings from now on, or after a while. */
  next(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#wakeUp = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
