/**
 * A session in a work tree of git that has two branches.
 */
import { join } from 'node:path'
import type { Session } from '../../src/session.ts'
import type { Store } from '../../src/store.ts'
import { git } from '../support/git.ts'
import { type Heard, open, temp } from '../support/temp.ts'

export interface Branches {
  readonly tree: string
  readonly root: string
  readonly store: Store
  readonly session: Session
  readonly heard: Heard
}

/** A work tree with the branches `main` (messages a, b) and `other` (a, b, c); the work tree is at `other`. */
export async function branches(options: { readonly watch?: boolean } = {}): Promise<Branches> {
  const tree = temp()
  const root = join(tree, '.sessions')
  git(tree, 'init', '--quiet', '--initial-branch=main')
  const { store, heard } = await open(root, options)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'text of a' })
  await session.add({ id: 'b', text: 'text of b' })
  git(tree, 'add', '--all')
  git(tree, 'commit', '--quiet', '--message=main')
  git(tree, 'checkout', '--quiet', '-b', 'other')
  await session.add({ id: 'c', text: 'text of c' })
  git(tree, 'commit', '--quiet', '--all', '--message=other')
  return { tree, root, store, session, heard }
}
