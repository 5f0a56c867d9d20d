import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test, type TestContext } from 'vitest'
import { exportHtml } from '../../src/exporters/index.ts'
import type { Session, Store } from '../../src/index.ts'
import { Chromium, type Page } from '../support/chromium.ts'
import { needs } from '../support/machine.ts'
import { freshFolder } from '../support/store.ts'
import { memoryStore, PNG, richSession, whole } from './sessions.ts'

let chromium: Chromium | undefined
afterAll(() => chromium?.close())

/** A page that shows what was exported, from the disk. */
async function opened(context: TestContext, html: string): Promise<Page> {
  needs(context, 'chromium')
  chromium ??= new Chromium()
  const path = join(freshFolder(), 'session.html')
  writeFileSync(path, html)
  const page = await chromium.page()
  await page.open(pathToFileURL(path).href)
  return page
}

function exported(store: Store, session: Session, branch?: string): Promise<string> {
  const files = (file: string, mediaType: string): Promise<Uint8Array | undefined> => store.getFile(file, mediaType)
  return whole(exportHtml(session, { files, ...(branch === undefined ? {} : { branch }) }))
}

/** Keeps a picture where `$FOLDLOG_SHOTS` says. */
async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env['FOLDLOG_SHOTS']
  if (folder === undefined) return
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${name}.png`), await page.picture())
}

test('a page is whole, and lets nothing be loaded', async () => {
  const store = await memoryStore()
  const session = await richSession(store)
  const html = await exported(store, session)
  expect(html).toMatch(/^<!doctype html>\n<html lang="en">/)
  expect(html).toMatch(/<\/html>\n$/)
  const [, policy = ''] = /<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(html)!
  expect(policy).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/]{43}='; script-src 'sha256-[\w+/]{43}='; img-src data:; base-uri 'none'; form-action 'none'$/,
  )
  // The policy comes before everything of the session.
  expect(html.indexOf('Content-Security-Policy')).toBeLessThan(html.indexOf('<title>'))
  expect(html.match(/<script/g)).toHaveLength(1)
  expect(html.match(/<style/g)).toHaveLength(1)
  expect(html).not.toMatch(/\sstyle=|\son\w+="/)
  expect(html).toContain(`<img src="data:image/png;base64,${PNG}" alt="a (screen).png"`)
  expect(await exported(store, session)).toBe(html)
})

test('it opens from the disk without a word, and nothing hostile in it acts', async (context) => {
  const store = await memoryStore()
  const session = await richSession(store)
  const page = await opened(context, await exported(store, session))
  expect(page.problems).toEqual([])
  for (const key of ['t', 'j', 'k']) await page.press(key)
  // Whatever can be clicked in what was said is clicked.
  await page.evaluate(`document.querySelectorAll('.body a, .body b, .body code').forEach((each) => {
    if (!/^(https?|mailto):/.test(each.href ?? '')) each.click()
  })`)
  expect(await page.evaluate('typeof globalThis.pwned')).toBe('undefined')
  const schemes = await page.evaluate<string[]>(`[...document.links].map((each) => new URL(each.href).protocol)`)
  expect(new Set(schemes)).toEqual(new Set(['file:', 'https:']))
  expect(page.problems).toEqual([])
})

test('what is in the page is the conversation: each message of each branch once, in its place', async (context) => {
  const store = await memoryStore()
  const session = await richSession(store)
  const page = await opened(context, await exported(store, session))
  const shown = await page.evaluate<string[]>(
    `[...document.querySelectorAll('article')].map((each) => each.id.slice(2))`,
  )
  const all = await session.messages({ all: true })
  const path = (await session.messages()).map(({ id }) => id)
  const isResult = new Set(all.filter(({ role }) => role === 'tool').map(({ id }) => id))
  expect(new Set(shown)).toEqual(new Set(all.map(({ id }) => id).filter((id) => !isResult.has(id))))
  expect(shown).toHaveLength(all.length - isResult.size)
  const main = path.filter((id) => !isResult.has(id))
  expect(shown.slice(0, main.length)).toEqual(main)
  const typed = await page.evaluate<string[]>(
    `[...document.querySelectorAll('article.user .typed')].map((each) => each.textContent)`,
  )
  expect(typed).toContain('<script>globalThis.pwned = "script"</script>')
  expect(typed).toContain('</details></article></main></body></html>')
})

test('alternatives are reached by links, also those in folded branches', async (context) => {
  const store = await memoryStore()
  const session = await richSession(store)
  const page = await opened(context, await exported(store, session))
  const target = await page.evaluate<string>(`(() => {
    const link = document.querySelector('main > article .alts a')
    link.click()
    return decodeURIComponent(link.hash.slice(1))
  })()`)
  const isOpen = `document.getElementById(${JSON.stringify(target)}).closest('details').open`
  // A browser opens what is folded around the target by itself.
  expect(await page.evaluate(`new Promise((resolve) => setTimeout(resolve, 0)).then(() => ${isOpen})`)).toBe(true)
  const links = await page.evaluate<string[]>(
    `[...document.querySelectorAll('a[href^="#"]')].filter((each) => document.getElementById(decodeURIComponent(each.hash.slice(1))) === null).map((each) => each.hash)`,
  )
  expect(links).toEqual([])
})

test('without scripts everything can be read', async (context) => {
  const store = await memoryStore()
  const session = await richSession(store)
  needs(context, 'chromium')
  chromium ??= new Chromium()
  const page = await chromium.page()
  await page.call('Emulation.setScriptExecutionDisabled', { value: true })
  const path = join(freshFolder(), 'session.html')
  writeFileSync(path, await exported(store, session))
  await page.open(pathToFileURL(path).href)
  const { root } = (await page.call('DOM.getDocument', { depth: 0 })) as { root: { nodeId: number } }
  const find = async (selector: string): Promise<readonly number[]> =>
    ((await page.call('DOM.querySelectorAll', { nodeId: root.nodeId, selector })) as { nodeIds: number[] }).nodeIds
  expect((await find('article')).length).toBeGreaterThan(50)
  expect(await find('.bar[hidden]')).toHaveLength(1)
  expect(page.problems).toEqual([])
})

test('keys go through the messages and fold what tools did', async (context) => {
  const store = await memoryStore()
  const session = await richSession(store)
  const page = await opened(context, await exported(store, session))
  const open = `document.querySelectorAll('.calls details[open]').length`
  await page.press('t')
  expect(await page.evaluate(open)).toBe(3)
  await page.press('t')
  expect(await page.evaluate(open)).toBe(0)
  await page.press('j')
  const first = await page.evaluate<number>('scrollY')
  await page.press('j')
  const second = await page.evaluate<number>('scrollY')
  expect(second).toBeGreaterThan(first)
  await page.press('k')
  expect(await page.evaluate('scrollY')).toBe(first)
})

test('nothing is wider than the window, from a telephone to a wide screen, and on paper', async (context) => {
  const store = await memoryStore()
  const session = await richSession(store)
  await session.add({
    role: 'assistant',
    text: `${'long'.repeat(200)}\n\n\`\`\`\n${'x '.repeat(500)}\n\`\`\`\n\n|${' a |'.repeat(40)}\n|${'--|'.repeat(40)}\n`,
  })
  const page = await opened(context, await exported(store, session))
  await page.press('t')
  await page.evaluate(`document.querySelectorAll('.branch').forEach((each) => { each.open = true })`)
  for (const width of [320, 768, 1440]) {
    await page.resize(width, 900)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
  }
  const { data } = (await page.call('Page.printToPDF', { printBackground: true })) as { data: string }
  expect(Buffer.from(data, 'base64').subarray(0, 5).toString()).toBe('%PDF-')
})

