/**
 * A search over the texts of many sessions: what is asked for, and what is found. How it is done is in search-run.ts, loaded with the first hit.
 */
import type { Engine } from './engine.ts'
import type { Part, Role } from './message.ts'
import type { Snippet } from './snippet.ts'

/**
 * Words, all of which must be in one message, in whatever order and in longer words too; a phrase, as it is; or a regular expression, tried on each
 * text for itself.
 */
export type SearchQuery = string | RegExp | { readonly phrase: string }

export interface SearchOptions {
  /** Where to look. Default: the namespace of the store. */
  readonly namespaces?: 'all' | readonly string[]
  /** Whether `timeout` finds `TIMEOUT`. Default: true for words, false for a phrase; an expression says it by its flags. */
  readonly ignoreCase?: boolean
  /** Only messages of this role. */
  readonly role?: Role
  /** Only messages from this time on, or before it: a Date, or ms since the epoch. */
  readonly since?: Date | number
  readonly until?: Date | number
  /** Only calls and results of the tool of this name. */
  readonly tool?: string
  /** Default false: only sessions that are not archived; true: only archived ones. */
  readonly archived?: boolean | 'all'
  /** At most so many hits. Default: all. */
  readonly limit?: number
  /** Ends the search: it rejects with the signal's reason. */
  readonly signal?: AbortSignal
}

/** A part of a message in which something was found, or the message's own error. */
export interface SearchHit {
  readonly namespace: string
  readonly sessionId: string
  /** Of the session. */
  readonly title?: string
  readonly messageId: string
  /** Absent: what was found is said of the message, and not in a part of it. */
  readonly partId?: string
  readonly type?: Part['type']
  readonly role: Role
  /** Of a tool call or result. */
  readonly tool?: string
  /** When the message was created, in ms since the epoch. */
  readonly time: number
  /** False: it is on a branch that is not the conversation. `session.messages({ branch: messageId })` is that branch. */
  readonly isOnPath: boolean
  /** The newest event of the message: `session.at(eventId)` is the session as it was then. */
  readonly eventId: string
  readonly snippet: Snippet
}

/** What a search has looked at so far. */
export interface Searched {
  sessions: number
  /** Of texts in files, too. */
  sizeBytes: number
  /** Texts in files that are missing or damaged, so that nothing was found in them; `store.fsckFiles` says which. */
  unreadable: number
}

/** A search, which is done while it is iterated, and again each time. */
export class Search implements AsyncIterable<SearchHit> {
  /** What the last iteration has looked at so far. */
  readonly searched: Readonly<Searched> = { sessions: 0, sizeBytes: 0, unreadable: 0 }
  readonly #engine: Engine
  readonly #query: SearchQuery
  readonly #options: SearchOptions & { readonly namespaces: 'all' | readonly string[] }

  /** Made by `store.search`. */
  constructor(
    engine: Engine,
    query: SearchQuery,
    options: SearchOptions & { readonly namespaces: 'all' | readonly string[] },
  ) {
    this.#engine = engine
    this.#query = query
    this.#options = options
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<SearchHit, void> {
    const { runSearch } = await import('./search-run.ts')
    yield* runSearch(
      this.#engine,
      this.#query,
      this.#options,
      Object.assign(this.searched, { sessions: 0, sizeBytes: 0, unreadable: 0 }),
    )
  }
}
