import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { page } from './page.ts'

const FILE = new URL('../../docs/cli.md', import.meta.url)

test('docs/cli.md is the one that the table makes (FOLDLOG_UPDATE=1 writes it)', () => {
  const text = page()
  if (process.env['FOLDLOG_UPDATE'] === '1') writeFileSync(FILE, text)
  expect(readFileSync(FILE, 'utf8')).toBe(text)
})
