/**
 * Two processes that use one key at once: one message counts, and both are answered with that one.
 */
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, open, temp } from '../support/temp.ts'

test(
  'two processes that add under one key at once are both answered with the message that counts',
  PATIENT,
  async () => {
    const root = temp()
    const { store } = await open(root)
    await store.create({ id: 's' })
    const children = ['x', 'y'].map((name) => new Child('keyed', root, 's', name))
    for (const child of children) expect(await child.line()).toBe('ready')
    const answers: string[][] = []
    for (let round = 0; round < rounds(3000); round++) {
      for (const child of children) child.say(`k${round} ${Date.now() + 3}`)
      answers.push(await Promise.all(children.map((child) => child.line())))
    }
    for (const child of children) await child.end()
    expect(answers.filter(([x, y]) => x !== y)).toEqual([])
    const { messages, damage } = await anew(root, 's')
    expect(damage).toEqual([])
    expect(idsOf(messages)).toEqual(answers.map(([id]) => id))
  },
)
