/**
 * What the contract says of appending and removing.
 */
import assert from 'node:assert/strict'
import type { Law } from './contract.ts'
import { create, endOf, KEY, newLine, newLines, readTexts, rejects, texts } from './lines.ts'

export const appendLaws: readonly Law[] = [
  {
    name: 'lines come back in the order they were appended in',
    async run(backend) {
      const first = await create(backend, 2)
      const second = newLines(3)
      await backend.append(KEY, second)
      assert.deepEqual(await readTexts(backend), texts(...first, ...second))
    },
  },
  {
    name: 'law 1: an append whose ids are all there succeeds and adds nothing, whatever it expects',
    async run(backend) {
      const first = await create(backend, 2)
      const end = await endOf(backend)
      const second = newLines(2)
      await backend.append(KEY, second)
      assert.equal((await backend.append(KEY, second)).cursor, undefined)
      await backend.append(KEY, first, { expect: 'absent' })
      await backend.append(KEY, second, { after: end })
      assert.deepEqual(await readTexts(backend), texts(...first, ...second))
    },
  },
  {
    name: 'law 1: ids are known to be there after the log was let go of, and by another backend',
    async run(backend, { reopen }) {
      const lines = await create(backend, 3)
      backend.release(KEY)
      await backend.append(KEY, lines.slice(1, 2))
      const other = await reopen?.()
      await other?.append(KEY, lines.slice(0, 2))
      assert.deepEqual(await readTexts(other ?? backend), texts(...lines))
      await other?.close()
    },
  },
  {
    name: 'law 1: an append of which some ids are there adds the others',
    async run(backend) {
      const [a, b, c] = newLines(3)
      await backend.append(KEY, [a!, b!], { expect: 'absent' })
      await backend.append(KEY, [b!, c!])
      assert.deepEqual(await readTexts(backend), texts(a!, b!, c!))
    },
  },
  {
    name: 'an older id is appended behind newer ones',
    async run(backend) {
      const old = newLine('old')
      const lines = await create(backend, 2)
      await backend.append(KEY, [old])
      await backend.append(KEY, [old])
      assert.deepEqual(await readTexts(backend), texts(...lines, old))
    },
  },
  {
    name: 'creating a log that is there is refused and adds nothing',
    async run(backend) {
      const lines = await create(backend)
      await rejects(backend.append(KEY, newLines(1), { expect: 'absent' }), 'ALREADY_EXISTS')
      assert.deepEqual(await readTexts(backend), texts(...lines))
    },
  },
  {
    name: 'a missing log is refused and nothing is created',
    async run(backend) {
      await rejects(backend.append(KEY, newLines(1)), 'NOT_FOUND')
      await rejects(readTexts(backend), 'NOT_FOUND')
      assert.equal(await backend.head(KEY), undefined)
      assert.equal(await backend.remove(KEY), false)
      assert.deepEqual(await backend.list(KEY.namespace), [])
      assert.deepEqual(await backend.namespaces(), [])
    },
  },
  {
    name: 'an append right behind what was read answers the place behind it',
    async run(backend) {
      await create(backend)
      const after = await endOf(backend)
      const lines = newLines(2)
      const { cursor } = await backend.append(KEY, lines, { after })
      assert.ok(cursor !== undefined)
      const more = newLine()
      const next = await backend.append(KEY, [more], { after: cursor })
      assert.ok(next.cursor !== undefined)
      assert.deepEqual(await readTexts(backend, cursor), texts(more))
      assert.deepEqual(await readTexts(backend, next.cursor), [])
    },
  },
  {
    name: 'creating a log answers the place behind its lines',
    async run(backend) {
      const { cursor } = await backend.append(KEY, newLines(2), { expect: 'absent' })
      assert.ok(cursor !== undefined)
      assert.deepEqual(await readTexts(backend, cursor), [])
    },
  },
  {
    name: 'an append behind lines that were not read answers no place, and a read gives all in order',
    async run(backend, { reopen }) {
      await create(backend)
      const after = await endOf(backend)
      const other = (await reopen?.()) ?? backend
      const theirs = newLine('theirs')
      await other.append(KEY, [theirs])
      const ours = newLine('ours')
      const { cursor } = await backend.append(KEY, [ours], { after })
      assert.equal(cursor, undefined)
      const found = await readTexts(backend, after)
      // Where each writer has files of its own, the order of a log is not that of time.
      if (backend.capabilities.shared) assert.deepEqual(found.sort(), texts(theirs, ours).sort())
      else assert.deepEqual(found, texts(theirs, ours))
      if (other !== backend) await other.close()
    },
  },
  {
    name: 'law 5: whatever a line holds comes back identical',
    async run(backend) {
      const odd = [
        '\u2028 \u2029 \u0085',
        '\u0000',
        'é 漢 \u{1f600}',
        '\\ud800',
        'a\rb\tc\u000b',
        '{"__proto__":{"a":1}}',
        '',
      ]
      const lines = odd.map((text) => newLine(text))
      const raw = newLine()
      // Behind its id a line is opaque: bytes that JSON.stringify would escape, and JSON that does not parse.
      lines.push({ id: raw.id, text: `${raw.text.slice(0, -2)} \u2028\u0000\r \u{1f600} {"v":1,"id":"` })
      await backend.append(KEY, lines, { expect: 'absent' })
      assert.deepEqual(await readTexts(backend), texts(...lines))
    },
  },
  {
    name: 'law 4: a line of several megabytes is there whole',
    needs: ({ maxLineBytes }) => (maxLineBytes < 5 << 20 ? `capabilities.maxLineBytes is ${maxLineBytes}` : undefined),
    async run(backend) {
      const first = await create(backend)
      const long = newLine('x'.repeat(5_000_000 - 200))
      const last = newLine()
      await backend.append(KEY, [long, last])
      assert.deepEqual(await readTexts(backend), texts(...first, long, last))
    },
  },
  {
    name: 'a line over capabilities.maxLineBytes is refused and nothing is written',
    needs: ({ maxLineBytes }) => (maxLineBytes > 64 << 20 ? `capabilities.maxLineBytes is ${maxLineBytes}` : undefined),
    async run(backend) {
      const first = await create(backend)
      const { maxLineBytes } = backend.capabilities
      await rejects(backend.append(KEY, [newLine('x'.repeat(maxLineBytes))]), 'TOO_LARGE')
      assert.deepEqual(await readTexts(backend), texts(...first))
    },
  },
  {
    name: 'law 7: an append never brings a removed session back',
    async run(backend, { reopen }) {
      await create(backend)
      const other = await reopen?.()
      await other?.append(KEY, newLines(1))
      assert.equal(await backend.remove(KEY), true)
      assert.equal(await backend.remove(KEY), false)
      await rejects(backend.append(KEY, newLines(1)), 'NOT_FOUND')
      if (other !== undefined) await rejects(other.append(KEY, newLines(1)), 'NOT_FOUND')
      assert.equal(await backend.head(KEY), undefined)
      assert.deepEqual(await backend.list(KEY.namespace), [])
      await other?.close()
    },
  },
  {
    name: 'a removed session can be created anew and has nothing of the old one',
    needs: ({ shared }) => (shared ? 'capabilities.shared: it is removed in every copy' : undefined),
    async run(backend) {
      await create(backend, 3)
      const old = await endOf(backend)
      await backend.remove(KEY)
      const lines = await create(backend, 1)
      assert.deepEqual(await readTexts(backend), texts(...lines))
      await rejects(readTexts(backend, old), 'STALE_CURSOR')
    },
  },
  {
    name: 'a session that was removed from a shared place cannot be created again before it is purged',
    needs: ({ shared }) => (shared ? undefined : 'not capabilities.shared'),
    async run(backend) {
      const lines = await create(backend, 3)
      await backend.remove(KEY)
      for (const again of [newLines(1), lines]) {
        await rejects(backend.append(KEY, again, { expect: 'absent' }), 'ALREADY_EXISTS')
      }
      assert.equal(await backend.head(KEY), undefined)
      await rejects(readTexts(backend), 'NOT_FOUND')
    },
  },
  {
    name: 'a purged session is gone and its id is free, whether it was removed before or not',
    async run(backend) {
      assert.equal(await backend.purge(KEY), false)
      for (const isRemoved of [false, true]) {
        await create(backend, 3)
        const old = await endOf(backend)
        if (isRemoved) await backend.remove(KEY)
        assert.equal(await backend.purge(KEY), !isRemoved || backend.capabilities.shared)
        assert.equal(await backend.purge(KEY), false)
        assert.equal(await backend.head(KEY), undefined)
        await rejects(backend.append(KEY, newLines(1)), 'NOT_FOUND')
        const lines = await create(backend, 1)
        assert.deepEqual(await readTexts(backend), texts(...lines))
        await rejects(readTexts(backend, old), 'STALE_CURSOR')
        await backend.purge(KEY)
      }
    },
  },
  {
    name: 'names that cannot be one are refused',
    async run(backend) {
      for (const name of ['', 'x'.repeat(300), '\ud800']) {
        await rejects(backend.append({ ...KEY, sessionId: name }, newLines(1), { expect: 'absent' }), 'INVALID_NAME')
        await rejects(backend.append({ ...KEY, namespace: name }, newLines(1), { expect: 'absent' }), 'INVALID_NAME')
      }
    },
  },
  {
    name: 'a log goes on after it was let go of',
    async run(backend) {
      const lines = await create(backend)
      backend.release(KEY)
      backend.release({ ...KEY, sessionId: 'unknown' })
      const more = newLine()
      await backend.append(KEY, [more])
      assert.deepEqual(await readTexts(backend), texts(...lines, more))
    },
  },
  {
    name: 'law 8: flush is allowed at any time and changes nothing that a reader sees',
    async run(backend, { reopen }) {
      await backend.flush()
      const lines = await create(backend, 3)
      await backend.flush()
      const more = newLines(20)
      const both = more.flatMap((line) => [Promise.resolve(backend.append(KEY, [line])), backend.flush()])
      await Promise.all<unknown>(both)
      assert.deepEqual(await readTexts(backend), texts(...lines, ...more))
      backend.release(KEY)
      await backend.flush()
      await backend.remove(KEY)
      await backend.flush()
      assert.equal(await backend.head(KEY), undefined)
      const other = await reopen?.()
      await other?.flush()
      await other?.close()
    },
  },
  {
    name: 'everything is refused after close, and closing twice is fine',
    async run(backend) {
      await create(backend)
      await backend.close()
      await backend.close()
      const calls = [
        () => backend.append(KEY, newLines(1)),
        () => readTexts(backend),
        () => backend.head(KEY),
        () => backend.list(KEY.namespace),
        () => backend.namespaces(),
        () => backend.remove(KEY),
        () => backend.flush(),
        () => backend.check(),
      ]
      for (const call of calls) await rejects(call(), 'CLOSED')
    },
  },
]
