/**
 * A headless Chromium, spoken to through a pipe (its DevTools protocol), so that no package is needed for it.
 *
 * The program is `$CHROMIUM_PATH`, else `chromium` of Debian.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

export const CHROMIUM: string = process.env['CHROMIUM_PATH'] ?? 'chromium'

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly sessionId?: string
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}

type Listener = (method: string, params: Readonly<Record<string, unknown>>, sessionId: string | undefined) => void

export class Chromium {
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #waiting = new Map<number, { resolve(result: Answer['result']): void; reject(error: Error): void }>()
  readonly #listeners = new Set<Listener>()
  #count = 0

  /** Starts one, with a profile of its own. */
  constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), 'foldlog-chromium-'))
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--no-first-run']
    const place = [`--user-data-dir=${this.#profile}`, '--remote-debugging-pipe', 'about:blank']
    this.#child = spawn(CHROMIUM, [...args, ...place], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] })
    this.#child.on('error', (error) => this.#fail(error))
    this.#child.on('exit', () => this.#fail(new Error('chromium has ended')))
    let text = ''
    const output = this.#child.stdio[4] as Readable
    output.setEncoding('utf8').on('data', (piece: string) => {
      const messages = (text + piece).split('\0')
      text = messages.pop()!
      for (const message of messages) this.#take(JSON.parse(message) as Answer)
    })
  }

  /** Opens an empty page. */
  async page(): Promise<Page> {
    const { targetId } = await this.call('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.call('Target.attachToTarget', { targetId, flatten: true })
    const page = new Page(this, sessionId as string)
    await page.start()
    return page
  }

  call(method: string, params: object = {}, sessionId?: string): Promise<Readonly<Record<string, unknown>>> {
    const id = ++this.#count
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: (result) => resolve(result ?? {}), reject })
      this.#write({ id, method, params, sessionId })
    })
  }

  listen(listener: Listener): void {
    this.#listeners.add(listener)
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    // Killed, it would leave processes behind that go on writing to its profile.
    this.#write({ id: 0, method: 'Browser.close', params: {} })
    await ended
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }

  #write(message: object): void {
    const input = this.#child.stdio[3] as Writable
    input.write(`${JSON.stringify(message)}\0`)
  }

  #take({ error, id, method, params, result, sessionId }: Answer): void {
    if (id === undefined) for (const listener of this.#listeners) listener(method!, params ?? {}, sessionId)
    else {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(error.message))
    }
  }

  #fail(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

/** A page, and everything that went wrong in it. */
export class Page {
  /** Errors of scripts, refusals of the policy, dialogs, requests for anything but the page itself. */
  readonly problems: string[] = []
  readonly #chromium: Chromium
  readonly #sessionId: string
  #onLoad: () => void = () => {}

  constructor(chromium: Chromium, sessionId: string) {
    this.#chromium = chromium
    this.#sessionId = sessionId
  }

  async start(): Promise<void> {
    this.#chromium.listen((method, params, sessionId) => {
      if (sessionId === this.#sessionId) this.#take(method, params)
    })
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await this.call(`${domain}.enable`)
  }

  call(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    return this.#chromium.call(method, params, this.#sessionId)
  }

  /** Opens an address and waits until everything of it is there. */
  async open(url: string): Promise<void> {
    const loaded = new Promise<void>((resolve) => (this.#onLoad = resolve))
    await this.call('Page.navigate', { url })
    await loaded
  }

  /** What a text of JavaScript gives in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true })
    const { exceptionDetails, result } = answer as { exceptionDetails?: { text: string }; result: { value: T } }
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`)
    return result.value
  }

  /** Presses a key that is one character. */
  async press(key: string): Promise<void> {
    for (const type of ['keyDown', 'keyUp']) await this.call('Input.dispatchKeyEvent', { type, key, text: key })
  }

  async resize(width: number, height: number): Promise<void> {
    await this.call('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
  }

  async prefer(scheme: 'light' | 'dark', media: 'screen' | 'print' = 'screen'): Promise<void> {
    const features = [{ name: 'prefers-color-scheme', value: scheme }]
    await this.call('Emulation.setEmulatedMedia', { media, features })
  }

  /** What is to be seen, as PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' })
    return Buffer.from(data as string, 'base64')
  }

  #take(method: string, params: Readonly<Record<string, unknown>>): void {
    if (method === 'Page.loadEventFired') this.#onLoad()
    if (method === 'Runtime.exceptionThrown') this.problems.push(`exception: ${JSON.stringify(params)}`)
    if (method === 'Runtime.consoleAPICalled') this.problems.push(`console: ${JSON.stringify(params['args'])}`)
    if (method === 'Log.entryAdded') this.problems.push(`log: ${JSON.stringify(params['entry'])}`)
    if (method === 'Page.javascriptDialogOpening') this.problems.push(`dialog: ${JSON.stringify(params)}`)
    if (method === 'Network.requestWillBeSent') {
      const { url } = params['request'] as { url: string }
      if (!/^(?:file:\/\/|data:)/.test(url)) this.problems.push(`request: ${url}`)
    }
  }
}
