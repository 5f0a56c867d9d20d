/**
 * The two streams of the process: data on stdout, messages on stderr.
 *
 * Colour and relative times are for terminals alone. A reader that has seen enough and closes the pipe ends the process
 * in silence.
 */
import { once } from 'node:events'
import { styleText } from 'node:util'
import { jsonLine, plain, plainBlock } from './text.ts'
import { clockTime, isoTime, relativeTime } from './time.ts'

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

const PIPE_WIDTH = 80

export class Output {
  /** Whether somebody is looking at stdout. */
  readonly isTty: boolean
  /** Columns that a line may take. */
  readonly width: number
  readonly #stdout: NodeJS.WriteStream
  readonly #stderr: NodeJS.WriteStream
  readonly #hasColor: boolean
  readonly #hasErrorColor: boolean
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
    const mayColor = (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
    this.#hasColor = mayColor && stdout.isTTY
    this.#hasErrorColor = mayColor && stderr.isTTY
    stdout.on('error', endQuietly)
    stderr.on('error', endQuietly)
  }

  /** Prints sanitized text and a line feed. Resolves when the stream takes more. */
  async line(text: string): Promise<void> {
    if (!this.#stdout.write(`${text}\n`)) await once(this.#stdout, 'drain')
  }

  /** Prints a value as one line of JSON. */
  json(value: unknown): Promise<void> {
    return this.line(jsonLine(value))
  }

  /** Prints bytes as they are; on a terminal, with control characters replaced. */
  async bytes(bytes: Uint8Array): Promise<void> {
    const data = this.isTty ? plainBlock(this.#decoder.decode(bytes, { stream: true })) : bytes
    if (!this.#stdout.write(data)) await once(this.#stdout, 'drain')
  }

  /** Says something on stderr, with commands to run next. */
  say(message: string, ...hints: readonly string[]): void {
    const lines = [plain(message), ...hints.map((hint) => `  ${this.#onError('cyan', plain(hint))}`)]
    this.#stderr.write(`${lines.join('\n')}\n`)
  }

  /** Goes on with what was said, or with what went wrong, a line each. */
  detail(text: string): void {
    this.#stderr.write(`  ${plain(text)}\n`)
  }

  /** Says what went wrong. */
  complain(message: string, ...hints: readonly string[]): void {
    const lines = hints.map((hint) => `  ${this.#onError('cyan', plain(hint))}`)
    this.#stderr.write(`${[`${this.#onError('red', 'foldlog:')} ${plain(message)}`, ...lines].join('\n')}\n`)
  }

  /** `text` in a style, if stdout is a terminal that may have one. */
  style(style: Style | readonly Style[], text: string): string {
    return this.#hasColor ? styled(style, text) : text
  }

  /** When something was: `2m ago` on a terminal, ISO 8601 in a pipe. A time of 0 is none. */
  when(ms: number): string {
    if (ms === 0) return '-'
    return this.isTty ? relativeTime(ms, Date.now()) : isoTime(ms)
  }

  /** When an event was: the local time on a terminal, ISO 8601 in a pipe. */
  clock(ms: number): string {
    return this.isTty ? clockTime(ms, Date.now()) : isoTime(ms)
  }

  #onError(style: Style, text: string): string {
    return this.#hasErrorColor ? styled(style, text) : text
  }
}

function styled(style: Style | readonly Style[], text: string): string {
  // Whether there is colour is decided above, for the stream in question; newer Nodes would look at stdout again.
  return styleText(typeof style === 'string' ? style : [...style], text, { validateStream: false })
}

function endQuietly(error: NodeJS.ErrnoException): void {
  // Whoever reads has closed the pipe: nobody is left to print for, and that is no failure.
  // oxlint-disable-next-line unicorn/no-process-exit -- nothing that runs on could do anything but fail on the same pipe
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}
