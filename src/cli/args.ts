/**
 * A command line → what is asked for. The table says what there is; what it does not know is a usage failure that names the nearest word.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { command, EXIT, Failure, type OptionValues } from './call.ts'
import { nearest } from './suggest.ts'
import type { OptionSpec, Verb } from './spec.ts'
import { GLOBAL_OPTIONS, VERBS } from './table.ts'

type Request =
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly verb?: Verb }
  | { readonly kind: 'pick'; readonly values: OptionValues }
  | { readonly kind: 'run'; readonly verb: Verb; readonly args: readonly string[]; readonly values: OptionValues }

const KNOWN: ReadonlyMap<string, OptionSpec> = new Map(
  // One that has a short form counts, where verbs say the same option in words of their own.
  [...GLOBAL_OPTIONS, ...VERBS.flatMap(({ options }) => options)]
    .sort((a, b) => Number(a.short !== undefined) - Number(b.short !== undefined))
    .map((option) => [option.name, option]),
)

/** Reads the arguments after the program's name. Throws a usage {@link Failure}. */
export function readArguments(argv: readonly string[]): Request {
  const tokens = tokensOf(argv)
  const words = tokens.filter((token) => token.kind === 'positional')
  const isHelp = words[0]?.value === 'help' || tokens.some((token) => token.kind === 'option' && token.name === 'help')
  if (words[0]?.value === 'help') words.shift()
  const verb = words[0] === undefined ? undefined : verbOf(words[0].value, argv, words[0].index)
  if (isHelp) return verb === undefined ? { kind: 'help' } : { kind: 'help', verb }
  const values = valuesOf(tokens, argv, verb)
  if (values['version'] === true) return { kind: 'version' }
  if (verb === undefined) return { kind: 'pick', values }
  const args = words.slice(1).map(({ value }) => value)
  checkArguments(verb, args)
  return { kind: 'run', verb, args, values }
}

type Token = NonNullable<ReturnType<typeof tokensOf>>[number]
type OptionToken = Extract<Token, { kind: 'option' }>

function tokensOf(argv: readonly string[]) {
  const options: NonNullable<ParseArgsConfig['options']> = {}
  for (const { name, short, value } of KNOWN.values()) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) }
  }
  // Not strict, because what it would throw could not name the nearest word.
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

function verbOf(name: string, argv: readonly string[], index: number): Verb {
  const verb = VERBS.find((each) => each.name === name)
  if (verb !== undefined) return verb
  const names = VERBS.map((each) => each.name)
  throw unknown(`${JSON.stringify(name)} is no verb`, nearest(name.toLowerCase(), names), argv, index)
}

function valuesOf(tokens: readonly Token[], argv: readonly string[], verb: Verb | undefined): OptionValues {
  const values: Record<string, string | boolean | readonly string[]> = {}
  const own = verb === undefined ? GLOBAL_OPTIONS : [...GLOBAL_OPTIONS, ...verb.options]
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const option = own.find((each) => each.name === name)
    if (option === undefined) throw unknownOption(token, own, argv, verb)
    if (option.value !== undefined) checkValue(token, option.value, verb)
    else if (value !== undefined) throw wrong(`${rawName} takes no value`, verb)
    if (option.isMany === true) values[name] = [...((values[name] as readonly string[] | undefined) ?? []), value!]
    else values[name] = value ?? true
  }
  return values
}

/** An option behind an option is not its value: whoever typed that has left the value out. A lone - is one. */
function checkValue({ inlineValue, rawName, value }: OptionToken, name: string, verb: Verb | undefined): void {
  const what = `${rawName} needs a value: ${rawName} ${name}`
  if (value === undefined || value.trim() === '') throw wrong(what, verb)
  if (inlineValue || !/^-./.test(value)) return
  if (value.startsWith('--') && KNOWN.has(value.slice(2).split('=')[0]!)) {
    throw wrong(`${what}, and ${value} is an option`, verb)
  }
  const written = rawName.startsWith('--') ? `${rawName}=${value}` : `${rawName}${value}`
  throw wrong(`${what}; one that begins with - is written ${written}`, verb)
}

function unknownOption(
  { name, rawName, value, index }: OptionToken,
  own: readonly OptionSpec[],
  argv: readonly string[],
  verb: Verb | undefined,
): Failure {
  const near = nearest(
    name,
    own.map((option) => option.name),
  )
  const what = `${verb === undefined ? 'foldlog' : verb.name} has no option ${rawName}`
  const repaired = near === undefined ? undefined : `--${near}${value === undefined ? '' : `=${value}`}`
  return unknown(what, repaired, argv, index, verb)
}

/** The failure of a word that is not known, with the same command line with the nearest word in its place. */
function unknown(what: string, near: string | undefined, argv: readonly string[], index: number, verb?: Verb): Failure {
  if (near === undefined) return wrong(what, verb)
  return new Failure(EXIT.usage, `${what}: did you mean ${near}?`, command(...argv.toSpliced(index, 1, near)))
}

function wrong(what: string, verb: Verb | undefined): Failure {
  return new Failure(EXIT.usage, what, verb === undefined ? command('--help') : command(verb.name, '--help'))
}

function checkArguments(verb: Verb, args: readonly string[]): void {
  const { argument, name } = verb
  if (argument?.names !== undefined && args.length !== argument.names.length) {
    throw wrong(`${name} needs ${argument.names.join(' ')}, and there are ${args.length} arguments`, verb)
  }
  const most = argument === undefined ? 0 : (argument.most ?? (argument.isMany ? Infinity : 1))
  if (args.length > most) {
    const few = ['no argument', 'one argument'][most] ?? `${most} arguments`
    throw wrong(`${name} takes ${few}, and there are ${args.length}`, verb)
  }
  if (argument?.isOptional === false && args.length === 0)
    throw wrong(`${name} needs ${/^[AEIO]/.test(argument.name) ? 'an' : 'a'} ${argument.name}`, verb)
  if (args.some((arg) => arg.trim() === '')) throw wrong(`an argument of ${name} is empty`, verb)
}
