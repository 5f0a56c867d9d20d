/**
 * How a verb is described: its argument, options and examples, and what several verbs say in the same words.
 *
 * An option of one name is of one kind wherever it is used, so that a command line can be read before its verb is known.
 */
import type { Run } from './call.ts'

export interface OptionSpec {
  readonly name: string
  readonly short?: string
  /** What its value is called. Absent: it has none. */
  readonly value?: string
  /** Whether its value names a session that is there, for completion. */
  readonly isSession?: boolean
  /** Whether it may be given several times, and each counts. Otherwise the last one does. */
  readonly isMany?: boolean
  readonly text: string
}

export interface ArgumentSpec {
  readonly name: string
  /** What each is called, where there have to be just so many. */
  readonly names?: readonly string[]
  readonly isOptional: boolean
  readonly isMany: boolean
  /** How many there may be at most, where there may be several but not any number. */
  readonly most?: number
  /** What it may be, where that is a closed set, for completion. */
  readonly words?: readonly string[]
  /** How it is written in the usage, where `[NAME]` or `NAME…` does not say it. */
  readonly usage?: string
  readonly text: string
}

export interface Example {
  readonly command: string
  readonly text: string
}

export interface Verb {
  readonly name: string
  /** What it does, as the end of "this verb …". */
  readonly summary: string
  /** What else is worth knowing, a paragraph each. */
  readonly details: readonly string[]
  readonly argument?: ArgumentSpec
  /** Whether what it prints goes through a pager where it is higher than the screen. */
  readonly isPaged?: boolean
  /** Besides {@link GLOBAL_OPTIONS}. */
  readonly options: readonly OptionSpec[]
  readonly examples: readonly Example[]
  readonly load: () => Promise<Run>
}

export const SESSION: ArgumentSpec = {
  name: 'ID',
  isOptional: true,
  isMany: false,
  text: 'the session; default @, the latest',
}
export const EVENT = 'an id from `foldlog log`, whole, its beginning or its end'

export const FILES_ALONE =
  'It looks at the files that are named and nowhere else: --root, -n and --json change nothing.'

export const SHARED: OptionSpec = {
  name: 'shared',
  text: 'the root is a shared one, even if no session in it has segments: write files of its own',
}
export const YES: OptionSpec = { name: 'yes', text: 'do it, instead of saying what would be done' }
