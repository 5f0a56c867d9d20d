/**
 * F12: exporting a session of 5,000 messages as a page, and the page in a headless Chromium: from opening it to its having answered a key.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { missingChromium, withPage } from './chromium.mjs'
import { compare, timed } from './harness.mjs'
import { exporters, foldlog, missing } from './peers.mjs'
import { atMost, number } from './table.mjs'
import { messageInputs } from './workload.mjs'

/** Scrolls to the next message and says where that is, once it is painted. */
const ANSWER = `new Promise((resolve) => {
  document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }))
  requestAnimationFrame(() => requestAnimationFrame(() => resolve(scrollY)))
})`

/** @param {import('./run.mjs').Options} options @returns {Promise<import('./table.mjs').Report>} */
export async function measureHtml({ rounds, quick }) {
  const title = 'a session as a page'
  if (missing.foldlog !== undefined) return { id: 'F12', title, tables: [], checks: [], notes: [missing.foldlog] }
  const count = quick ? 200 : 5000
  const store = await foldlog.openStore(foldlog.memoryBackend())
  const session = await store.create({ title: `${number(count)} messages` })
  await session.add(messageInputs(count))
  const folder = mkdtempSync(join(tmpdir(), 'foldlog-bench-html-'))
  const path = join(folder, 'session.html')
  const page = await whole(exporters.exportHtml(session))
  writeFileSync(path, page)
  const caption = `${number(count)} messages, a page of ${number(Math.round(page.length / 1000))} kB`
  try {
    const written = await compare(
      [
        { name: 'exportMarkdown', sample: () => timed(() => whole(exporters.exportMarkdown(session))) },
        { name: 'exportHtml', sample: () => timed(() => whole(exporters.exportHtml(session))) },
      ],
      rounds ?? 9,
      { warmup: 2 },
    )
    const opened = await compare(
      [{ name: 'opened, and a key answered', missing: missingChromium(), sample: () => open(path) }],
      rounds ?? 9,
    )
    return {
      id: 'F12',
      title,
      tables: [
        { caption: `${caption}: made`, unit: 'ms', rows: written },
        { caption: `${caption}: in Chromium`, unit: 'ms', rows: opened },
      ],
      checks: [atMost('opened, and a key answered', opened[0], 2000, 'ms')],
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await store.close()
  }
}

/** @param {string} path */
async function open(path) {
  let ms = Number.NaN
  await withPage(async (call) => {
    await call('Page.enable')
    await call('Emulation.setDeviceMetricsOverride', { width: 1400, height: 1000, deviceScaleFactor: 1, mobile: false })
    const start = performance.now()
    await call('Page.navigate', { url: pathToFileURL(path).href })
    const isReady = `new Promise((resolve) => document.readyState === 'complete' ? resolve() : addEventListener('load', resolve))`
    await call('Runtime.evaluate', { expression: isReady, awaitPromise: true })
    const { result } = await call('Runtime.evaluate', { expression: ANSWER, awaitPromise: true, returnByValue: true })
    ms = performance.now() - start
    if (!(result.value > 0)) throw new Error('the page did not answer the key')
  })
  return ms
}

/** @param {AsyncIterable<string>} chunks */
async function whole(chunks) {
  let text = ''
  for await (const chunk of chunks) text += chunk
  return text
}
