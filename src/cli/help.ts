/**
 * Help, made from the table of verbs.
 */
import type { OptionSpec, Verb } from './spec.ts'
import { EXIT_CODES, GLOBAL_OPTIONS, GROUPS, ID_FORMS, SUMMARY, VERBS } from './table.ts'
import { padEnd, widthOf, wrap } from './text.ts'

const WIDTH = 80
const INDENT = 2
const BELOW = 4
/** Of what is beside a term. In less it goes below it. */
const LEAST_WIDTH = 24

/** What foldlog does, in lines of 80 columns at most. */
export function overview(columns: number = WIDTH): string {
  const width = Math.min(WIDTH, columns)
  return sections(
    wrap(`foldlog ${SUMMARY}`, width).join('\n'),
    titled(
      'usage',
      pairs(
        [
          ['foldlog VERB [options]', 'do one of the things below'],
          ['foldlog VERB --help', 'what a verb does, with examples'],
          ['foldlog', 'on a terminal: search for a session and show it'],
        ],
        width,
      ),
    ),
    ...GROUPS.map(([title, verbs]) => titled(title, summaries(verbs, width))),
    titled('options of every verb', optionLines(GLOBAL_OPTIONS, width)),
    titled('ids', pairs(ID_FORMS, width)),
    titled('exit codes', pairs(EXIT_CODES, width)),
  )
}

/** Verbs and what they do, in columns as wide as in all other groups. */
function summaries(verbs: readonly Verb[], width: number): string[] {
  const wide = Math.max(...VERBS.map(({ name }) => name.length))
  return pairs(
    verbs.map(({ name, summary }) => [name.padEnd(wide), summary]),
    width,
  )
}

/** What a verb does, in lines of 80 columns at most, but for commands. */
export function helpOf(verb: Verb, columns: number = WIDTH): string {
  const width = Math.min(WIDTH, columns)
  const { argument, details, examples, name, options, summary } = verb
  return sections(
    wrap(`foldlog ${name} ${summary}`, width).join('\n'),
    titled('usage', [usage(verb)]),
    ...details.map((text) => wrap(text, width).join('\n')),
    titled(
      'argument',
      argument === undefined ? [] : pairs([[argument.names?.join(' ') ?? argument.name, argument.text]], width),
    ),
    titled('options', optionLines([...options, ...GLOBAL_OPTIONS.filter((option) => isShown(option, options))], width)),
    titled(
      'examples',
      examples.flatMap((example) => [example.command, ...below(example.text, width)]),
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

function optionLines(options: readonly OptionSpec[], width: number): string[] {
  return pairs(
    options.map((option) => [signature(option), option.text]),
    width,
  )
}

function signature({ name, short, value }: OptionSpec): string {
  return `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
}

/** Two columns, the second one wrapped, or below the first one where that leaves it no room. */
function pairs(rows: readonly (readonly [string, string])[], width: number): string[] {
  const left = Math.max(...rows.map(([term]) => widthOf(term))) + 2
  const room = width - INDENT - left
  if (room < LEAST_WIDTH) {
    const inner = BELOW + Math.max(...rows.map(([term]) => term.length - term.trimStart().length))
    return rows.flatMap(([term, text]) => [term.trimEnd(), ...below(text, width, inner)])
  }
  return rows.flatMap(([term, text]) => {
    const [first = '', ...rest] = wrap(text, room)
    return [padEnd(term, left) + first, ...rest.map((line) => ' '.repeat(left) + line)]
  })
}

/** The lines of a text below a term, further in than that. */
function below(text: string, width: number, indent: number = BELOW): string[] {
  return wrap(text, width - INDENT - indent).map((line) => ' '.repeat(indent) + line)
}

function titled(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [`${title}:`, ...lines.map((line) => ' '.repeat(INDENT) + line)].join('\n')
}

function sections(...texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n\n')
}