test('text and what it stands on differ enough, in light and in dark', async (context) => {
  const store = await memoryStore()
  const session = await richSession(store)
  const page = await opened(context, await exported(store, session))
  await page.resize(1400, 1000)
  await page.press('t')
  for (const scheme of ['light', 'dark'] as const) {
    await page.prefer(scheme)
    await shoot(page, `html-${scheme}`)
    const poor = await page.evaluate<string[]>(`(() => {
      const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
      const rgba = (color) => {
        canvas.clearRect(0, 0, 1, 1)
        canvas.fillStyle = color
        canvas.fillRect(0, 0, 1, 1)
        return canvas.getImageData(0, 0, 1, 1).data
      }
      const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0)
      const behind = (each) => {
        for (; each !== null; each = each.parentElement) {
          const color = getComputedStyle(each).backgroundColor
          if (rgba(color)[3] === 255) return rgba(color)
        }
        return [255, 255, 255]
      }
      const texts = [...document.querySelectorAll('body *')].filter((each) =>
        [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '') && each.checkVisibility())
      return texts.flatMap((each) => {
        const [a, b] = [light(rgba(getComputedStyle(each).color)), light(behind(each))].sort((x, y) => y - x)
        const ratio = (a + 0.05) / (b + 0.05)
        return ratio < 4.5 ? [each.tagName + '.' + each.className + ' ' + ratio.toFixed(2)] : []
      })
    })()`)
    expect(new Set(poor)).toEqual(new Set())
  }
  await page.prefer('light')
  await page.resize(390, 844)
  await shoot(page, 'html-narrow')
  await page.resize(800, 1100)
  await page.prefer('light', 'print')
  await shoot(page, 'html-print')
})

test('an empty session, and ids that people chose, make a page too', async (context) => {
  const store = await memoryStore()
  const empty = await store.create({ id: 'a/b "c" <d> ü' })
  expect((await opened(context, await exported(store, empty))).problems).toEqual([])
  const odd = await store.create()
  const ids = ['a b', '%41', '"><script>globalThis.pwned=1</script>', '#x&y', 'ü']
  for (const id of ids) await odd.add({ id, text: id })
  const page = await opened(context, await exported(store, odd))
  expect(page.problems).toEqual([])
  const reached = await page.evaluate<string[]>(`[...document.querySelectorAll('.index a')].map((each) => {
    each.click()
    return document.querySelector(':target')?.id.slice(2)
  })`)
  expect(reached).toEqual(ids)
})
