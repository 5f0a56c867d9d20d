/**
 * The terminal while a program has all of it: keys as they are pressed, a screen of its own, and everything as it was afterwards.
 */
import type { Size } from './picker-screen.ts'

const ENTER = '\u001B[?1049h\u001B[2J'
const LEAVE = '\u001B[?1049l'
const HOME = '\u001B[H'
const END_OF_LINE = '\u001B[K'
const END_OF_SCREEN = '\u001B[J'
/** What is drawn between these appears at once, where a terminal knows them. */
const BEGIN_FRAME = '\u001B[?2026h'
const END_FRAME = '\u001B[?2026l'

const SIGNALS = ['SIGTERM', 'SIGHUP'] as const

export interface Listener {
  onInput(text: string): void
  onResize(): void
}

export class Terminal {
  readonly #stdin = process.stdin
  readonly #stdout = process.stdout
  readonly #listener: Listener
  #isLeft = false

  /** Takes the terminal. Both streams have to be one. */
  constructor(listener: Listener) {
    this.#listener = listener
    this.#stdin.setRawMode(true)
    this.#stdin.setEncoding('utf8')
    this.#stdin.on('data', this.#onData)
    this.#stdout.on('resize', this.#onResize)
    for (const signal of SIGNALS) process.once(signal, this.#onSignal)
    process.once('exit', this.leave)
    this.#stdout.write(ENTER)
  }

  get size(): Size {
    return { columns: this.#stdout.columns || 80, rows: this.#stdout.rows || 24 }
  }

  /** Draws a whole screen, with the cursor at a column of its first line. */
  draw(lines: readonly string[], column: number): void {
    const text = lines.map((line) => line + END_OF_LINE).join('\r\n')
    this.#stdout.write(`${BEGIN_FRAME}${HOME}${text}${END_OF_SCREEN}\u001B[1;${column}H${END_FRAME}`)
  }

  /** Gives the terminal back as it was. May be called more than once. */
  readonly leave = (): void => {
    if (this.#isLeft) return
    this.#isLeft = true
    this.#stdin.off('data', this.#onData)
    this.#stdout.off('resize', this.#onResize)
    for (const signal of SIGNALS) process.off(signal, this.#onSignal)
    process.off('exit', this.leave)
    this.#stdin.setRawMode(false)
    this.#stdin.pause()
    this.#stdout.write(LEAVE)
  }

  readonly #onData = (text: string): void => this.#listener.onInput(text)
  readonly #onResize = (): void => this.#listener.onResize()
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.leave()
    // Now it does what it does to a program that does not listen.
    process.kill(process.pid, signal)
  }
}
