/**
 * What the contract says of reading and of cursors.
 */
import assert from 'node:assert/strict'
import type { Cursor } from '../backend.ts'
import type { Law } from './contract.ts'
import { create, endOf, KEY, newLine, newLines, readBatches, readLines, readTexts, rejects, texts } from './lines.ts'

export const readLaws: readonly Law[] = [
  {
    name: 'a cursor reads only what came after it, from every line',
    async run(backend) {
      const lines = await create(backend, 5)
      const stored = await readLines(backend)
      for (const [index, line] of stored.entries()) {
        assert.deepEqual(await readTexts(backend, line.cursor), texts(...lines.slice(index + 1)))
      }
    },
  },
  {
    name: 'a batch ends with the cursor of its last line',
    async run(backend) {
      await create(backend, 5)
      for (const batch of await readBatches(backend)) assert.equal(batch.lines.at(-1)?.cursor, batch.cursor)
    },
  },
  {
    name: 'lines are numbered from 1, also when they are read after a cursor',
    async run(backend) {
      await create(backend, 4)
      const stored = await readLines(backend)
      assert.deepEqual(
        stored.map(({ line }) => line),
        [1, 2, 3, 4],
      )
      const rest = await readLines(backend, stored[1]!.cursor)
      assert.deepEqual(
        rest.map(({ line, offset, file }) => ({ line, offset, file })),
        stored.slice(2).map(({ line, offset, file }) => ({ line, offset, file })),
      )
    },
  },
  {
    name: 'law 3: reading on from each cursor gives every line once, however appends and reads alternate',
    async run(backend) {
      const lines = await create(backend, 1)
      const seen: string[] = []
      let after: Cursor | undefined
      for (let round = 0; round < 20; round++) {
        for (const batch of await readBatches(backend, after)) {
          seen.push(...batch.lines.map(({ bytes }) => Buffer.from(bytes).toString()))
          after = batch.cursor
        }
        const more = newLines(round % 4)
        lines.push(...more)
        if (more.length > 0) await backend.append(KEY, more)
      }
      seen.push(...(await readTexts(backend, after)))
      assert.deepEqual(seen, texts(...lines))
    },
  },
  {
    name: 'a log of several megabytes is read whole, and from cursors in its middle',
    async run(backend) {
      const lines = await create(backend)
      for (let i = 0; i < 30; i++) {
        const more = newLines(10, 'x'.repeat(10_000 + 137 * i))
        await backend.append(KEY, more)
        lines.push(...more)
      }
      const stored = await readLines(backend)
      assert.deepEqual(
        stored.map(({ bytes }) => Buffer.from(bytes).toString()),
        texts(...lines),
      )
      for (const index of [0, 99, 150, 299]) {
        assert.deepEqual(await readTexts(backend, stored[index]!.cursor), texts(...lines.slice(index + 1)))
      }
    },
  },
  {
    name: 'what is read back from a place is what was read up to it, however little is asked for',
    async run(backend) {
      if (backend.readBack === undefined) return
      await create(backend, 20)
      const stored = await readLines(backend)
      const all = stored.map(({ bytes }) => Buffer.from(bytes).toString())
      for (const sizeBytes of [1, 300, 1000, 1 << 20]) {
        let place: Cursor | undefined = stored.at(-1)!.cursor
        const back: string[] = []
        while (place !== undefined) {
          const read = await backend.readBack(KEY, place, sizeBytes)
          // A backend may be unable to tell.
          if (read === undefined) return
          assert.ok(read.lines.length > 0)
          back.unshift(...read.lines.map((bytes) => Buffer.from(bytes).toString()))
          place = read.start
        }
        assert.deepEqual(back, all)
      }
      const place = stored[4]!.cursor
      assert.deepEqual((await backend.readBack(KEY, place, 1))?.lines.length, 1)
      await backend.remove(KEY)
      await rejects(backend.readBack(KEY, place, 1), 'NOT_FOUND')
    },
  },
  {
    name: 'a scan gives every line, whole lines to a piece, as often as it is asked for and also when two go on at once',
    async run(backend) {
      if (backend.scan === undefined) return
      const [long] = [newLine('x'.repeat(700_000))]
      const lines = await create(backend, 3000)
      await backend.append(KEY, [long, ...newLines(2)])
      const expected = await readTexts(backend)
      assert.equal(expected.length, lines.length + 3)
      const [one, two] = [backend.scan(KEY)[Symbol.asyncIterator](), backend.scan(KEY)[Symbol.asyncIterator]()]
      const [first, second]: [string[], string[]] = [[], []]
      for (let isMore = true; isMore;) {
        isMore = false
        for (const [iterator, texts] of [
          [one, first],
          [two, second],
        ] as const) {
          const { done, value } = await iterator.next()
          if (done === true) continue
          isMore = true
          texts.push(...Buffer.from(value).toString().replace(/\n$/, '').split('\n'))
        }
      }
      assert.deepEqual(first, expected)
      assert.deepEqual(second, expected)
      for await (const _ of backend.scan(KEY)) break
      const none = backend.scan({ ...KEY, sessionId: 'none' })
      await rejects(none[Symbol.asyncIterator]().next(), 'NOT_FOUND')
    },
  },
  {
    name: 'pieces give every line that counts, once and in order, and the places between them, or say nothing',
    async run(backend) {
      if (backend.pieces === undefined) return
      await create(backend, 3000)
      await backend.append(KEY, [newLine('x'.repeat(700_000)), ...newLines(2)])
      const expected = await readTexts(backend)
      const texts: string[] = []
      for await (const piece of backend.pieces(KEY)) {
        const text = Buffer.from(piece.bytes).toString()
        assert.ok(text.endsWith('\n'))
        texts.push(...text.slice(0, -1).split('\n'))
        assert.equal(piece.mayNotCount(0, text.indexOf('\n')), false)
        assert.deepEqual(await readTexts(backend, piece.end), expected.slice(texts.length))
      }
      if (texts.length > 0) assert.deepEqual(texts, expected)
      const none = backend.pieces({ ...KEY, sessionId: 'none' })
      await rejects(none[Symbol.asyncIterator]().next(), 'NOT_FOUND')
    },
  },
  {
    name: 'a read can be left in the middle',
    async run(backend) {
      const lines = await create(backend, 3)
      for await (const batch of backend.read(KEY)) {
        assert.ok(batch.lines.length > 0)
        break
      }
      await backend.append(KEY, [newLine()])
      assert.equal((await readTexts(backend)).length, lines.length + 1)
    },
  },
  {
    name: 'law 2: a cursor of another log is stale',
    async run(backend) {
      const other = { ...KEY, sessionId: 'second' }
      await create(backend, 3)
      await create(backend, 3, other)
      await rejects(readTexts(backend, await endOf(backend, other)), 'STALE_CURSOR')
    },
  },
  {
    name: 'law 2: what is no cursor is stale',
    async run(backend) {
      await create(backend)
      for (const text of ['', 'x', '1', '999999.x', '-1'])
        await rejects(readTexts(backend, text as Cursor), 'STALE_CURSOR')
    },
  },
  {
    name: 'a cursor is good for another backend on the same place',
    needs: (_, { reopen }) => (reopen === undefined ? 'it cannot be reopened' : undefined),
    async run(backend, { reopen }) {
      await create(backend, 2)
      const after = await endOf(backend)
      const more = newLine()
      const other = await reopen!()
      assert.deepEqual(await readTexts(other, after), [])
      await other.append(KEY, [more], { after })
      assert.deepEqual(await readTexts(backend, after), texts(more))
      await other.close()
    },
  },
  {
    name: 'what was acknowledged is there after closing and opening again',
    needs: (_, { reopen }) => (reopen === undefined ? 'it cannot be reopened' : undefined),
    async run(backend, { reopen }) {
      const lines = await create(backend, 2)
      await backend.close()
      const again = await reopen!()
      assert.deepEqual(await readTexts(again), texts(...lines))
      await again.append(KEY, [newLine()])
      assert.equal((await readTexts(again)).length, 3)
      await again.close()
    },
  },
]
