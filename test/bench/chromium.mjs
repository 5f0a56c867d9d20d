/** A headless Chromium that opens one page, spoken to through a pipe. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROGRAM = process.env.CHROMIUM_PATH ?? 'chromium'
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--remote-debugging-pipe']

/** Why there is none; undefined if there is. */
export function missingChromium() {
  try {
    execFileSync(PROGRAM, ['--headless', '--no-sandbox', '--version'], { stdio: 'ignore' })
    return undefined
  } catch {
    return `no Chromium (apt-get install chromium, or $CHROMIUM_PATH)`
  }
}

/**
 * Starts one, calls `use` with what calls a method of its DevTools protocol for a page, and ends it.
 *
 * @param {(call: (method: string, params?: object) => Promise<any>) => Promise<void>} use
 */
export async function withPage(use) {
  const profile = mkdtempSync(join(tmpdir(), 'foldlog-bench-chromium-'))
  const child = spawn(PROGRAM, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const waiting = new Map()
  let text = ''
  child.stdio[4].setEncoding('utf8').on('data', (piece) => {
    const messages = (text + piece).split('\0')
    text = messages.pop()
    for (const { id, result } of messages.map((each) => JSON.parse(each))) waiting.get(id)?.(result)
  })
  let count = 0
  let sessionId
  const call = (method, params = {}) =>
    new Promise((resolve) => {
      waiting.set(++count, resolve)
      child.stdio[3].write(`${JSON.stringify({ id: count, method, params, sessionId })}\0`)
    })
  try {
    const { targetId } = await call('Target.createTarget', { url: 'about:blank' })
    sessionId = (await call('Target.attachToTarget', { targetId, flatten: true })).sessionId
    await use(call)
  } finally {
    sessionId = undefined
    void call('Browser.close')
    await ended
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}
