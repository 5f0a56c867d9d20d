/**
 * What `store.search` was called with, checked.
 */
import { assertCount, assertOneOf } from './input.ts'
import { assertOptions } from './options.ts'
import { invalid, termsOf, type Term } from './search-query.ts'
import type { SearchOptions, SearchQuery } from './search.ts'

const OPTIONS = ['namespaces', 'ignoreCase', 'role', 'since', 'until', 'tool', 'archived', 'limit', 'signal']

export type Options = SearchOptions & { readonly namespaces: 'all' | readonly string[] }

/** A search as it is carried out. */
export interface Request {
  readonly terms: readonly Term[]
  readonly role: string | undefined
  readonly tool: string | undefined
  /** In ms since the epoch: from the first on, before the second. */
  readonly since: number
  readonly until: number
}

export function requestOf(query: SearchQuery, options: Options): Request {
  assertOptions(options, OPTIONS, 'search')
  const { archived, ignoreCase, limit, role, tool, since, until, namespaces } = options
  assertOneOf(archived, [undefined, true, false, 'all'], 'archived')
  assertOneOf(ignoreCase, [undefined, true, false], 'ignoreCase')
  assertOneOf(role, [undefined, 'system', 'user', 'assistant', 'tool'], 'role')
  if (limit !== undefined) assertCount(limit, 1, 'limit')
  if (tool !== undefined && typeof tool !== 'string') throw invalid('tool', 'tool must be the name of a tool')
  if (namespaces !== 'all' && !Array.isArray(namespaces))
    throw invalid('namespaces', "namespaces must be 'all' or a list of names")
  return {
    terms: termsOf(query, ignoreCase),
    role,
    tool,
    since: since === undefined ? -Infinity : timeOf(since, 'since'),
    until: until === undefined ? Infinity : timeOf(until, 'until'),
  }
}

function timeOf(value: Date | number, field: string): number {
  const time = value instanceof Date ? value.getTime() : value
  if (typeof time === 'number' && !Number.isNaN(time)) return time
  throw invalid(field, `${field} must be a valid Date, or ms since the epoch`)
}
