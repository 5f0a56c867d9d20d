/**
 * What the contract says of attachments and of the infos cache.
 */
import assert from 'node:assert/strict'
import type { Capabilities } from '../backend.ts'
import type { Law } from './contract.ts'
import { create, KEY, rejects } from './lines.ts'

const BYTES = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)

async function* broken(): AsyncGenerator<Uint8Array> {
  yield BYTES
  throw new Error('no more')
}

function needsFiles({ files }: Capabilities): string | undefined {
  return files ? undefined : 'capabilities.files is false'
}

function needsInfos({ infos }: Capabilities): string | undefined {
  return infos ? undefined : 'capabilities.infos is false'
}

export const attachmentLaws: readonly Law[] = [
  {
    name: 'an attachment comes back identical, and storing it again is fine',
    needs: needsFiles,
    async run(backend) {
      await create(backend)
      for (let round = 0; round < 2; round++) {
        await backend.files.put(KEY.namespace, 'sha256-abc.bin', BYTES)
        assert.deepEqual(Buffer.from((await backend.files.get(KEY.namespace, 'sha256-abc.bin'))!), Buffer.from(BYTES))
      }
      await backend.files.put(KEY.namespace, 'sha256-empty.txt', new Uint8Array())
      assert.equal((await backend.files.get(KEY.namespace, 'sha256-empty.txt'))?.length, 0)
    },
  },
  {
    name: 'an attachment is of its namespace, and is no session',
    needs: needsFiles,
    async run(backend) {
      await create(backend)
      await backend.files.put(KEY.namespace, 'sha256-abc.jsonl', BYTES)
      assert.equal(await backend.files.get(KEY.namespace, 'sha256-other.txt'), undefined)
      assert.equal(await backend.files.get('elsewhere', 'sha256-abc.jsonl'), undefined)
      assert.equal((await backend.list(KEY.namespace)).length, 1)
    },
  },
  {
    name: 'an attachment that comes piece by piece is there whole, under the name that is known at its end',
    needs: needsFiles,
    async run(backend) {
      await create(backend)
      const { namespace } = KEY
      let isRead = false
      async function* pieces(): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < BYTES.length; at += 7000) {
          yield BYTES.slice(at, at + 7000)
          assert.deepEqual(await backend.files.list(namespace, 'sha256-'), [])
        }
        isRead = true
      }
      const nameOf = (): string => {
        assert.ok(isRead)
        return 'sha256-abc.bin'
      }
      await backend.files.write(namespace, pieces(), nameOf)
      const read: Uint8Array[] = []
      for await (const bytes of backend.files.read(namespace, 'sha256-abc.bin')) read.push(bytes)
      assert.deepEqual(Buffer.concat(read), Buffer.from(BYTES))
      assert.deepEqual(Buffer.from((await backend.files.get(namespace, 'sha256-abc.bin'))!), Buffer.from(BYTES))
    },
  },
  {
    name: 'of an attachment whose pieces end in an error nothing is there, and one that is not there cannot be read',
    needs: needsFiles,
    async run(backend) {
      await create(backend)
      const { namespace } = KEY
      await assert.rejects(backend.files.write(namespace, broken(), () => 'sha256-abc.bin'))
      assert.deepEqual(await backend.files.list(namespace, ''), [])
      await rejects(backend.files.read(namespace, 'sha256-abc.bin')[Symbol.asyncIterator]().next(), 'NOT_FOUND')
    },
  },
  {
    name: 'attachments are listed by the beginning of their names, with what tells one put from another',
    needs: needsFiles,
    async run(backend) {
      await create(backend)
      const { namespace } = KEY
      for (const name of ['aa.txt', 'ab.txt', 'b.txt']) await backend.files.put(namespace, name, BYTES)
      const names = async (prefix: string): Promise<string[]> =>
        (await backend.files.list(namespace, prefix)).map(({ name }) => name).sort()
      assert.deepEqual(await names('a'), ['aa.txt', 'ab.txt'])
      assert.deepEqual(await names(''), ['aa.txt', 'ab.txt', 'b.txt'])
      assert.deepEqual(await backend.files.list('elsewhere', ''), [])
      const [before] = await backend.files.list(namespace, 'b')
      assert.deepEqual([before!.sizeBytes, before!.isLeftover], [BYTES.length, false])
      assert.ok(Math.abs(Date.now() - before!.time) < 3_600_000)
      await backend.files.put(namespace, 'b.txt', BYTES)
      const [after] = await backend.files.list(namespace, 'b')
      assert.notEqual(after!.version, before!.version)
    },
  },
  {
    name: 'infos come back as they were saved last',
    needs: needsInfos,
    async run(backend) {
      await create(backend)
      assert.equal(await backend.infos.load(KEY.namespace), undefined)
      await backend.infos.save(KEY.namespace, BYTES)
      await backend.infos.save(KEY.namespace, BYTES.slice(1))
      assert.deepEqual(Buffer.from((await backend.infos.load(KEY.namespace))!), Buffer.from(BYTES.slice(1)))
      const parts = [
        [0, 3],
        [5, 69_000],
        [69_990, Infinity],
        [69_990, 80_000],
        [80_000, 80_001],
      ] as const
      for (const [start, end] of parts) {
        const part = Buffer.from((await backend.infos.load(KEY.namespace, start, end))!)
        assert.deepEqual(part, Buffer.from(BYTES.slice(1).slice(start, end)))
      }
      assert.equal((await backend.list(KEY.namespace)).length, 1)
    },
  },
  {
    name: 'infos of a namespace that is not there are not kept and create nothing',
    needs: needsInfos,
    async run(backend) {
      await backend.infos.save('nowhere', BYTES)
      assert.equal(await backend.infos.load('nowhere'), undefined)
      assert.deepEqual(await backend.namespaces(), [])
    },
  },
]
