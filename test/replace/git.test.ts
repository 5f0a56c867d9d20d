/**
 * A log in a work tree of git, while git does what it does.
 */
import { expect, test } from 'vitest'
import { OtherProcess } from '../support/child.ts'
import { ENVIRONMENT, git } from '../support/git.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, type Heard, idsOf, textsOf } from '../support/temp.ts'
import type { SessionEvent } from '../../src/event.ts'
import { branches } from './branches.ts'

const messageIds = (events: readonly SessionEvent[]): string[] => events.map(({ data }) => (data as { id: string }).id)

/** What came with another file; if the disk gave that one the inode of the old one, it looks like an append. */
function cameBack(heard: Heard): string[] {
  const appended = heard.of('message.created').filter(({ origin }) => origin === 'external')
  return messageIds([
    ...heard.of('session.rewound').flatMap(({ added }) => added),
    ...appended.map(({ event }) => event),
  ])
}

test('row 33, g7: a checkout of another branch is seen by the next look, and told', async () => {
  const { root, session, heard, tree } = await branches()
  git(tree, 'checkout', '--quiet', 'main')
  expect(idsOf(await session.messages())).toEqual(['a', 'b'])
  git(tree, 'checkout', '--quiet', 'other')
  expect(idsOf(await session.messages())).toEqual(['a', 'b', 'c'])
  expect(heard.of('session.rewound').flatMap(({ missing }) => messageIds(missing))).toEqual(['c'])
  expect(cameBack(heard)).toEqual(['c'])
  expect((await anew(root, 's')).damage).toEqual([])
})

test('row 33, g7: an append after a checkout lands in the file of that branch', async () => {
  const { root, session, tree } = await branches()
  git(tree, 'checkout', '--quiet', 'main')
  await session.add({ id: 'd', text: 'text of d' })
  expect(idsOf((await anew(root, 's')).messages)).toEqual(['a', 'b', 'd'])
  expect(idsOf(await session.messages())).toEqual(['a', 'b', 'd'])
  git(tree, 'commit', '--quiet', '--all', '--message=more')
  git(tree, 'checkout', '--quiet', 'other')
  expect(idsOf(await session.messages())).toEqual(['a', 'b', 'c'])
  expect((await anew(root, 's')).damage).toEqual([])
})

test('row 33, g7: a watcher sees a checkout without anybody looking', async () => {
  const { heard, tree } = await branches({ watch: true })
  git(tree, 'checkout', '--quiet', 'main')
  await heard.until(() => heard.of('session.rewound').length === 1)
  git(tree, 'checkout', '--quiet', 'other')
  await heard.until(() => cameBack(heard).length > 0)
  expect(heard.of('session.rewound').flatMap(({ missing }) => messageIds(missing))).toEqual(['c'])
  expect(cameBack(heard)).toEqual(['c'])
  expect(heard.of('session.deleted')).toEqual([])
})

test('g1: branches that both went on merge without a conflict, and every handle sees both', async () => {
  const { root, session, tree } = await branches()
  git(tree, 'checkout', '--quiet', 'main')
  await session.add({ id: 'd', text: 'text of d' })
  git(tree, 'commit', '--quiet', '--all', '--message=more')
  git(tree, 'merge', '--quiet', '--no-edit', 'other')
  const messages = await session.messages()
  expect(idsOf(messages)).toEqual(['a', 'b', 'c', 'd'])
  const fresh = await anew(root, 's')
  expect(fresh.messages).toEqual(messages)
  expect(fresh.damage).toEqual([])
  await session.add({ id: 'e', text: 'text of e' })
  expect(textsOf((await anew(root, 's')).messages)).toEqual(['a', 'b', 'c', 'd', 'e'].map((id) => `text of ${id}`))
})

test(
  'g7: whatever is acknowledged while git checks branches out is in the file or was told as missing',
  PATIENT,
  async () => {
    const { root, session, heard, tree } = await branches()
    const added: string[] = []
    for (let round = 0; round < rounds(40); round++) {
      const before = added.length
      // Real appends while a real git runs: they meet it wherever they meet it.
      const adding = (async () => {
        for (let i = 0; i < 40; i++) {
          const id = `r${round}-${i}`
          await session.add({ id, text: 'while git runs' })
          added.push(id)
          await new Promise((resolve) => setImmediate(resolve))
        }
      })()
      const other = new OtherProcess(root)
      const branch = round % 2 === 0 ? 'main' : 'other'
      await other.do('git', tree, ENVIRONMENT, 'checkout', '--quiet', '--force', branch)
      await adding
      await other.end()
      const seen = new Set(idsOf(await session.messages()))
      const missing = new Set(heard.of('session.rewound').flatMap((event) => messageIds(event.missing)))
      const lost = added.slice(before).filter((id) => !seen.has(id) && !missing.has(id))
      expect(lost).toEqual([])
      const fresh = await anew(root, 's')
      expect(idsOf(fresh.messages)).toEqual([...seen])
      expect(fresh.damage).toEqual([])
      expect(git(tree, 'status', '--porcelain')).not.toContain('UU')
    }
  },
)
