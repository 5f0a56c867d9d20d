/**
 * Copies of a shared root that go their own ways and are brought together by tools that know nothing of logs.
 */
import { expect, test } from 'vitest'
import { PATIENT, rounds } from '../support/rounds.ts'
import { open, temp, textsOf } from '../support/temp.ts'
import { bringAll, bringMissing, bringNewer, copyOf, filesOf, shown, sortedTexts } from './copies.ts'

const SHARED = { shared: true } as const

async function add(root: string, ...texts: readonly string[]): Promise<void> {
  const { store } = await open(root, SHARED)
  const session = (await store.get('s'))!
  for (const text of texts) await session.add({ text })
  await store.close()
}

test('two copies that only bring each other what is missing show the same conversation', PATIENT, async () => {
  const one = temp()
  const { store } = await open(one, SHARED)
  await (await store.create({ id: 's' })).add({ text: 'common' })
  await store.close()
  const two = copyOf(one, temp())
  const copies = [one, two]
  const texts = ['common']
  for (let round = 0; round < rounds(30); round++) {
    for (const [index, root] of copies.entries()) {
      const text = `${round} of copy ${index}`
      texts.push(text)
      await add(root, text)
    }
    if (round % 2 === 0) bringMissing(one, two)
    else bringMissing(two, one)
  }
  bringMissing(one, two)
  bringMissing(two, one)
  const [first, second] = [await shown(one, 's'), await shown(two, 's')]
  expect(second).toEqual(first)
  expect(sortedTexts(first!.messages)).toEqual(texts.sort())
})

test('a session that two copies create under one id is one session with the lines of both', async () => {
  const [one, two] = [temp(), temp()]
  for (const [title, root] of [
    ['one', one],
    ['two', two],
  ] as const) {
    const { store } = await open(root, SHARED)
    const session = await store.ensure('s', { title, vars: { [title]: true } })
    await session.add({ text: `of ${title}` })
    await store.close()
  }
  bringMissing(one, two)
  bringMissing(two, one)
  const [first, second] = [await shown(one, 's'), await shown(two, 's')]
  expect(second).toEqual(first)
  expect(first!.title).toBe('one')
  expect(sortedTexts(first!.messages)).toEqual(['of one', 'of two'])
  // And it goes on in both.
  await add(one, 'more')
  await add(two, 'more')
  bringMissing(one, two)
  bringMissing(two, one)
  expect(await shown(one, 's')).toEqual(await shown(two, 's'))
})

test('a deletion in one copy beats appends in the other, whichever way files are brought', async () => {
  for (const bring of [bringMissing, bringNewer, bringAll]) {
    const how = bring.name
    const one = temp()
    const { store: writer } = await open(one, SHARED)
    const session = await writer.create({ id: 's' })
    await session.add({ text: 'common' })
    const two = copyOf(one, temp())
    const { store } = await open(two, SHARED)
    await store.delete('s')
    // The writer in the other copy goes on in the very segment that was replaced, and another run in a new one.
    await session.add({ text: 'late' })
    await add(one, 'later')
    expect(filesOf(one, 's').length).toBe(2)
    bring(one, two)
    expect(await shown(two, 's'), how).toBeUndefined()
    bring(two, one)
    expect(await shown(one, 's'), how).toBeUndefined()
    await expect(session.add({ text: 'too late' }), how).rejects.toMatchObject({ code: 'NOT_FOUND' })
    bring(one, two)
    expect(await shown(two, 's'), how).toBeUndefined()
  }
})

test('what a copy that never saw the deletion brings back after a purge is a session again', async () => {
  const one = temp()
  const { store } = await open(one, SHARED)
  await (await store.create({ id: 's' })).add({ text: 'one' })
  const two = copyOf(one, temp())
  await store.purge('s')
  expect(await shown(one, 's')).toBeUndefined()
  bringMissing(two, one)
  expect(textsOf((await shown(one, 's'))!.messages)).toEqual(['one'])
})
