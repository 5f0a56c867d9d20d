/**
 * Search as anyone would write it: every message of every session, every text in it. And the texts and queries to compare it on.
 */
import * as fc from 'fast-check'
import type { Message, Part, SearchHit, SearchOptions, SearchQuery, Store } from '../../src/index.ts'

/** What is said about a hit in one word. */
export function nameOf({ sessionId, messageId, partId, isOnPath }: SearchHit): string {
  return [sessionId, messageId, partId ?? '-', isOnPath ? 'path' : 'branch'].join(' ')
}

export async function collect(hits: AsyncIterable<SearchHit>): Promise<SearchHit[]> {
  const all: SearchHit[] = []
  for await (const hit of hits) all.push(hit)
  return all
}

/** The hits of a search by {@link nameOf}, in order. */
export async function naively(store: Store, query: SearchQuery, options: SearchOptions = {}): Promise<string[]> {
  const tests = testsOf(query, options.ignoreCase)
  const names: string[] = []
  for await (const info of store.list({ archived: options.archived ?? false })) {
    const session = (await store.get(info.id))!
    const path = new Set((await session.messages()).map(({ id }) => id))
    for (const message of (await session.messages({ all: true })).toReversed()) {
      if (options.role !== undefined && message.role !== options.role) continue
      const texts = textsOf(message, options.tool)
      const isThere = (matches: (text: string) => boolean): boolean => texts.some(([, all]) => all.some(matches))
      if (!tests.every(isThere)) continue
      for (const [partId, all] of texts) {
        if (!all.some((text) => tests.some((matches) => matches(text)))) continue
        names.push([info.id, message.id, partId, path.has(message.id) ? 'path' : 'branch'].join(' '))
      }
    }
  }
  return names
}

function testsOf(query: SearchQuery, ignoreCase?: boolean): ((text: string) => boolean)[] {
  if (query instanceof RegExp) return [(text) => new RegExp(query).test(text)]
  const needles = typeof query === 'string' ? query.split(/\s+/).filter((word) => word !== '') : [query.phrase]
  const isFolding = ignoreCase ?? typeof query === 'string'
  return needles.map((needle) => (text) => (isFolding ? folded(text).includes(folded(needle)) : text.includes(needle)))
}

/** Each UTF-16 unit as its upper case, where that is one unit and no unit becomes ASCII by it. */
function folded(text: string): string {
  return Array.from({ length: text.length }, (_, i) => {
    const unit = text[i]!
    const upper = unit.toUpperCase()
    return upper.length !== 1 || (upper < '\x80' && unit >= '\x80') ? unit : upper
  }).join('')
}

function textsOf(message: Message, tool: string | undefined): [partId: string, texts: string[]][] {
  const parts = message.parts.filter((part) => tool === undefined || ('callId' in part && part.name === tool))
  const all = parts.map((part): [string, string[]] => [part.id, [...textsOfPart(part), part.statusMessage ?? '']])
  if (tool === undefined) all.push(['-', [message.statusMessage ?? '', message.error?.message ?? '']])
  return all.map(([id, texts]) => [id, texts.filter((text) => text !== '')])
}

function textsOfPart(part: Part): string[] {
  switch (part.type) {
    case 'text':
    case 'reasoning':
    case 'compaction':
      return [part.text]
    case 'file':
      return [part.name ?? '', part.url ?? '']
    case 'tool-call':
      return [part.name, ...(part.rawInput === undefined ? leaves(part.input) : [part.rawInput])]
    case 'tool-result':
      return [
        part.name,
        part.title ?? '',
        ...leaves(part.output),
        ...(part.content ?? []).flatMap(textsOfPart),
        part.error?.message ?? '',
      ]
    case 'data':
      return [part.name, ...leaves(part.data)]
  }
}

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value === 'number') return [String(value)]
  if (Array.isArray(value)) return value.flatMap(leaves)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, item]) => [name, ...leaves(item)])
}

/** Few pieces, so that what is searched for is there often, and much that is written in several ways. */
const PIECES = [
  'a',
  'K',
  's',
  'é',
  'É',
  'ß',
  'σ',
  'ς',
  '/',
  '\\',
  '"',
  '\n',
  '\t',
  '\u001B',
  '\u2028',
  ' ',
  '😀',
  '日',
  'u00',
  '1',
  'text',
  '{"v":1,"id":"',
  '\u212A',
  '\u017F',
]

const some = (maxLength: number): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...PIECES), { minLength: 1, maxLength }).map((all) => all.join(''))
export const someWords: fc.Arbitrary<string> = some(4)
/** Short, or nothing would be found. */
const wanted = some(2)
const numbers = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(1e21, 100, 0.1),
)

export const someJson: fc.Arbitrary<unknown> = fc.letrec<{ json: unknown }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 2 },
    someWords,
    numbers,
    fc.constant(null),
    fc.array(tie('json'), { maxLength: 2 }),
    fc.dictionary(someWords, tie('json'), { maxKeys: 2 }),
  ),
})).json

export const somePart: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  fc.record({ type: fc.constant('text'), text: someWords }),
  fc.record({ type: fc.constant('reasoning'), text: someWords }),
  fc.record({
    type: fc.constant('tool-call'),
    callId: fc.constant('c'),
    name: fc.constantFrom('bash', 'a/b'),
    input: someJson,
  }),
  fc.record({
    type: fc.constant('tool-result'),
    callId: fc.constant('c'),
    name: fc.constantFrom('bash', 'a/b'),
    output: someJson,
  }),
  fc.record({ type: fc.constant('data'), name: someWords, data: someJson }),
)

export const someQuery: fc.Arbitrary<SearchQuery> = fc.oneof(
  wanted.filter((text) => text.trim() !== ''),
  wanted.map((phrase) => ({ phrase })),
  fc
    .tuple(
      wanted,
      fc.constantFrom('', 'i', 'u', 'iu', 'v', 'iv'),
      fc.constantFrom('', '.', '(?:x|y)?', '|1', '+', '[^b]'),
    )
    .map(([text, flags, more]) => new RegExp(text.replaceAll(/[$()*+.?/[\\\]^{|}]/g, String.raw`\$&`) + more, flags)),
)
