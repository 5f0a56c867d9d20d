/**
 * What every text that matches a regular expression must hold, as far as its source says so plainly: runs of characters that stand for
 * themselves, outside of groups and classes. Whatever is not understood ends a run, so that what is left is never too much. Pure.
 */

/** A piece of text. */
export interface Literal {
  readonly text: string
  /** As expressions with the flag `i` and without `u` ignore it. */
  readonly ignoreCase: boolean
}

/** Of each alternative the longest run; undefined if some alternative has none. */
export function literalsOf({ flags, source, ignoreCase }: RegExp): readonly Literal[] | undefined {
  // With both flags more letters are the same: K and the sign of Kelvin.
  const isFolding = ignoreCase && /[uv]/.test(flags)
  const runs = alternativesOf(
    source,
    flags.includes('v'),
    (char) => !isFolding || /[\0-jl-rt-\x7F]/.test(char.toLowerCase()),
  )
  return runs?.map((text) => ({ text, ignoreCase }))
}

/** An escape, a quantifier with numbers, or any other character. */
const TOKEN = /\\(?:u\{[^}]*\}|u[\da-f]{4}|x[\da-f]{2}|c[a-z]|k<[^>]*>|p\{[^}]*\}|\d+|.)|\{\d+(?:,\d*)?\}|[^\\]/gisu
const QUANTIFIER = /^(?:[*?]|\{)/

function alternativesOf(source: string, isNested: boolean, isPlain: (char: string) => boolean): string[] | undefined {
  const tokens = source.match(TOKEN) ?? []
  const best: string[] = []
  let [longest, run] = ['', '']
  const end = (): void => {
    if (run.length > longest.length) longest = run
    run = ''
  }
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    if (token === '|') {
      end()
      best.push(longest)
      longest = ''
    } else if (token === '[') {
      end()
      i = endOfClass(tokens, i, isNested)
    } else if (token === '(') {
      end()
      i = endOfGroup(tokens, i, isNested)
    } else {
      const char = charOf(token)
      const next = tokens[i + 1] ?? ''
      // What may be absent is not required.
      if (char !== undefined && isPlain(char) && !QUANTIFIER.test(next)) run += char
      else end()
      if (next === '+') end()
    }
  }
  end()
  best.push(longest)
  return best.includes('') ? undefined : best
}

/** The character that a token stands for; undefined if it stands for none, or for several. */
function charOf(token: string): string | undefined {
  if (token.length > 1 && token.startsWith('\\')) {
    const [, char = ''] = token
    if (token === String.raw`\n`) return '\n'
    if (token === String.raw`\t`) return '\t'
    return token.length === 2 && /[!-/:-@[-`{-~]/.test(char) ? char : undefined
  }
  if (/[.^$*+?{}()[\]|\\]/.test(token)) return undefined
  return token.isWellFormed() ? token : undefined
}

/** Classes nest under the flag `v` alone. */
function endOfClass(tokens: readonly string[], start: number, isNested: boolean): number {
  let depth = 0
  for (let i = start; i < tokens.length; i++) {
    if (tokens[i] === '[' && (isNested || i === start)) depth++
    if (tokens[i] === ']' && --depth === 0) return i
  }
  return tokens.length
}

function endOfGroup(tokens: readonly string[], start: number, isNested: boolean): number {
  let depth = 0
  for (let i = start; i < tokens.length; i++) {
    if (tokens[i] === '[') i = endOfClass(tokens, i, isNested)
    if (tokens[i] === '(') depth++
    if (tokens[i] === ')' && --depth === 0) return i
  }
  return tokens.length
}
