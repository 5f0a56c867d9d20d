/**
 * Help, made from the table of verbs.
 */
import type { OptionSpec, Verb } from './spec.ts'
import { EXIT_CODES, GLOBAL_OPTIONS, GROUPS, ID_FORMS, SUMMARY, VERBS } from './table.ts'
import { padEnd, widthOf, wrap } from './text.ts'

const WIDTH = 80

/** What foldlog does. */
export function overview(): string {
  return sections(
    `foldlog ${SUMMARY}`,
    titled(
      'usage',
      pairs([
        ['foldlog VERB [options]', 'do one of the things below'],
        ['foldlog VERB --help', 'what a verb does, with examples'],
        ['foldlog', 'on a terminal: search for a session and show it'],
      ]),
    ),
    ...GROUPS.map(([title, verbs]) => titled(title, summaries(verbs))),
    titled('options of every verb', optionLines(GLOBAL_OPTIONS)),
    titled('ids', pairs(ID_FORMS)),
    titled('exit codes', pairs(EXIT_CODES)),
  )
}

/** Verbs and what they do, in columns as wide as in all other groups. */
function summaries(verbs: readonly Verb[]): string[] {
  const wide = Math.max(...VERBS.map(({ name }) => name.length))
  return pairs(verbs.map(({ name, summary }) => [name.padEnd(wide), summary]))
}

/** What a verb does. */
export function helpOf(verb: Verb): string {
  const { argument, details, examples, name, options, summary } = verb
  return sections(
    `foldlog ${name} ${summary}`,
    titled('usage', [usage(verb)]),
    ...details.map((text) => wrap(text, WIDTH).join('\n')),
    titled(
      'argument',
      argument === undefined ? [] : pairs([[argument.names?.join(' ') ?? argument.name, argument.text]]),
    ),
    titled('options', optionLines([...options, ...GLOBAL_OPTIONS.filter((option) => isShown(option, options))])),
    titled(
      'examples',
      examples.flatMap((example) => [example.command, `    ${example.text}`]),
    ),
  )
}

/** `foldlog show [ID] [options]`. */
export function usage({ name, argument }: Verb): string {
  const words = ['foldlog', name]
  if (argument !== undefined) {
    const shown = argument.names?.join(' ') ?? `${argument.name}${argument.isMany ? '…' : ''}`
    words.push(argument.usage ?? (argument.isOptional ? `[${shown}]` : shown))
  }
  return [...words, '[options]'].join(' ')
}

/** A verb may say an option of every verb in its own words. */
function isShown({ name }: OptionSpec, own: readonly OptionSpec[]): boolean {
  return name !== 'version' && !own.some((option) => option.name === name)
}

function optionLines(options: readonly OptionSpec[]): string[] {
  return pairs(options.map((option) => [signature(option), option.text]))
}

function signature({ name, short, value }: OptionSpec): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
}

/** Two columns, the second one wrapped. */
function pairs(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.max(...rows.map(([term]) => widthOf(term))) + 2
  return rows.flatMap(([term, text]) => {
    const [first = '', ...rest] = wrap(text, WIDTH - 2 - left)
    return [padEnd(term, left) + first, ...rest.map((line) => ' '.repeat(left) + line)]
  })
}

function titled(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`${title}:`, ...lines.map((line) => `  ${line}`)].join('\n')
}

function sections(...texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n\n')
}
