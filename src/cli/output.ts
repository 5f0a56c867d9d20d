/**
 * The two streams of the process: data on stdout, messages on stderr.
 *
 * Relative times are for terminals alone, and so is colour unless `FORCE_COLOR` says otherwise. A reader that has seen enough
 * and closes the pipe ends the process in silence. On a terminal, data that is higher than the screen goes through a pager, and messages
 * wait until that is closed.
 */
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import { EXIT } from './call.ts'
import type { Pager } from './pager.ts'
import { jsonLine, plain, plainBlock, truncate } from './text.ts'
import { clockTime, isKnown, isoTime, localSpan, relativeTime } from './time.ts'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan' | 'blue' | 'magenta'

const PIPE_WIDTH = 80
/** So many lines are written together where there are many. */
const AT_ONCE = 256
/** Of a terminal that does not say it. */
const USUAL_HEIGHT = 24

/** What is kept back while a pager may be needed. */
interface Held {
  readonly lines: string[]
  height: number
  readonly messages: string[]
}

export class Output {
  /** Whether somebody is looking at stdout. */
  readonly isTty: boolean
  /** Columns that a line may take. */
  readonly width: number
  /** Whether what goes to stdout may have styles. */
  readonly hasColor: boolean
  readonly #stdout: NodeJS.WriteStream
  readonly #stderr: NodeJS.WriteStream
  readonly #hasErrorColor: boolean
  readonly #env: NodeJS.ProcessEnv
  #held: Held | undefined
  #pager: Pager | undefined
  /** The end of a character that is not there yet, where bytes are made safe for a terminal. */
  readonly #decoder = new TextDecoder()

