/** docs/architecture.md says what every file of src/ is for, and which file holds which invariant. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { expect, test } from 'vitest'

const PROJECT = join(import.meta.dirname, '..')
const PAGE = readFileSync(join(PROJECT, 'docs/architecture.md'), 'utf8')

/** The files that the tables name, with the folder that the head of their table names. */
function filesNamed(): string[] {
  const names: string[] = []
  let folder = ''
  for (const row of PAGE.split('\n').filter((line) => line.startsWith('| '))) {
    const [, first = ''] = row.split('|')
    const quoted = [...first.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
    if (first.trim().startsWith('file')) folder = quoted[0] ?? ''
    else names.push(...quoted.map((name) => folder + name))
  }
  return names.sort()
}

/** Each invariant's number, and the files that its line names as those that hold it. */
function holders(): [invariant: string, file: string][] {
  const [, section = ''] = PAGE.split('## Invariants')
  const items = section.split('\n## ')[0]!.split(/^(?=\d+\. )/m)
  return items.slice(1).flatMap((item) => {
    const [number] = item.split('.')
    const names = /\*(`[^*]*`)\*\s*$/.exec(item)?.[1] ?? ''
    return [...names.matchAll(/`([^`]+\.ts)`/g)].map(([, file = '']): [string, string] => [`I${number}`, file])
  })
}

test('the tables name every file of src/, once', () => {
  const entries = readdirSync(join(PROJECT, 'src'), { recursive: true, encoding: 'utf8' })
  const files = entries.filter((name) => name.endsWith('.ts')).map((name) => name.replaceAll(sep, '/'))
  expect(filesNamed()).toEqual(files.sort())
})

test('every invariant is named in the head of the files that hold it', () => {
  const all = holders()
  expect(new Set(all.map(([invariant]) => invariant)).size).toBeGreaterThan(5)
  const lacking = all.filter(([invariant, file]) => {
    const [head = ''] = readFileSync(join(PROJECT, 'src', file), 'utf8').split('*/')
    return !new RegExp(`\\b${invariant}\\b`).test(head)
  })
  expect(lacking).toEqual([])
})
