/**
 * What can come next on a command line, as the table of verbs says. Pure.
 */
import type { OptionSpec, Verb } from './spec.ts'
import { GLOBAL_OPTIONS, VERBS } from './table.ts'

/** What an argument or the value of an option is taken from. */
type Kind = 'ids' | 'files' | 'directories' | 'words' | 'nothing'

/** What an argument of a verb is. */
export function kindOf({ argument }: Verb): Kind {
  if (argument === undefined) return 'nothing'
  if (argument.words !== undefined) return 'words'
  if (argument.name === 'PATH' || argument.name === 'FILE') return 'files'
  return ['ID', 'MESSAGE'].includes(argument.name) ? 'ids' : 'nothing'
}

/** What the value of an option is; undefined: it has none. */
export function valueKindOf({ isSession, value }: OptionSpec): Kind | undefined {
  if (value === undefined) return undefined
  if (isSession === true) return 'ids'
  if (value === 'DIR') return 'directories'
  return value === 'FILE' || value === 'PATH' ? 'files' : 'nothing'
}

/** The options of a verb, its own first. */
export function optionsOf({ options }: Verb): readonly OptionSpec[] {
  return [
    ...options,
    ...GLOBAL_OPTIONS.filter(({ name }) => name !== 'version' && !options.some((own) => own.name === name)),
  ]
}

/** Every option that there is, each name once. */
export function allOptions(): readonly OptionSpec[] {
  return [...new Map([...GLOBAL_OPTIONS, ...VERBS.flatMap(optionsOf)].map((option) => [option.name, option])).values()]
}

/** How an option can be typed: `-n`, `--namespace`. */
export function flagsOf({ name, short }: OptionSpec): readonly string[] {
  return [...(short === undefined ? [] : [`-${short}`]), `--${name}`]
}
