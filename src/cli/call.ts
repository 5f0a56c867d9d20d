/**
 * What a verb is given and what it answers with: options, output, exit codes, failures.
 *
 * Invariant of the command line: stdout holds data and nothing else; whatever is said about it goes to stderr.
 */
import type { Output } from './output.ts'
import { parseTime } from './time.ts'

/** How a process ends. */
export const EXIT = { ok: 0, notFound: 1, usage: 2, damaged: 3 } as const
export type Exit = (typeof EXIT)[keyof typeof EXIT]

/** Ends a verb with a message, and with commands to run next. Its text is sanitized when it is shown. */
export class Failure extends Error {
  readonly exit: Exit
  readonly hints: readonly string[]

  constructor(exit: Exit, message: string, ...hints: string[]) {
    super(message)
    this.exit = exit
    this.hints = hints
  }
}

/** What a verb does. Rejects with a {@link Failure} or what the library rejects with. */
export type Run = (call: Call) => Promise<Exit>

export type OptionValues = Readonly<Record<string, string | boolean | readonly string[]>>

/** One call of a verb. */
export class Call {
  readonly out: Output
  readonly verb: string
  readonly args: readonly string[]
  readonly #values: OptionValues

  constructor(out: Output, verb: string, args: readonly string[], values: OptionValues) {
    this.out = out
    this.verb = verb
    this.args = args
    this.#values = values
  }

  /** The directory to look in. An empty `$FOLDLOG_ROOT` is none. */
  get root(): string {
    return this.text('root') ?? (process.env['FOLDLOG_ROOT'] || '.sessions')
  }

  /** The namespace that was asked for; undefined: all of them, or the verb's default. */
  get namespace(): string | undefined {
    return this.text('namespace')
  }

  get isJson(): boolean {
    return this.flag('json')
  }

  flag(name: string): boolean {
    return this.#values[name] === true
  }

  text(name: string): string | undefined {
    const value = this.#values[name]
    return typeof value === 'string' ? value : undefined
  }

  /** All values of an option that may be given several times. */
  texts(name: string): readonly string[] {
    const values = this.#values[name]
    return Array.isArray(values) ? (values as readonly string[]) : []
  }

  /** A whole number from 0 on. */
  count(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw new Failure(EXIT.usage, `--${name} needs a whole number, and ${JSON.stringify(text)} is none`, this.help())
  }

  /** Until when something was, in ms since the epoch: an age like `2h`, or a time that was. */
  past(name: string): number | undefined {
    const text = this.text(name)
    if (text === undefined) return undefined
    const now = Date.now()
    const time = parseTime(text, now)
    if (time !== undefined && time <= now) return time
    const what = `--${name}: ${JSON.stringify(text)} is neither an age like 2h nor a time that was`
    throw new Failure(EXIT.usage, what, this.help())
  }

  help(): string {
    return command(this.verb, '--help')
  }

  /** A command that looks in the same root. */
  command(...words: string[]): string {
    const root = this.text('root')
    return command(...words, ...(root === undefined ? [] : ['--root', root]))
  }

  /**
   * This verb again with its options, and with an id in the place of the name that was typed. Without --yes: what is done for
   * good is looked at first, now that the id is known.
   */
  instead(name: string, id: string, ...words: string[]): string {
    const isArgument = this.args.some((arg) => arg.trim() === name)
    const replaced = (text: string): string => (text.trim() === name ? id : text)
    const args = this.args.map(replaced)
    const options = Object.entries(this.#values)
      .filter(([option]) => !['root', 'namespace', 'yes'].includes(option))
      .flatMap(([option, value]) => [value].flat().flatMap((one) => optionWords(option, one)))
    // A name that is no argument is the value of an option, such as --parent.
    const given = isArgument ? options : options.map(replaced)
    if (args.every((arg) => !arg.startsWith('-'))) return this.command(this.verb, ...args, ...given, ...words)
    const root = this.text('root')
    return command(this.verb, ...given, ...words, ...(root === undefined ? [] : ['--root', root]), '--', ...args)
  }

  /** A command about the session that was named here. */
  again(verb: string, ...words: string[]): string {
    const { namespace } = this
    return this.command(verb, this.args[0] ?? '@', ...words, ...(namespace === undefined ? [] : ['-n', namespace]))
  }
}

/** An option as it is typed. A value that begins with - would be read as an option of its own. */
function optionWords(name: string, value: string | boolean): string[] {
  if (typeof value === 'boolean') return [`--${name}`]
  return value.startsWith('-') ? [`--${name}=${value}`] : [`--${name}`, value]
}

/** A command as it can be typed into a shell. */
export function command(...words: readonly string[]): string {
  return shellLine('foldlog', ...words)
}

/** Words as they can be typed into a shell. */
export function shellLine(...words: readonly string[]): string {
  return words.map(quoted).join(' ')
}

function quoted(word: string): string {
  return /^[\w@%+=:,./{}~-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
