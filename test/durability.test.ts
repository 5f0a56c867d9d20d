/** docs/durability.md names a test for every case of the acceptance table, and the tests are there. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const page = readFileSync(new URL('../docs/durability.md', import.meta.url), 'utf8')
const rows = [...page.matchAll(/^\| (g?\d+) \| (?:[^|]|\\\|)+ \| ([^|]+) \|$/gm)].map(([, row = '', cell = '']) => {
  return { row, files: [...cell.matchAll(/`([^`]+)`/g)].map(([, file = '']) => file) }
})

test('the page has a line for each of the cases', () => {
  const numbers = Array.from({ length: 60 }, (_, i) => String(i + 1))
  const git = Array.from({ length: 12 }, (_, i) => `g${i + 1}`)
  expect(rows.map(({ row }) => row)).toEqual([...numbers, ...git])
})

test('every test it names is there under the number of its case', () => {
  const missing = rows.flatMap(({ row, files }) => {
    const title = new RegExp(`['\`][^'\`\\n]*\\b${row.startsWith('g') ? row : `row ${row}`}\\b`)
    return files
      .filter((file) => !title.test(readFileSync(new URL(file, import.meta.url), 'utf8')))
      .map((file) => `${row}: ${file}`)
  })
  expect(missing).toEqual([])
})
