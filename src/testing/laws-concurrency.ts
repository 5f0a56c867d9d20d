/**
 * What the contract says of several writers, and of watching.
 */
import assert from 'node:assert/strict'
import type { Backend, Cursor, Hint } from '../backend.ts'
import { isFoldlogError } from '../errors.ts'
import type { Law } from './contract.ts'
import { create, KEY, newLine, newLines, readBatches, readTexts, texts } from './lines.ts'

const WRITERS = 8
const ROUNDS = 25

async function writeAll(backends: readonly Backend[]): Promise<string[][]> {
  return Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      const backend = backends[writer % backends.length]!
      const written: string[] = []
      for (let round = 0; round < ROUNDS; round++) {
        const lines = newLines(1 + (round % 3), `writer ${writer} round ${round} ${'x'.repeat(round * 40)}`)
        await backend.append(KEY, lines)
        written.push(...texts(...lines))
      }
      return written
    }),
  )
}

function assertAllKept(found: readonly string[], written: readonly string[][]): void {
  assert.equal(new Set(found).size, found.length, 'a line is there twice')
  for (const own of written) {
    const mine = new Set(own)
    assert.deepEqual(
      found.filter((text) => mine.has(text)),
      own,
    )
  }
}

export const concurrencyLaws: readonly Law[] = [
  {
    name: 'many appends at once lose nothing, and each writer finds its lines in order',
    async run(backend) {
      await create(backend)
      const written = await writeAll([backend])
      assertAllKept(await readTexts(backend), written)
    },
  },
  {
    name: 'backends on the same place append at once and lose nothing',
    needs: (_, { reopen }) => (reopen === undefined ? 'it cannot be reopened' : undefined),
    async run(backend, { reopen }) {
      await create(backend)
      const other = await reopen!()
      const written = await writeAll([backend, other])
      for (const one of [backend, other]) assertAllKept(await readTexts(one), written)
      await other.close()
    },
  },
  {
    name: 'law 3: a reader that follows while others write sees every line once',
    async run(backend, { reopen }) {
      const first = await create(backend)
      const writer = (await reopen?.()) ?? backend
      const seen: string[] = []
      let after: Cursor | undefined
      const follow = async (): Promise<void> => {
        for (const batch of await readBatches(backend, after)) {
          seen.push(...batch.lines.map(({ bytes }) => Buffer.from(bytes).toString()))
          after = batch.cursor
        }
      }
      const state = { isWriting: true }
      const writing = writeAll([writer, backend]).finally(() => (state.isWriting = false))
      while (state.isWriting) {
        await follow()
        // A read may never leave the current turn, and writers need others: for the disk, for timers.
        await new Promise((resolve) => setImmediate(resolve))
      }
      const written = await writing
      await follow()
      assert.equal(seen.length, first.length + written.flat().length)
      assertAllKept(seen, written)
      if (writer !== backend) await writer.close()
    },
  },
  {
    name: 'of several who create a session one wins, and it has that one’s lines only',
    needs: ({ shared }) => (shared ? 'capabilities.shared: all may, the log has the lines of all' : undefined),
    async run(backend, { reopen }) {
      const other = (await reopen?.()) ?? backend
      for (let round = 0; round < 10; round++) {
        const key = { ...KEY, sessionId: `race-${round}` }
        const lines = newLines(4)
        const results = await Promise.allSettled(
          lines.map(async (line, index) =>
            (index % 2 === 0 ? backend : other).append(key, [line], { expect: 'absent' }),
          ),
        )
        const winners = lines.filter((_, index) => results[index]!.status === 'fulfilled')
        for (const result of results) {
          if (result.status === 'rejected') assert.ok(isFoldlogError(result.reason, 'ALREADY_EXISTS'))
        }
        assert.equal(winners.length, 1)
        assert.deepEqual(await readTexts(backend, undefined, key), texts(...winners))
      }
      if (other !== backend) await other.close()
    },
  },
  {
    name: 'law 6: a watcher is given hints at what is created, appended to and removed',
    needs: ({ watch }) => (watch === 'none' ? 'capabilities.watch is none' : undefined),
    async run(backend, { reopen }) {
      const other = (await reopen?.()) ?? backend
      const hints = new Hints()
      const stop = await backend.watch(KEY.namespace, hints)
      try {
        for (const change of [() => create(other), () => other.append(KEY, [newLine()]), () => other.remove(KEY)]) {
          const hinted = hints.next(KEY.sessionId)
          await change()
          await hinted
        }
      } finally {
        await stop()
      }
      if (other !== backend) await other.close()
    },
  },
  {
    name: 'a watcher of all namespaces is given hints at each, and one that was stopped at none',
    needs: ({ watch }) => (watch === 'none' ? 'capabilities.watch is none' : undefined),
    async run(backend) {
      const stopped = new Hints()
      await (
        await backend.watch(undefined, stopped)
      )()
      const hints = new Hints()
      const stop = await backend.watch(undefined, hints)
      for (const namespace of ['one', 'two']) {
        const hinted = hints.next('some', namespace)
        await create(backend, 1, { namespace, sessionId: 'some' })
        await hinted
      }
      await stop()
      assert.equal(stopped.count, 0)
    },
  },
]

/** Waits for hints. One without a session stands for any. */
class Hints {
  count = 0
  #waiting: ((hint: Hint) => void)[] = []

  onHint(hint: Hint): void {
    this.count++
    for (const wait of this.#waiting) wait(hint)
  }

  onDegraded(): void {
    // A worse way of watching is still watching.
  }

  next(sessionId: string, namespace: string = KEY.namespace): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push((hint) => {
        if (hint.namespace === namespace && (hint.sessionId ?? sessionId) === sessionId) resolve()
      })
    })
  }
}
