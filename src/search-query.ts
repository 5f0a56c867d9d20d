/**
 * What is searched for → terms: patterns that texts are held against, and for each what the bytes of a line must hold for any text in it to match.
 * Pure.
 */
import { FoldlogError } from './errors.ts'
import { literalsOf, type Literal } from './search-literals.ts'
import type { SearchQuery } from './search.ts'

/** One thing that a message must hold. */
export interface Term {
  /** Global, so that it can go on from a place. */
  readonly pattern: RegExp
  /** A text that matches holds one of them. Undefined: that is not known. */
  readonly literals: readonly Literal[] | undefined
}

/** `ignoreCase`: by default only of words. Throws `INVALID_OPTION` for a query that says nothing. */
export function termsOf(query: SearchQuery, ignoreCase: boolean | undefined): readonly Term[] {
  if (query instanceof RegExp) {
    if (ignoreCase !== undefined)
      throw invalid('ignoreCase', 'a regular expression says itself whether case matters: /…/i')
    return [{ pattern: new RegExp(query.source, flagsOf(query)), literals: literalsOf(query) }]
  }
  if (typeof query === 'string') {
    const words = query.split(/\s+/).filter((word) => word !== '')
    if (words.length === 0) throw invalid('query', 'query has no word in it: pass words, a phrase or a RegExp')
    return [...new Set(words)].map((word) => termOf(word, ignoreCase ?? true))
  }
  const phrase: unknown = (query as { readonly phrase?: unknown } | null | undefined)?.phrase
  if (typeof phrase === 'string' && phrase !== '') return [termOf(phrase, ignoreCase ?? false)]
  throw invalid('query', 'query must be words, a RegExp or {phrase} with some text')
}

function termOf(text: string, ignoreCase: boolean): Term {
  const source = text.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`)
  // Bytes are always whole characters.
  const literals = text.isWellFormed() ? [{ text, ignoreCase }] : undefined
  return { pattern: new RegExp(source, ignoreCase ? 'gi' : 'g'), literals }
}

/** A sticky expression would match at the beginning of a text only. */
function flagsOf({ flags }: RegExp): string {
  return `${flags.replaceAll(/[gy]/g, '')}g`
}

export function invalid(field: string, message: string): FoldlogError {
  return new FoldlogError('INVALID_OPTION', message, { field })
}

/** Whether a term is in a text. */
export function isMatch({ pattern }: Term, text: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(text)
}
