/** Documents whose fields hold anything but what they should: an import never fails, and what it writes is sound. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '../../src/json.ts'
import { importGeminiCli, importOpencode } from '../../src/importers/index.ts'
import { memoryBackend, openStore } from '../../src/index.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { freshFolder } from '../support/store.ts'
import { expectSound, sessionsOf } from './soundness.ts'

const FIXTURES = join(import.meta.dirname, '../../fixtures/import')

/** The value with what is at the `at`th place in it replaced, or left out. */
function replaced(value: Json, at: { left: number }, by: Json | undefined): Json | undefined {
  if (at.left-- === 0) return by
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items = value as readonly Json[]
    return items.map((item) => replaced(item, at, by)).filter((item) => item !== undefined)
  }
  const entries = Object.entries(value).map(([name, item]) => [name, replaced(item, at, by)] as const)
  return Object.fromEntries(entries.filter((entry): entry is readonly [string, Json] => entry[1] !== undefined))
}

const odd = fc.constantFrom<Json | undefined>(
  undefined,
  null,
  -1,
  1.5,
  1e300,
  '',
  'x',
  '\u{1F600}',
  true,
  [],
  {},
  [null],
  [[]],
  {
    status: 3,
  },
)

test.each([
  ['opencode/export/quiet-kettle.json', 500, importOpencode],
  ['gemini-cli/garden.json', 100, importGeminiCli],
] as const)('%s, whatever stands in its fields', PATIENT, async (name, places, importer) => {
  const document = JSON.parse(await readFile(join(FIXTURES, name), 'utf8')) as Json
  const path = join(freshFolder(), 'odd.json')
  const change = fc.record({ at: fc.nat({ max: places }), by: odd })
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
      const changed = changes.reduce<Json>((value, { at, by }) => replaced(value, { left: at + 1 }, by) ?? {}, document)
      await writeFile(path, JSON.stringify(changed))
      await using store = await openStore(memoryBackend())
      const report = await importer(store, path)
      expect(report.totals.failures).toBe(0)
      for (const { dropped } of report.files) {
        expect(Object.keys(dropped).filter((label) => label.startsWith('refused:'))).toEqual([])
      }
      for (const session of await sessionsOf(store, report)) await expectSound(store, session)
    }),
    { numRuns: rounds(600) },
  )
})
