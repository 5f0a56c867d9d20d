/**
 * What the contract says of attachments and of the infos cache.
 */
import assert from 'node:assert/strict'
import type { Capabilities } from '../backend.ts'
import type { Law } from './contract.ts'
import { create, KEY } from './lines.ts'

const BYTES = Uint8Array.from({ length: 70_000 }, (_, index) => index % 256)

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
