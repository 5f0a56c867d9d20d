/**
 * What the contract says of rewrites.
 */
import assert from 'node:assert/strict'
import type { AsideLine, Capabilities, RawLine } from '../backend.ts'
import type { Law, Opened } from './contract.ts'
import { create, endOf, KEY, newLine, readBatches, readTexts, rejects, texts } from './lines.ts'

const keep = (line: RawLine): Uint8Array => line.bytes
const withoutBad = ({ text }: AsideLine): string | undefined => (text.startsWith('bad') ? undefined : text)

function needsRewrites(_: Capabilities, { backend }: Opened): string | undefined {
  return backend.rewrites === undefined ? 'the backend has no rewrites' : undefined
}

export const rewriteLaws: readonly Law[] = [
  {
    name: 'a rewrite that keeps every line changes nothing, and places hold',
    needs: needsRewrites,
    async run(backend) {
      const lines = await create(backend, 3)
      const end = await endOf(backend)
      const { isChanged, sizeBytesAfter, sizeBytesBefore } = await backend.rewrites!.rewrite(KEY, { edit: keep })
      assert.deepEqual([isChanged, sizeBytesAfter], [false, sizeBytesBefore])
      assert.deepEqual(await readBatches(backend, end), [])
      assert.deepEqual(await readTexts(backend), texts(...lines))
    },
  },
  {
    name: 'a rewrite changes lines and leaves lines out, and places in the old log are stale',
    needs: needsRewrites,
    async run(backend) {
      const [first, second, third] = await create(backend, 3)
      const end = await endOf(backend)
      const other = { id: second!.id, text: second!.text.replace('hello', 'good bye') }
      const result = await backend.rewrites!.rewrite(KEY, {
        edit: ({ bytes }) => {
          const text = Buffer.from(bytes).toString()
          if (text === first!.text) return undefined
          return text === second!.text ? Buffer.from(other.text) : bytes
        },
      })
      assert.ok(result.isChanged && result.sizeBytesAfter < result.sizeBytesBefore)
      assert.deepEqual(await readTexts(backend), texts(other, third!))
      await rejects(readBatches(backend, end), 'STALE_CURSOR')
      const next = newLine()
      await backend.append(KEY, [next])
      assert.deepEqual(await readTexts(backend), texts(other, third!, next))
    },
  },
  {
    name: 'what is appended while a log is rewritten is in it, and edited',
    needs: needsRewrites,
    async run(backend) {
      const [first, second] = await create(backend, 2)
      const [meanwhile, unwanted] = [newLine(), newLine('unwanted')]
      await backend.rewrites!.rewrite(KEY, {
        edit: ({ bytes }) => {
          const text = Buffer.from(bytes).toString()
          return text === first!.text || text.includes('unwanted') ? undefined : bytes
        },
        verify: async () => {
          await backend.append(KEY, [meanwhile, unwanted])
        },
      })
      assert.deepEqual(await readTexts(backend), texts(second!, meanwhile))
    },
  },
  {
    name: 'what verify is given is the new log, and what it throws leaves the old one',
    needs: needsRewrites,
    async run(backend) {
      const [first, second] = await create(backend, 2)
      let seen: string[] = []
      const rewriting = backend.rewrites!.rewrite(KEY, {
        edit: ({ bytes }) => (Buffer.from(bytes).toString() === first!.text ? undefined : bytes),
        verify: (lines) => {
          seen = [...lines].map((bytes) => Buffer.from(bytes).toString())
          throw new Error('no')
        },
      })
      await assert.rejects(rewriting)
      assert.deepEqual(seen, texts(second!))
      assert.deepEqual(await readTexts(backend), texts(first!, second!))
      assert.deepEqual(await backend.rewrites!.leftovers(KEY), [])
    },
  },
  {
    name: 'a log that is not there cannot be rewritten, and is not there afterwards',
    needs: needsRewrites,
    async run(backend) {
      await create(backend)
      const missing = { ...KEY, sessionId: 'missing' }
      await rejects(backend.rewrites!.rewrite(missing, { edit: () => undefined }), 'NOT_FOUND')
      assert.equal(await backend.head(missing), undefined)
    },
  },
  {
    name: 'attachments are listed and removed, caches lose the lines that are tainted',
    needs: needsRewrites,
    async run(backend) {
      await create(backend)
      const { namespace } = KEY
      await backend.files.put(namespace, 'abc.bin', Buffer.from('x'))
      assert.deepEqual(await backend.rewrites!.files(namespace), ['abc.bin'])
      assert.equal(await backend.rewrites!.removeFile(namespace, 'abc.bin'), true)
      assert.equal(await backend.rewrites!.removeFile(namespace, 'abc.bin'), false)
      assert.equal(await backend.files.get(namespace, 'abc.bin'), undefined)
      await backend.infos.save(namespace, Buffer.from('one\nbad two\nthree\n'))
      assert.equal((await backend.rewrites!.scrub(namespace, withoutBad)).length, 1)
      assert.equal(Buffer.from((await backend.infos.load(namespace))!).toString(), 'one\nthree\n')
      assert.deepEqual(await backend.rewrites!.scrub(namespace, ({ text }) => text), [])
    },
  },
  {
    name: 'a sweep removes attachments but what has to stay and what was put again, and all can be read meanwhile',
    needs: needsRewrites,
    async run(backend) {
      await create(backend)
      const { namespace } = KEY
      for (const name of ['again.bin', 'goes.bin', 'stays.bin', 'young.bin'])
        await backend.files.put(namespace, name, Buffer.from(name))
      const listed = (await backend.files.list(namespace, '')).filter(({ name }) => name !== 'young.bin')
      const removed = await backend.rewrites!.sweep(namespace, listed, async () => {
        await backend.files.put(namespace, 'again.bin', Buffer.from('again.bin'))
        for (const { name } of listed) assert.ok((await backend.files.get(namespace, name)) !== undefined, name)
        const left = (await backend.files.list(namespace, '')).filter(({ isLeftover }) => !isLeftover)
        assert.equal(left.length, 4)
        return (name) => name === 'stays.bin'
      })
      assert.deepEqual(removed, ['goes.bin'])
      assert.deepEqual([...(await backend.rewrites!.files(namespace))].sort(), ['again.bin', 'stays.bin', 'young.bin'])
      assert.equal(await backend.files.get(namespace, 'goes.bin'), undefined)
    },
  },
  {
    name: 'a sweep whose recheck fails removes nothing',
    needs: needsRewrites,
    async run(backend) {
      await create(backend)
      await backend.files.put(KEY.namespace, 'abc.bin', Buffer.from('x'))
      const listed = await backend.files.list(KEY.namespace, '')
      const sweeping = backend.rewrites!.sweep(KEY.namespace, listed, async () => {
        throw new Error('no')
      })
      await assert.rejects(sweeping)
      assert.deepEqual(await backend.rewrites!.files(KEY.namespace), ['abc.bin'])
      assert.equal(Buffer.from((await backend.files.get(KEY.namespace, 'abc.bin'))!).toString(), 'x')
    },
  },
]
