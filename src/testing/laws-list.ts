/**
 * What the contract says of listings, namespaces and names.
 */
import assert from 'node:assert/strict'
import type { Head } from '../backend.ts'
import type { Law } from './contract.ts'
import { create, KEY, newLine, readTexts, texts } from './lines.ts'

/** Names that disks mix up, cut, refuse or take for something else. */
const ODD_NAMES: readonly string[] = [
  'a',
  'A',
  'a.b',
  '.',
  '..',
  '../up',
  'x/y',
  'C:\\x',
  'con',
  'nul.txt',
  'trailing.',
  ' ',
  'é',
  'e\u0301',
  'K',
  '\u212a',
  '漢字',
  '\u{1f600}',
  '01M7XVMR0GBR6T8XW8V4ECY7XQ',
  '01m7xvmr0gbr6t8xw8v4ecy7xq',
  '__proto__',
  '%41',
  '-',
  'a\nb',
  'files',
  '.cache',
]

function idsOf(heads: readonly Head[]): string[] {
  return heads.map((head) => head.sessionId).sort()
}

export const listLaws: readonly Law[] = [
  {
    name: 'a listing has each session of the namespace once, and no other',
    async run(backend) {
      for (const sessionId of ['one', 'two', 'three']) await create(backend, 2, { ...KEY, sessionId })
      await create(backend, 1, { namespace: 'elsewhere', sessionId: 'four' })
      await backend.append({ ...KEY, sessionId: 'two' }, [newLine()])
      assert.deepEqual(idsOf(await backend.list(KEY.namespace)), ['one', 'three', 'two'])
      await backend.remove({ ...KEY, sessionId: 'one' })
      assert.deepEqual(idsOf(await backend.list(KEY.namespace)), ['three', 'two'])
      assert.deepEqual(await backend.list('nowhere'), [])
    },
  },
  {
    name: 'a head is what the listing says, and its version changes with every append',
    async run(backend) {
      await create(backend)
      const versions = new Set<string>()
      for (let round = 0; round < 5; round++) {
        const head = await backend.head(KEY)
        assert.deepEqual(head?.version, (await backend.list(KEY.namespace))[0]?.version)
        assert.deepEqual(head?.sizeBytes, (await backend.list(KEY.namespace))[0]?.sizeBytes)
        versions.add(head!.version)
        await backend.append(KEY, [newLine()])
      }
      assert.equal(versions.size, 5)
    },
  },
  {
    name: 'a version does not change while the log does not',
    async run(backend) {
      await create(backend)
      const head = await backend.head(KEY)
      await readTexts(backend)
      assert.equal((await backend.head(KEY))?.version, head?.version)
    },
  },
  {
    name: 'namespaces are those that sessions were created in',
    async run(backend) {
      assert.deepEqual(await backend.namespaces(), [])
      for (const namespace of ['b', 'a', 'c']) await create(backend, 1, { namespace, sessionId: 's' })
      assert.deepEqual([...(await backend.namespaces())].sort(), ['a', 'b', 'c'])
    },
  },
  {
    name: 'odd names are different sessions and come back as they are',
    async run(backend) {
      const lines = new Map<string, string[]>()
      for (const sessionId of ODD_NAMES)
        lines.set(sessionId, texts(...(await create(backend, 1, { ...KEY, sessionId }))))
      assert.deepEqual(idsOf(await backend.list(KEY.namespace)), [...ODD_NAMES].sort())
      for (const [sessionId, expected] of lines) {
        assert.deepEqual(await readTexts(backend, undefined, { ...KEY, sessionId }), expected)
      }
    },
  },
  {
    name: 'odd names are different namespaces and come back as they are',
    async run(backend) {
      for (const namespace of ODD_NAMES) await create(backend, 1, { namespace, sessionId: namespace })
      assert.deepEqual([...(await backend.namespaces())].sort(), [...ODD_NAMES].sort())
      for (const namespace of ODD_NAMES) assert.deepEqual(idsOf(await backend.list(namespace)), [namespace])
    },
  },
  {
    name: 'a place that can be used says so',
    async run(backend) {
      await backend.check()
      await create(backend)
      await backend.check()
    },
  },
]
