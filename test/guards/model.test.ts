/**
 * Guarded appends in every order of their steps: see model.ts.
 */
import { expect, test } from 'vitest'
import { PATIENT } from '../support/rounds.ts'
import { Model, type Variant } from './model.ts'

test(
  'row 28, row 29: two guarded writers and a plain one, all interleavings with up to two crashes: no law is broken',
  PATIENT,
  () => {
    const model = new Model().run()
    // Fewer would mean that something is not explored any more.
    expect(model.states).toBeGreaterThan(80_000)
    expect(model.ends).toBeGreaterThan(18_000)
  },
)

const BROKEN: readonly (readonly [name: string, variant: Variant, law: RegExp])[] = [
  ['winners say nothing', { noKept: true }, /acknowledged, and gone after a merge/],
  ['losers say nothing', { noVoid: true }, /refused, and counts after a merge/],
  ['a line does not name what it was decided on', { noPiggyback: true }, /what it was decided on does not/],
  ['a plain line does not name what it is built on', { noPlainPiggyback: true }, /what it was decided on does not/],
  ['a writer that wrote has won', { noReadBack: true }, /acknowledged, and does not count/],
  ['a torn tail is not sealed', { noSeal: true }, /./],
  ['what is not voided counts', { readers: 'not-voided' }, /counts/],
  ['the smallest id of a place counts', { readers: 'smallest-id' }, /counts/],
  ['a guarded line behind a torn one counts', { readers: 'recover' }, /counts/],
]

for (const [name, variant, law] of BROKEN) {
  test(`row 28: the model catches: ${name}`, PATIENT, () => {
    expect(() => new Model(variant).run()).toThrow(law)
  })
}
