/**
 * Windows refuses to rename over a file that somebody has open: it is tried again there, and nowhere else.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { io } from '../../src/backends/file/io.ts'
import { renameOver } from '../../src/backends/file/whole-file.ts'
import { temp } from '../support/temp.ts'

const real = { ...io }
let from = ''
let to = ''

beforeEach(() => {
  const directory = temp()
  from = join(directory, 'new')
  to = join(directory, 'old')
  writeFileSync(from, 'new')
  writeFileSync(to, 'old')
})

afterEach(() => {
  vi.useRealTimers()
  Object.assign(io, real)
})

/** Refuses renames that many times. Returns how often one was asked for. */
function refuse(code: string, times: number): () => number {
  let calls = 0
  io.renameSync = (...args) => {
    if (calls++ < times) throw Object.assign(new Error(`${code}: injected`), { code })
    real.renameSync(...args)
  }
  return () => calls
}

test.each(['EPERM', 'EACCES', 'EBUSY'])('on Windows a rename that is refused with %s is tried again', async (code) => {
  const calls = refuse(code, 3)
  await renameOver(from, to, 'win32')
  expect(calls()).toBe(4)
  expect(readFileSync(to, 'utf8')).toBe('new')
})

test.each([
  ['linux', 'EPERM'],
  ['darwin', 'EBUSY'],
  ['win32', 'ENOSPC'],
  ['win32', 'ENOENT'],
])('on %s a rename that is refused with %s fails at once', async (platform, code) => {
  const calls = refuse(code, 1)
  await expect(renameOver(from, to, platform)).rejects.toMatchObject({ code })
  expect(calls()).toBe(1)
  expect(readFileSync(to, 'utf8')).toBe('old')
})

test('on Windows a rename that is refused for good fails with what the system said, and both files are as they were', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] })
  refuse('EBUSY', Infinity)
  const renaming = expect(renameOver(from, to, 'win32')).rejects.toMatchObject({ code: 'EBUSY' })
  await vi.runAllTimersAsync()
  await renaming
  expect(readFileSync(to, 'utf8')).toBe('old')
  expect(readFileSync(from, 'utf8')).toBe('new')
})
