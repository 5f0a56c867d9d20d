/**
 * What the contract says of drafts.
 */
import assert from 'node:assert/strict'
import type { Capabilities, Drafts, Hint, SessionKey } from '../backend.ts'
import type { Law, Opened } from './contract.ts'
import { create, KEY, readTexts, texts } from './lines.ts'

/** Ids that no file can have as a name, that are long, that look like others, and one like most. */
const IDS = [
  '01M7XVMR0GBR6T8XW8V4ECY7XQ',
  'm',
  'M',
  'm.m',
  '../../m',
  'con',
  '=m',
  'ä'.repeat(30),
  '漢'.repeat(40),
  'long '.repeat(100),
  'a\nb',
]

function needsDrafts(_: Capabilities, { backend }: Opened): string | undefined {
  return backend.drafts === undefined ? 'the backend has no drafts' : undefined
}

async function textOf(drafts: Drafts, messageId: string, key: SessionKey = KEY): Promise<string | undefined> {
  const read = await drafts.read(key, messageId)
  return read === undefined ? undefined : Buffer.from(read.bytes).toString()
}

/** Whether a hint is of a draft of the session, or of all drafts. */
function isOfDraft({ isDraft, sessionId }: Hint): boolean {
  return isDraft === true && (sessionId === undefined || sessionId === KEY.sessionId)
}

export const draftLaws: readonly Law[] = [
  {
    name: 'a draft comes back identical, and from any place on',
    needs: needsDrafts,
    async run(backend) {
      await create(backend)
      const drafts = backend.drafts!
      assert.equal(await drafts.read(KEY, 'm'), undefined)
      const draft = await drafts.open(KEY, 'm')
      const first = (await drafts.read(KEY, 'm'))!
      assert.deepEqual([first.bytes.length, first.place.offset, first.isAlive], [0, 0, true])
      draft.write(Buffer.from('one\n'))
      draft.write(Uint8Array.of(0, 10, 255))
      const all = (await drafts.read(KEY, 'm', first.place))!
      assert.deepEqual(Buffer.from(all.bytes), Buffer.from([...Buffer.from('one\n'), 0, 10, 255]))
      assert.deepEqual(all.place, first.place)
      const rest = (await drafts.read(KEY, 'm', { ...first.place, offset: 4 }))!
      assert.deepEqual([[...rest.bytes], rest.place.offset, rest.isAlive], [[0, 10, 255], 4, true])
      const end = (await drafts.read(KEY, 'm', { ...first.place, offset: 7 }))!
      assert.deepEqual([end.bytes.length, end.place.offset], [0, 7])
      draft.close()
      assert.equal((await drafts.read(KEY, 'm'))?.bytes.length, 7)
    },
  },
  {
    name: 'a draft that takes the place of another is read from its beginning',
    needs: needsDrafts,
    async run(backend) {
      await create(backend)
      const drafts = backend.drafts!
      const before = await drafts.open(KEY, 'm')
      before.write(Buffer.from('before'))
      before.close()
      const { place } = (await drafts.read(KEY, 'm'))!
      const draft = await drafts.open(KEY, 'm')
      draft.write(Buffer.from('after, and more'))
      const read = (await drafts.read(KEY, 'm', { ...place, offset: 6 }))!
      assert.equal(Buffer.from(read.bytes).toString(), 'after, and more')
      assert.notEqual(read.place.version, place.version)
      assert.equal(read.place.offset, 0)
      draft.close()
    },
  },
  {
    name: 'drafts are of their message and their session, whatever these are called',
    needs: needsDrafts,
    async run(backend) {
      const other = { namespace: KEY.namespace, sessionId: `${KEY.sessionId}.m` }
      await create(backend)
      await create(backend, 1, other)
      const drafts = backend.drafts!
      assert.deepEqual(await drafts.list(KEY), [])
      for (const id of IDS) {
        const draft = await drafts.open(KEY, id)
        draft.write(Buffer.from(id))
        draft.close()
      }
      assert.deepEqual([...(await drafts.list(KEY))].sort(), [...IDS].sort())
      assert.deepEqual(await drafts.list(other), [])
      for (const id of IDS) assert.equal(await textOf(drafts, id), id)
      assert.equal(await drafts.remove(KEY, 'M'), true)
      assert.equal(await drafts.remove(KEY, 'M'), false)
      assert.equal(await textOf(drafts, 'M'), undefined)
      assert.equal(await textOf(drafts, 'm'), 'm')
    },
  },
  {
    name: 'drafts are in no log and no listing, and go with their session',
    needs: needsDrafts,
    async run(backend) {
      const lines = await create(backend)
      const drafts = backend.drafts!
      const draft = await drafts.open(KEY, 'm')
      draft.write(Buffer.from('x\n'))
      draft.close()
      assert.deepEqual(await readTexts(backend), texts(...lines))
      assert.deepEqual(
        (await backend.list(KEY.namespace)).map(({ sessionId }) => sessionId),
        [KEY.sessionId],
      )
      assert.deepEqual(await backend.namespaces(), [KEY.namespace])
      await backend.remove(KEY)
      assert.deepEqual(await drafts.list(KEY), [])
      assert.equal(await drafts.read(KEY, 'm'), undefined)
    },
  },
  {
    name: 'who watches is told of drafts as drafts',
    needs: (capabilities, opened) =>
      needsDrafts(capabilities, opened) ??
      (capabilities.watch === 'push' ? undefined : `capabilities.watch is ${capabilities.watch}`),
    async run(backend) {
      await create(backend)
      const hints: Hint[] = []
      let wake: (() => void) | undefined
      const onHint = (hint: Hint): void => {
        hints.push(hint)
        wake?.()
      }
      const until = async (isSo: () => boolean): Promise<void> => {
        while (!isSo()) await new Promise<void>((resolve) => (wake = resolve))
      }
      const stop = await backend.watch(KEY.namespace, { onHint, onDegraded: () => {} })
      try {
        const draft = await backend.drafts!.open(KEY, 'm')
        await until(() => hints.some(isOfDraft))
        const count = hints.length
        draft.write(Buffer.from('x\n'))
        await until(() => hints.slice(count).some(isOfDraft))
        draft.close()
      } finally {
        await stop()
      }
    },
  },
  {
    name: 'another one on the same place sees drafts, and may remove them',
    needs: (capabilities, opened) =>
      needsDrafts(capabilities, opened) ??
      (opened.reopen === undefined ? 'there is no other one on the same place' : undefined),
    async run(backend, { reopen }) {
      await create(backend)
      const draft = await backend.drafts!.open(KEY, 'm')
      draft.write(Buffer.from('x\n'))
      const other = await reopen!()
      try {
        assert.deepEqual(await other.drafts!.list(KEY), ['m'])
        assert.equal(await textOf(other.drafts!, 'm'), 'x\n')
        assert.equal((await other.drafts!.read(KEY, 'm'))?.isAlive, true)
        assert.equal(await other.drafts!.remove(KEY, 'm'), true)
      } finally {
        await other.close()
      }
      assert.equal(await backend.drafts!.read(KEY, 'm'), undefined)
      draft.close()
    },
  },
]
