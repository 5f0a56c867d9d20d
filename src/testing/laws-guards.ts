/**
 * What the contract says of appends that expect a place.
 */
import assert from 'node:assert/strict'
import type { Backend, Capabilities, NewLine } from '../backend.ts'
import { isFoldlogError } from '../errors.ts'
import type { Law } from './contract.ts'
import { create, endOf, KEY, newLine, newLines, readLines, readTexts, rejects, texts, unguarded } from './lines.ts'

const WRITERS = 8
const RACES = 25

function needs({ guards }: Capabilities): string | undefined {
  return guards === 'exact' ? undefined : `capabilities.guards is ${guards}`
}

async function readUnguarded(backend: Backend): Promise<string[]> {
  return (await readTexts(backend)).map(unguarded)
}

/** Appends lines again and again, each at the end as it is read just before, until it was in; answers how often each was refused. */
async function insist(backend: Backend, lines: readonly NewLine[]): Promise<number> {
  let refusals = 0
  for (const line of lines) {
    for (let attempt = 0; ; attempt++) {
      // An id that was refused stays refused.
      const { id, text } = attempt === 0 ? line : newLine(`${line.id} again`)
      try {
        await backend.append(KEY, [{ id, text }], { expect: await endOf(backend) })
        break
      } catch (error) {
        assert.ok(isFoldlogError(error, 'HEAD_MOVED'), String(error))
        refusals++
      }
    }
  }
  return refusals
}

export const guardLaws: readonly Law[] = [
  {
    name: 'law 8: an append that expects the end is there, and answers the place behind it',
    needs,
    async run(backend) {
      const first = await create(backend, 2)
      const [second, third, fourth] = newLines(3)
      const { cursor } = await backend.append(KEY, [second!], { expect: await endOf(backend) })
      assert.ok(cursor !== undefined)
      const next = await backend.append(KEY, [third!], { expect: cursor })
      assert.ok(next.cursor !== undefined)
      await backend.append(KEY, [fourth!], { expect: next.cursor })
      assert.deepEqual(await readUnguarded(backend), texts(...first, second!, third!, fourth!))
      assert.deepEqual((await readTexts(backend, next.cursor)).map(unguarded), texts(fourth!))
    },
  },
  {
    name: 'law 8: an append that expects a place which others have passed is refused, and nothing of it is there',
    needs,
    async run(backend, { reopen }) {
      const first = await create(backend)
      const expect = await endOf(backend)
      const theirs = newLine('theirs')
      const other = (await reopen?.()) ?? backend
      await other.append(KEY, [theirs])
      await rejects(backend.append(KEY, [newLine('refused')], { expect }), 'HEAD_MOVED')
      assert.deepEqual(await readTexts(backend), texts(...first, theirs))
      const again = newLine('again')
      await backend.append(KEY, [again], { expect: await endOf(backend) })
      assert.deepEqual(await readUnguarded(other), texts(...first, theirs, again))
      if (other !== backend) await other.close()
    },
  },
  {
    name: 'law 8: an append that expects a place of a log that was removed is refused',
    needs,
    async run(backend) {
      await create(backend)
      const expect = await endOf(backend)
      await backend.remove(KEY)
      await rejects(backend.append(KEY, [newLine()], { expect }), 'NOT_FOUND')
      await create(backend)
      await rejects(backend.append(KEY, [newLine()], { expect }), 'HEAD_MOVED')
      assert.equal((await readLines(backend)).length, 1)
    },
  },
  {
    name: 'law 8: one line at a time can expect a place',
    needs,
    async run(backend) {
      const first = await create(backend)
      const expect = await endOf(backend)
      await rejects(backend.append(KEY, newLines(2), { expect }), 'INVALID_OPTION')
      assert.deepEqual(await readTexts(backend), texts(...first))
    },
  },
  {
    name: 'law 1: a guarded append whose id is there succeeds and adds nothing, whatever it expects',
    needs,
    async run(backend, { reopen }) {
      const first = await create(backend)
      const expect = await endOf(backend)
      const line = newLine()
      await backend.append(KEY, [line], { expect })
      const more = newLine()
      await backend.append(KEY, [more])
      await backend.append(KEY, [line], { expect })
      const other = await reopen?.()
      await other?.append(KEY, [line], { expect })
      await other?.append(KEY, first, { expect })
      assert.deepEqual(await readUnguarded(backend), texts(...first, line, more))
      await other?.close()
    },
  },
  {
    name: 'law 8: of many that expect the same place exactly one is there',
    needs,
    async run(backend, { reopen }) {
      const first = await create(backend)
      const other = (await reopen?.()) ?? backend
      const winners: NewLine[] = []
      for (let race = 0; race < RACES; race++) {
        const lines = newLines(WRITERS, `race ${race}`)
        const places = [await endOf(backend), await endOf(other)]
        const results = await Promise.allSettled(
          lines.map(async (line, index) =>
            [backend, other][index % 2]!.append(KEY, [line], { expect: places[index % 2]! }),
          ),
        )
        const won = lines.filter((_, index) => results[index]!.status === 'fulfilled')
        for (const result of results) {
          if (result.status === 'rejected') assert.ok(isFoldlogError(result.reason, 'HEAD_MOVED'))
        }
        assert.equal(won.length, 1)
        winners.push(...won)
      }
      for (const one of [backend, other]) assert.deepEqual(await readUnguarded(one), texts(...first, ...winners))
      if (other !== backend) await other.close()
    },
  },
  {
    name: 'law 8: guarded and other appends at once: all that succeeded is there, and nothing that was refused',
    needs,
    async run(backend, { reopen }) {
      const first = await create(backend)
      const other = (await reopen?.()) ?? backend
      const [guarded, plain] = [newLines(RACES), newLines(RACES)]
      const write = async (): Promise<void> => {
        for (const line of plain) {
          await backend.append(KEY, [line])
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
      await Promise.all([insist(backend, guarded), insist(other, newLines(RACES)), write()])
      for (const one of [backend, other]) {
        const found = await readUnguarded(one)
        assert.equal(found.length, first.length + 3 * RACES)
        assert.deepEqual(
          found.filter((text) => plain.some((line) => line.text === text)),
          texts(...plain),
        )
      }
      if (other !== backend) await other.close()
    },
  },
  {
    name: 'an append that expects a place is UNSUPPORTED and adds nothing',
    needs: ({ guards }) => (guards === 'exact' ? 'capabilities.guards is exact' : undefined),
    async run(backend) {
      const first = await create(backend)
      await rejects(backend.append(KEY, [newLine()], { expect: await endOf(backend) }), 'UNSUPPORTED')
      assert.deepEqual(await readTexts(backend), texts(...first))
    },
  },
]
