/**
 * What is found in the state of a session. Pure.
 */
import type { Fold } from './fold.ts'
import { deepFreeze } from './json.ts'
import type { Log } from './log.ts'
import type { Message, Part } from './message.ts'
import { isMatch, type Term } from './search-query.ts'
import type { Request } from './search-request.ts'
import { textsOfMessage, textsOfPart, toolOf, type Text } from './search-texts.ts'
import type { SearchHit } from './search.ts'
import { snippetOf } from './snippet.ts'

/** A part with a text in which something was found; without a part, the message itself. */
interface Found {
  readonly part: Part | undefined
  readonly text: Text
}

/** The hits in each message, newest first; none in those in which not all was found. */
export function* hitsIn(
  log: Pick<Log, 'fold' | 'info' | 'key'>,
  request: Request,
): Generator<readonly SearchHit[], void> {
  const { fold } = log
  let path: ReadonlySet<string> | undefined
  for (const message of fold.all().reverse()) {
    const found = foundIn(message, request)
    if (found.length > 0) path ??= pathOf(fold)
    yield found.map((each) => hitOf(log, message, path?.has(message.id) === true, each, request))
  }
}

function pathOf({ tree }: Fold): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const { id } of tree.walkBack(tree.active)) ids.add(id)
  return ids
}

/** Where something was found in a message, once a part; nothing if not all of it was. */
function foundIn(message: Message, request: Request): readonly Found[] {
  const { role, since, tool, until } = request
  const { created } = message.time
  if ((role !== undefined && message.role !== role) || created < since || created >= until) return []
  const missing = new Set(request.terms)
  const found: Found[] = []
  const look = (texts: Iterable<Text>, part?: Part): void => {
    const text = firstIn(texts, request.terms, missing)
    if (text !== undefined) found.push({ part, text })
  }
  for (const part of message.parts) if (tool === undefined || toolOf(part) === tool) look(textsOfPart(part), part)
  if (tool === undefined) look(textsOfMessage(message))
  return missing.size === 0 ? found : []
}

/** The first text in which something is found. Takes all that is found in any of them out of what is missing. */
function firstIn(texts: Iterable<Text>, terms: readonly Term[], missing: Set<Term>): Text | undefined {
  let first: Text | undefined
  for (const text of texts) {
    for (const term of terms) {
      if (first !== undefined && !missing.has(term)) continue
      if (!isMatch(term, text.text)) continue
      first ??= text
      missing.delete(term)
    }
    if (first !== undefined && missing.size === 0) return first
  }
  return first
}

function hitOf(
  { fold, info, key }: Pick<Log, 'fold' | 'info' | 'key'>,
  { id, role, time }: Message,
  isOnPath: boolean,
  { part, text }: Found,
  { terms }: Request,
): SearchHit {
  const tool = toolOf(part)
  const patterns = terms.map(({ pattern }) => pattern)
  return deepFreeze({
    ...key,
    ...(info.title === undefined ? {} : { title: info.title }),
    messageId: id,
    ...(part === undefined ? {} : { partId: part.id, type: part.type }),
    role,
    ...(tool === undefined ? {} : { tool }),
    time: time.created,
    isOnPath,
    eventId: fold.touched(id),
    snippet: snippetOf(text.text, patterns, text.label),
  })
}
