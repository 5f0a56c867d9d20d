/**
 * The port: where lines are kept. Types only.
 *
 * A backend moves opaque lines of sessions. It never parses more than a line's id (and, in the file backend's guard,
 * the log-keeping fields), never reorders lines and never drops one. The laws below are the contract suite in
 * `foldlog/testing`:
 *
 *  1. An append whose ids are all there succeeds and adds nothing, whatever it expects.
 *  2. A cursor is opaque and carries the last id. A backend that cannot find that id at that place rejects with
 *     `STALE_CURSOR`; the core then reads from the start.
 *  3. `read(after)` never skips: what is appended later comes after.
 *  4. Each line of an append is in the log whole or not at all; after an error a prefix of the lines may be in.
 *  5. Bytes come back identical.
 *  6. Hints may be late, repeated or lost, and are never data.
 *  7. `append` never brings a removed session back.
 */

export interface SessionKey {
  readonly namespace: string
  readonly sessionId: string
}

declare const cursorBrand: unique symbol
/** A place in one log of one backend. Opaque, compared only for equality. */
export type Cursor = string & { readonly [cursorBrand]: true }

/** A line to write: its id, and its text without a line feed. */
export interface NewLine {
  readonly id: string
  readonly text: string
}

/** A line as it lies in the log, which may be anything, not only what a foldlog wrote. */
export interface StoredLine {
  /** The bytes without the line feed; not to be changed. */
  readonly bytes: Uint8Array
  /** Which file of the log, relative to the namespace; empty where there are no files. */
  readonly file: string
  /** 1-based line number in that file, and the byte it starts at. */
  readonly line: number
  readonly offset: number
  /** The place right after this line. */
  readonly cursor: Cursor
}

/** Some lines in the order of the log, and the place right after them. */
export interface LineBatch {
  readonly lines: readonly StoredLine[]
  readonly cursor: Cursor
}

export interface AppendOptions {
  /** `'absent'`: create the log, or reject with `ALREADY_EXISTS`. Otherwise a missing log is `NOT_FOUND`. */
  readonly expect?: 'absent'
  /** The place the caller has read up to. */
  readonly after?: Cursor
}

export interface AppendResult {
  /**
   * The place right after the lines, if they follow `options.after` directly and once. Absent: something else came
   * between, so read on from `after` to see everything in order, the own lines included.
   */
  readonly cursor?: Cursor
}

/** A session in a listing. */
export interface Head {
  readonly sessionId: string
  /** Changes whenever the log may have changed. Compared only for equality. */
  readonly version: string
  /** False while a change could still hide behind an equal `version` (a file touched in the last two seconds). */
  readonly isSettled: boolean
  readonly sizeBytes: number
  /** The place of the log's end at that time, where it costs nothing to know. It may be in the middle of a line. */
  readonly end?: Cursor
}

/** A change somewhere. Never data: look at the session. Without `sessionId`, look at all of the namespace. */
export interface Hint {
  readonly namespace: string
  readonly sessionId?: string
}

/** What a watcher tells besides hints. */
export interface WatchEvents {
  onHint(hint: Hint): void
  /** Watching got worse (too many files, no such facility) and goes on by polling. */
  onDegraded(reason: string, cause?: unknown): void
}

export interface Capabilities {
  /** What an acknowledged append survives. */
  readonly durability: 'memory' | 'process' | 'disk' | 'quorum'
  /** Whether appends guarded by a cursor are exact, or not there. */
  readonly guards: 'exact' | 'none'
  readonly watch: 'push' | 'poll' | 'none'
  /** Whether attachments can be stored. */
  readonly files: boolean
  /** Whether infos can be cached beside the logs. */
  readonly infos: boolean
  /**
   * Whether copies of this place are merged. Then of several who create a session at once all may succeed, and the log has the lines of all;
   * a removed session is removed in every copy, and cannot be created again before it is purged.
   */
  readonly shared: boolean
  readonly maxLineBytes: number
}

export interface Backend {
  readonly capabilities: Capabilities
  /** What users know this place by: a directory, a URL. Goes into bus events as `root`. */
  readonly root: string
  /** A backend that is done when it returns may answer without a promise. What fails always rejects. */
  append(key: SessionKey, lines: readonly NewLine[], options?: AppendOptions): AppendResult | Promise<AppendResult>
  /** All lines after `after`, or all; complete up to the moment of the call. A missing log is `NOT_FOUND`. */
  read(key: SessionKey, options?: { readonly after?: Cursor }): AsyncIterable<LineBatch>
  /** The session's state in a listing; undefined if it is not there. */
  head(key: SessionKey): Promise<Head | undefined>
  /** Every session of a namespace, in no particular order; empty if the namespace is not there. */
  list(namespace: string): Promise<readonly Head[]>
  namespaces(): Promise<readonly string[]>
  /** Removes a log for good; false if it was not there. In a shared place a tombstone stays. */
  remove(key: SessionKey): Promise<boolean>
  /** Removes a log and its tombstone, so that its id is free again; false if neither was there. */
  purge(key: SessionKey): Promise<boolean>
  /** Calls back on changes made by anyone, in one namespace or in all. Resolves when watching; stops by the result. */
  watch(namespace: string | undefined, events: WatchEvents): Promise<() => Promise<void>>
  /** Attachments by content. Same bytes, same name, stored once. */
  readonly files: {
    put(namespace: string, name: string, bytes: Uint8Array): Promise<void>
    get(namespace: string, name: string): Promise<Uint8Array | undefined>
  }
  /** The disposable cache of session infos. Losing it costs time only. */
  readonly infos: {
    load(namespace: string): Promise<Uint8Array | undefined>
    save(namespace: string, bytes: Uint8Array): Promise<void>
  }
  /** Whether the place can be written to; resolves or rejects with what is wrong. */
  check(): Promise<void>
  /** Lets go of a log's descriptor, if it holds one; it is opened again when needed. */
  release(key: SessionKey): void
  close(): Promise<void>
}
