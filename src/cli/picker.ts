/**
 * `foldlog` alone on a terminal: search as you type over all sessions, with the end of the conversation beside; Enter shows it.
 */
import { isFoldlogError } from '../errors.ts'
import type { Message, SessionInfo } from '../message.ts'
import { Call, EXIT, Failure, type Exit, type OptionValues } from './call.ts'
import { after, choiceOf, chosen, type Choice } from './choice.ts'
import { overview } from './help.ts'
import { keysOf, type Key } from './keys.ts'
import { Output } from './output.ts'
import { pageOf, previewOf, previewWidth, screenOf } from './picker-screen.ts'
import { byActivity, Root } from './root.ts'
import { Terminal } from './terminal.ts'
import { plain, widthOf, wrap } from './text.ts'

/** How long an ESC is waited for to be the beginning of a key that sends several characters. */
const ESCAPE_MS = 50
/** Who moves through a list has not chosen yet. */
const SETTLE_MS = 60
const PREVIEW_MESSAGES = 20
/** A longer conversation would keep who types waiting while it is read. */
const MAX_PREVIEWED = 5000

/** Lets one session be chosen and shows it. Without any session it prints help. */
export async function pickSession(out: Output, values: OptionValues): Promise<Exit> {
  const call = new Call(out, 'show', [], values)
  const info = await choose(call)
  if (info === 'none') {
    await out.line(overview(out.width))
    return EXIT.ok
  }
  if (info === undefined) return EXIT.ok
  const { show } = await import('./show.ts')
  // The terminal may have another size by now.
  const shown = new Output()
  const showing = new Call(shown, 'show', [info.id], { ...values, namespace: info.namespace })
  if (!showing.flag('no-pager')) shown.page()
  try {
    return await show(showing)
  } finally {
    await shown.end()
  }
}

async function choose(call: Call): Promise<SessionInfo | 'none' | undefined> {
  let root: Root
  try {
    root = await Root.open(call)
  } catch (error) {
    // Whoever names a root wants that one; otherwise there is none yet.
    if (error instanceof Failure && call.text('root') === undefined) return 'none'
    throw error
  }
  await using _ = root
  const found: (readonly SessionInfo[])[] = []
  for (const namespace of await root.namespaces()) found.push((await root.list(namespace, { limit: Infinity })).items)
  const infos = found.flat()
  if (infos.length === 0) return 'none'
  // Awaited here, because the root is closed when this returns.
  return await new Picker(call.out, infos.sort(byActivity), async ({ id, namespace }) => {
    const session = await root.session({ namespace, sessionId: id })
    return session.messages({ limit: PREVIEW_MESSAGES })
  }).run()
}

type Load = (info: SessionInfo) => Promise<readonly Message[]>

class Picker {
  readonly #out: Output
  readonly #load: Load
  /** Why it cannot be read, where it cannot. */
  readonly #previews = new Map<SessionInfo, readonly Message[] | string>()
  readonly #terminal: Terminal
  readonly #end: Promise<SessionInfo | undefined>
  #finish!: (info: SessionInfo | undefined) => void
  #fail!: (error: unknown) => void
  #choice: Choice
  #rest = ''
  #escape: NodeJS.Timeout | undefined
  #settle: NodeJS.Timeout | undefined

  constructor(out: Output, infos: readonly SessionInfo[], load: Load) {
    this.#out = out
    this.#load = load
    this.#choice = choiceOf(infos)
    this.#end = new Promise((resolve, reject) => {
      this.#finish = resolve
      this.#fail = reject
    })
    this.#terminal = new Terminal({ onInput: (text) => this.#onInput(text), onResize: () => this.#draw() })
  }

  /** Resolves with what was chosen; undefined if nothing was. */
  async run(): Promise<SessionInfo | undefined> {
    try {
      this.#draw()
      this.#preview()
      return await this.#end
    } finally {
      clearTimeout(this.#escape)
      clearTimeout(this.#settle)
      this.#terminal.leave()
    }
  }

  #onInput(text: string): void {
    clearTimeout(this.#escape)
    const { keys, rest } = keysOf(this.#rest + text)
    this.#rest = rest
    // What goes on with nothing was the key itself.
    if (rest !== '') this.#escape = setTimeout(() => this.#finish(undefined), ESCAPE_MS)
    for (const key of keys) this.#press(key)
    this.#draw()
    this.#preview()
  }

  #press(key: Key): void {
    if (key.kind === 'leave') return this.#finish(undefined)
    const info = chosen(this.#choice)
    if (key.kind === 'enter' && info !== undefined) return this.#finish(info)
    this.#choice = after(this.#choice, key, pageOf(this.#terminal.size, this.#choice.all.length))
  }

  #draw(): void {
    const { size } = this.#terminal
    const lines = screenOf(this.#choice, this.#previewLines(), size, this.#out)
    this.#terminal.draw(lines, Math.min(size.columns, widthOf(plain(this.#choice.query)) + 3))
  }

  #previewLines(): readonly string[] | undefined {
    const info = chosen(this.#choice)
    if (info === undefined) return []
    if (info.messageCount > MAX_PREVIEWED) return [`${info.messageCount.toLocaleString('en')} messages`]
    const messages = this.#previews.get(info)
    const width = previewWidth(this.#terminal.size)
    if (typeof messages === 'string') return wrap(messages, width)
    return messages === undefined ? undefined : previewOf(messages, width, this.#out)
  }

  /** Reads the conversation that is chosen, once it has been for a moment. */
  #preview(): void {
    clearTimeout(this.#settle)
    const info = chosen(this.#choice)
    if (info === undefined || this.#previews.has(info) || info.messageCount > MAX_PREVIEWED) return
    this.#settle = setTimeout(() => void this.#read(info), SETTLE_MS)
  }

  async #read(info: SessionInfo): Promise<void> {
    try {
      this.#previews.set(info, await this.#load(info))
      if (chosen(this.#choice) === info) this.#draw()
    } catch (error) {
      // Deleted since it was listed, or unreadable: that is what is to be seen of it. Anything else is a bug.
      if (!(error instanceof Failure) && !isFoldlogError(error)) return this.#fail(error)
      this.#previews.set(info, plain(error.message))
      if (chosen(this.#choice) === info) this.#draw()
    }
  }
}