  constructor(
    stdout: NodeJS.WriteStream = process.stdout,
    stderr: NodeJS.WriteStream = process.stderr,
    env: NodeJS.ProcessEnv = process.env,
  ) {
    this.#stdout = stdout
    this.#stderr = stderr
    this.isTty = stdout.isTTY
    this.width = this.isTty ? Math.max(40, stdout.columns || PIPE_WIDTH) : PIPE_WIDTH
    this.#env = env
    this.hasColor = hasColor(env, stdout.isTTY)
    this.#hasErrorColor = hasColor(env, stderr.isTTY)
    stdout.on('error', (error) => this.#endWith(error))
    stderr.on('error', (error: NodeJS.ErrnoException) => {
      // What cannot be said, because a disk is full, is no reason to cut the data short.
      if (error.code === 'EPIPE') endQuietly()
    })
  }

  /** From now on, what is higher than the screen goes through a pager. Only on a terminal that can have one. {@link end} has to follow. */
  page(): void {
    if (this.isTty && this.#env['TERM'] !== 'dumb') this.#held = { lines: [], height: 0, messages: [] }
  }

  /** Prints what was kept back, and waits until the pager is closed. */
  async end(): Promise<void> {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    if (held.lines.length > 0) await write(this.#stdout, held.lines.join(''))
    await this.#pager?.closed()
    this.#pager = undefined
    for (const message of held.messages) this.#stderr.write(message)
  }

  /** Prints sanitized text and a line feed. Resolves when the stream takes more. */
  async line(text: string): Promise<void> {
    const line = `${text}\n`
    if (this.#pager !== undefined) return write(this.#pager.stdin, line)
    if (this.#held === undefined) return write(this.#stdout, line)
    await this.#hold(this.#held, line)
  }

  async #hold(held: Held, line: string): Promise<void> {
    held.lines.push(line)
    held.height += line.split('\n').length - 1
    // The prompt takes a line, too.
    if (held.height < (this.#stdout.rows || USUAL_HEIGHT)) return
    const { openPager } = await import('./pager.ts')
    this.#pager = openPager(this.#env)
    const text = held.lines.splice(0).join('')
    if (this.#pager !== undefined) return write(this.#pager.stdin, text)
    await write(this.#stdout, text)
    this.#held = undefined
    for (const message of held.messages) this.#stderr.write(message)
  }

  /** Prints a value as one line of JSON. */
  json(value: unknown): Promise<void> {
    return this.line(jsonLine(value))
  }

  /** Prints values as a line of JSON each, many at once: a write for each of ten thousand takes longer than making them. */
  async jsonLines(values: readonly unknown[]): Promise<void> {
    for (let at = 0; at < values.length; at += AT_ONCE) {
      await this.line(
        values
          .slice(at, at + AT_ONCE)
          .map(jsonLine)
          .join('\n'),
      )
    }
  }

  /** Prints bytes as they are; on a terminal, with control characters replaced. */
  async bytes(bytes: Uint8Array): Promise<void> {
    const data = this.isTty ? plainBlock(this.#decoder.decode(bytes, { stream: true })) : bytes
    if (!this.#stdout.write(data)) await once(this.#stdout, 'drain')
  }

  /** Says something on stderr, with commands to run next. */
  say(message: string, ...hints: readonly string[]): void {
    const lines = [plain(message), ...hints.map((hint) => `  ${this.#onError('cyan', plain(hint))}`)]
    this.#tell(lines.join('\n'))
  }

  /** Goes on with what was said, or with what went wrong, a line each. */
  detail(text: string): void {
    this.#tell(`  ${plain(text)}`)
  }

  /** Shows how far something is, on a line of stderr that the next call replaces; nothing where that is no terminal. */
  progress(text: string): void {
    if (!this.#stderr.isTTY) return
    const width = (this.#stderr.columns || PIPE_WIDTH) - 1
    this.#stderr.write(`\r\u001B[K${truncate(plain(text), width)}`)
  }

  /** Says what went wrong. */
  complain(message: string, ...hints: readonly string[]): void {
    const lines = hints.map((hint) => `  ${this.#onError('cyan', plain(hint))}`)
    this.#tell([`${this.#onError('red', 'foldlog:')} ${plain(message)}`, ...lines].join('\n'))
  }

  /** `text` in a style, if stdout is a terminal that may have one. */
  style(style: Style | readonly Style[], text: string): string {
    return this.hasColor ? styled(style, text) : text
  }

  /** When something was: `2m ago` on a terminal, ISO 8601 in a pipe, `-` where it is not known. */
  when(ms: number): string {
    if (!isKnown(ms)) return '-'
    return this.isTty ? relativeTime(ms, Date.now()) : isoTime(ms)
  }

  /** When an event was: the local time on a terminal, ISO 8601 in a pipe, `-` where it is not known. */
  clock(ms: number): string {
    if (!isKnown(ms)) return '-'
    return this.isTty ? clockTime(ms, Date.now()) : isoTime(ms)
  }

  /** From when to when something was: local times on a terminal, ISO 8601 in a pipe; nothing where it is not known. */
  span(since: number, until: number): string {
    if (!isKnown(since)) return isKnown(until) ? this.span(until, until) : ''
    const [from, to] = this.isTty ? localSpan(since, until) : [isoTime(since), isoTime(until)]
    return from === to ? from : `${from} → ${to}`
  }

  /** Ends the process, because stdout takes no more: quietly where its reader has closed it. */
  #endWith({ code, message }: NodeJS.ErrnoException): never {
    if (code === 'EPIPE') endQuietly()
    const what = code === 'ENOSPC' || code === 'EDQUOT' ? `no space is left (${code})` : `it was refused (${message})`
    this.#held = undefined
    this.complain(`cannot print all of it: ${what}: make room, or print it elsewhere`)
    // oxlint-disable-next-line unicorn/no-process-exit -- nothing that runs on could do anything but fail on the same stream
    process.exit(EXIT.notFound)
  }

  #tell(text: string): void {
    if (this.#held === undefined) this.#stderr.write(`${text}\n`)
    else this.#held.messages.push(`${text}\n`)
  }

  #onError(style: Style, text: string): string {
    return this.#hasErrorColor ? styled(style, text) : text
  }
}

/** `FORCE_COLOR` decides where it is set, then `NO_COLOR`, then what the stream is. */
function hasColor(env: NodeJS.ProcessEnv, isTty: boolean): boolean {
  const force = env['FORCE_COLOR'] ?? ''
  if (force !== '') return force !== '0' && force !== 'false'
  return isTty && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
}

async function write(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain')
}

function styled(style: Style | readonly Style[], text: string): string {
  // Whether there is colour is decided above, for the stream in question; newer Nodes would look at stdout again.
  return styleText(typeof style === 'string' ? style : [...style], text, { validateStream: false })
}

function endQuietly(): never {
  // Whoever reads has closed the pipe: nobody is left to print for, and that is no failure.
  // oxlint-disable-next-line unicorn/no-process-exit -- nothing that runs on could do anything but fail on the same pipe
  process.exit(EXIT.ok)
}
