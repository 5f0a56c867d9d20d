/** Every transcript in fixtures/scripts/ is what the command line prints (FOLDLOG_UPDATE=1 writes them). */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { VERBS } from '../../src/cli/table.ts'
import { needs, type Need } from '../support/machine.ts'
import { temp } from './run.ts'
import { parse, play, render } from './transcript.ts'

const FOLDER = join(import.meta.dirname, '../../fixtures/scripts')
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'))
const textOf = (name: string): string => readFileSync(join(FOLDER, name), 'utf8')

for (const name of FILES) {
  test(`transcript ${name}`, async (context) => {
    const expected = parse(textOf(name))
    // The probe refuses what it does not know.
    needs(context, 'bash', ...(expected.needs as readonly Need[]))
    const text = render(await play(expected, await temp()))
    if (process.env['FOLDLOG_UPDATE'] === '1') writeFileSync(join(FOLDER, name), text)
    expect(text).toBe(textOf(name))
  })
}

test('every verb has a transcript', () => {
  const commands = FILES.flatMap((name) => parse(textOf(name)).steps.map(({ command }) => command)).join('\n')
  const lacking = VERBS.filter(({ name }) => !new RegExp(`\\bfoldlog (?:help )?${name}(?![\\w-])`).test(commands))
  expect(lacking.map(({ name }) => name)).toEqual([])
})

test('a transcript is written as it was read', () => {
  const text = 'About it.\nuse shop\n\n# A comment.\n$ foldlog ls\n---\nID\n\nx\n! said\nexit 1\n\n$ true\n---\n'
  const read = parse(text)
  expect(read).toMatchObject({
    root: 'shop',
    needs: [],
    steps: [{ screen: 'ID\n\nx\n! said\nexit 1\n' }, { command: 'true', screen: '' }],
  })
  expect(render(read)).toBe(text)
})
