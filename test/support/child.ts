/**
 * Other processes: real ones, which import the built library from dist/.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

/** A script, started by another command (`strace`, a shell that sets limits) or with options of Node. */
interface Launch {
  readonly script: string
  /** A command and its arguments, which Node and its arguments are put behind. */
  readonly via?: readonly string[]
  readonly nodeOptions?: readonly string[]
  /** What it says on stderr is not shown. */
  readonly isQuiet?: boolean
}

/** A process that runs one of `children/*.mjs`. It is killed after the test if it still runs. */
export class Child {
  /** Every line it has said. */
  readonly lines: string[] = []
  readonly #process: ChildProcess
  readonly #checks = new Set<() => void>()
  readonly #ended: Promise<unknown>
  #hasEnded = false
  #read = 0

  constructor(launch: string | Launch, ...args: readonly string[]) {
    const { script, via = [], nodeOptions = [], isQuiet } = typeof launch === 'string' ? { script: launch } : launch
    const path = fileURLToPath(new URL(`children/${script}.mjs`, import.meta.url))
    const [command = '', ...rest] = [...via, process.execPath, ...nodeOptions, path, ...args]
    this.#process = spawn(command, rest, { stdio: ['pipe', 'pipe', isQuiet === true ? 'ignore' : 'inherit'] })
    const lines = createInterface({ input: this.#process.stdout! })
    lines.on('line', (line) => {
      this.lines.push(line)
      this.#check()
    })
    // What was said before the end is read to the end first.
    this.#ended = Promise.all([once(this.#process, 'exit'), once(lines, 'close')]).then(() => {
      this.#hasEnded = true
      this.#check()
    })
    // Writing to a process that was killed meanwhile is what some tests do.
    this.#process.stdin!.on('error', () => {})
    onTestFinished(async () => {
      this.#process.kill('SIGKILL')
      await this.#ended
    })
  }

  get pid(): number {
    return this.#process.pid!
  }

  /** Says a line to it. */
  say(line: string): void {
    this.#process.stdin!.write(`${line}\n`)
  }

  /** The next line it says that was not returned yet. Rejects if it ends before. */
  async line(): Promise<string> {
    await this.until(() => this.lines.length > this.#read)
    return this.lines[this.#read++]!
  }

  /** Looks now and after each line: resolves when `isSo`, rejects if the process ends before. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const isDone = isSo()
        if (!isDone && !this.#hasEnded) return
        this.#checks.delete(check)
        if (isDone) resolve()
        else reject(new Error(`the process ended after saying ${JSON.stringify(this.lines.slice(-5))}`))
      }
      this.#checks.add(check)
      check()
    })
  }

  /** Resolves when it has ended by itself. */
  async gone(): Promise<void> {
    await this.#ended
  }

  /** Kills it with SIGKILL and resolves when it is gone and all it said was read. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#ended
  }

  /** Stops it with SIGSTOP, or lets it go on with SIGCONT. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(name)
  }

  /** Ends its input, which is how it is told to end, and resolves when it is gone. */
  async end(): Promise<void> {
    this.#process.stdin!.end()
    await this.#ended
  }

  #check(): void {
    for (const check of this.#checks) check()
  }
}

/** A process with a store of its own that does what it is told, one thing after the other. */
export class OtherProcess {
  readonly #child: Child
  #last: Promise<unknown> = Promise.resolve()

  /** `via`: see {@link Launch}. */
  constructor(
    root: string,
    options: { readonly namespace?: string; readonly fsync?: string; readonly shared?: boolean } = {},
    via: readonly string[] = [],
  ) {
    this.#child = new Child({ script: 'other', via }, root, JSON.stringify(options))
  }

  /** Does a thing of `children/other.mjs` there and returns what came out; rejects with the code it failed with. */
  do<T = unknown>(what: string, ...args: readonly unknown[]): Promise<T> {
    const answer = this.#last.then(async () => {
      this.#child.say(JSON.stringify([what, ...args]))
      const { result, error } = JSON.parse(await this.#child.line()) as { result: T; error?: string }
      if (error !== undefined) throw new Error(`${what}: ${error}`)
      return result
    })
    this.#last = answer.catch(() => undefined)
    return answer
  }

  /** Calls functions of `node:fs` there, each given as its name and arguments, without a pause between them. */
  fs(...calls: readonly (readonly [name: string, ...args: readonly unknown[]])[]): Promise<unknown> {
    return this.do('fs', ...calls)
  }

  get pid(): number {
    return this.#child.pid
  }

  end(): Promise<void> {
    return this.#child.end()
  }
}
