/**
 * The port: where lines are kept. Types only.
 *
 * A backend moves opaque lines of sessions. It never parses more than a line's id (and, in the file backend's guard,
 * the log-keeping fields), never reorders lines and never drops one. The laws below are the contract suite in
 * `foldlog/testing`:
 *
 *  1. An append whose ids are all there succeeds and adds nothing, whatever it expects. What was refused is not there.
 *  2. A cursor is opaque and carries the last id. A backend that cannot find that id at that place rejects with
 *     `STALE_CURSOR`; the core then reads from the start.
 *  3. `read(after)` never skips: what is appended later comes after.
 *  4. Each line of an append is in the log whole or not at all; after an error a prefix of the lines may be in.
 *  5. Bytes come back identical. A guarded line may come back with `if` and `kept` in its head.
 *  6. Hints may be late, repeated or lost, and are never data.
 *  7. `append` never brings a removed session back.
 *  8. Of several appends that expect the same place at most one succeeds, and none that anything else came before;
 *     what was refused never counts. None of them waits for another, and other appends wait for none.
 *  9. `flush` adds and changes nothing that a reader sees, and may be called at any time.
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

/** An attachment in a listing. */
export interface StoredFile {
  readonly name: string
  readonly sizeBytes: number
  /** When it was last put, or came here, in ms since the epoch. */
  readonly time: number
  /** Another one after each put. Compared only for equality. */
  readonly version: string
  /** A put that was killed has left it: it is no attachment, and nobody finds it by this name. */
  readonly isLeftover: boolean
}

/** Some lines in the order of the log, and the place right after them. */
export interface LineBatch {
  readonly lines: readonly StoredLine[]
  readonly cursor: Cursor
}

/** The lines that come right before a place. */
export interface LinesBack {
  /** Those that count, in the order of the log, without line feeds. */
  readonly lines: readonly Uint8Array[]
  /** The place they begin at; absent where that is the beginning of the log. */
  readonly start: Cursor | undefined
}

/** Some lines of a log as they lie in it, and the place right after them. */
export interface LogPiece {
  /** Whole lines with their line feeds. Good only until the next piece is asked for. */
  readonly bytes: Uint8Array
  readonly end: Cursor
  /**
   * Whether the line between two places in the bytes may be one that does not count. Never true of a line that has no fields but `v`, `id`, `type`, `time` and `data`,
   * and no type that begins with `log.`
   */
  mayNotCount(start: number, end: number): boolean
}

export interface AppendOptions {
  /**
   * `'absent'`: create the log, or reject with `ALREADY_EXISTS`. Otherwise a missing log is `NOT_FOUND`.
   *
   * A place: append one line, only if nothing follows that place; otherwise `HEAD_MOVED`, and the line is not in the log. After
   * `STORAGE_FULL` and `STORAGE_FAILED` that is unknown. `UNSUPPORTED` where `capabilities.guards` is `none`, and for a log that has no single order.
   */
  readonly expect?: 'absent' | Cursor
  /** The place the caller has read up to. */
  readonly after?: Cursor
}

export interface LookOptions {
  /**
   * The caller knows that the log exists. If it is not there now, somebody may be replacing it: it is looked for again for a second
   * before it is said not to be there. A log that was deleted for good is not waited for.
   */
  readonly isKnown?: boolean
  /** Ends that wait: then it is not there. */
  readonly signal?: AbortSignal
}

export interface ReadOptions extends LookOptions {
  /** Only what lies behind this place. */
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
  /** What changed is a draft of it and not its log. */
  readonly isDraft?: true
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
  /** Whether appends that expect a place are exact, or `UNSUPPORTED`. */
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

/** A line as it lies in a file, which may hold anything but a line feed. */
export type RawLine = Pick<StoredLine, 'bytes' | 'file' | 'line' | 'offset'>

/** How a log is rewritten. */
export interface Rewrite {
  /**
   * What is to be in the place of a line: its own bytes to keep it, others, which may be several lines, or nothing. Called for every line in
   * the order of the files, then for lines that were appended meanwhile.
   */
  readonly edit: (line: RawLine) => Uint8Array | undefined
  /** Called with all lines of the new log before the old one is replaced. Whatever it throws leaves the log as it is. */
  readonly verify?: (lines: Iterable<Uint8Array>) => void | Promise<void>
}

export interface Rewritten {
  /** False: no line was changed, so nothing was replaced. */
  readonly isChanged: boolean
  readonly sizeBytesBefore: number
  readonly sizeBytesAfter: number
}

/** A line that is kept beside the logs of a namespace. */
export interface AsideLine {
  readonly text: string
  /** Where: `.cache/infos.jsonl`. */
  readonly name: string
  /** Whose log it is of, where each line has one: in the quarantine, and in the outbox, whose lines are those of logs. */
  readonly sessionId?: string
}

/** What is to be in the place of a line: its own text to keep it, another one, or nothing. */
export type EditAside = (line: AsideLine) => string | undefined

/** What replaces logs as a whole and removes bytes for good. A backend without it cannot redact, pack or repair. */
export interface Rewrites {
  /**
   * Replaces the lines of a log while others append, losing none of theirs; killed at any point, it leaves a log that holds every line it
   * held. One at a time for a log, else `SESSION_BUSY`. Lines that lost a guarded append are left out and those that won need
   * their guard no more: that is settled before `edit` sees them.
   */
  rewrite(key: SessionKey, rewrite: Rewrite): Promise<Rewritten>
  /** What rewrites of a log left when they were killed, by name. The next rewrite clears it. */
  leftovers(key: SessionKey): Promise<readonly string[]>
  /** Keeps bytes aside where nothing reads them. Resolves with where, when they last. */
  quarantine(key: SessionKey, bytes: Uint8Array): Promise<string>
  /** The names of a namespace's attachments, and of those that are only kept (`kept`). */
  files(namespace: string): Promise<readonly string[]>
  /** Removes an attachment for good, and what is kept of it; false if it was not there. */
  removeFile(namespace: string, name: string): Promise<boolean>
  /**
   * Removes attachments and leftovers that were listed, while others put and read: they are put aside, where readers still find them; then
   * `recheck` answers which names have to stay; those, and what was put since it was listed, are put back. Resolves with the names of what is
   * gone. Killed at any point, it has removed nothing that it would have put back.
   */
  sweep(
    namespace: string,
    files: readonly StoredFile[],
    recheck: () => Promise<(name: string) => boolean>,
  ): Promise<readonly string[]>
  /** Changes lines of caches, quarantine, outbox and drafts. Resolves with the names of what it changed. */
  scrub(namespace: string, edit: EditAside): Promise<readonly string[]>
}

/** A message that is being streamed, as its writer has it: lines beside the log that are no part of it. */
export interface OpenDraft {
  /** Adds bytes. Others see them when this returns. Throws `STORAGE_FULL` and `STORAGE_FAILED`: a part of them may be in. */
  write(bytes: Uint8Array): void
  /** Lets go of it; what was written stays. */
  close(): void
}

/** A place in a draft: which one it is of those that had its name, and a byte. */
export interface DraftPlace {
  readonly version: string
  readonly offset: number
}

export interface DraftBytes {
  /** Where the bytes begin: the place that was asked for, or the beginning if the draft is another one. */
  readonly place: DraftPlace
  readonly bytes: Uint8Array
  /** Whether whoever writes it may still do so. False only if that process is gone, or was not heard of for long. */
  readonly isAlive: boolean
  /** When it was last written to, in ms since the epoch. */
  readonly time: number
}

/** Drafts of messages, by session and message. Nothing in them is acknowledged, and a log never depends on them. */
export interface Drafts {
  /** Begins one in the name of this process; what was there of the same message is gone. The session is there. */
  open(key: SessionKey, messageId: string): Promise<OpenDraft>
  /** The ids of the messages that have one, in no particular order. */
  list(key: SessionKey): Promise<readonly string[]>
  /** What is there from a place on; undefined if there is no such draft. */
  read(key: SessionKey, messageId: string, from?: DraftPlace): Promise<DraftBytes | undefined>
  /** Removes one, whosoever it is; false if it was not there. */
  remove(key: SessionKey, messageId: string): Promise<boolean>
}

/** Attachments that are kept beside `files`, because something else than foldlog, as git, may throw those away. */
export interface KeptFiles {
  /** All of them, in no particular order, and what was left of attempts. */
  list(namespace: string): Promise<readonly StoredFile[]>
  /** As `read` of `files`. */
  read(namespace: string, name: string): AsyncIterable<Uint8Array>
  /** As `sweep` of `rewrites`. */
  sweep(
    namespace: string,
    files: readonly StoredFile[],
    recheck: () => Promise<(name: string) => boolean>,
  ): Promise<readonly string[]>
}

export interface Backend {
  readonly capabilities: Capabilities
  /** What users know this place by: a directory, a URL. Goes into bus events as `root`. */
  readonly root: string
  /** A backend that is done when it returns may answer without a promise. What fails always rejects. */
  append(key: SessionKey, lines: readonly NewLine[], options?: AppendOptions): AppendResult | Promise<AppendResult>
  /**
   * All lines after `after`, or all; complete up to the moment of the call. A missing log is `NOT_FOUND`. Of a log that `isKnown` and loses
   * a file while it is read `STALE_CURSOR`, also without `after`.
   */
  read(key: SessionKey, options?: ReadOptions): AsyncIterable<LineBatch>
  /**
   * The lines of a log as they lie in it, line feeds between them, also those that do not count: whole lines in pieces, each good only until the next one is
   * asked for. For who looks for bytes before reading. Absent: `read` does it, slower. Rejects with `NOT_FOUND`.
   */
  scan?(key: SessionKey): AsyncIterable<Uint8Array>
  /**
   * As `scan`, once and in the order of the log, with places: for who needs nothing but what the log comes to. Absent, or no piece comes: only `read` tells.
   */
  pieces?(key: SessionKey): AsyncIterable<LogPiece>
  /**
   * The lines right before a place that was read up to: about so many bytes of them, more where no line is that short. Undefined or absent: that cannot be told without
   * reading the log from its beginning. Rejects as `read` does.
   */
  readBack?(key: SessionKey, before: Cursor, sizeBytes: number): Promise<LinesBack | undefined>
  /** The session's state in a listing; undefined if it is not there. */
  head(key: SessionKey, options?: LookOptions): Promise<Head | undefined>
  /** Every session of a namespace, in no particular order; empty if the namespace is not there. */
  list(namespace: string): Promise<readonly Head[]>
  namespaces(): Promise<readonly string[]>
  /** Removes a log for good; false if it was not there. In a shared place a tombstone stays. */
  remove(key: SessionKey): Promise<boolean>
  /** Removes a log and its tombstone, so that its id is free again; false if neither was there. */
  purge(key: SessionKey): Promise<boolean>
  /** Calls back on changes made by anyone, in one namespace or in all. Resolves when watching; stops by the result. */
  watch(namespace: string | undefined, events: WatchEvents): Promise<() => Promise<void>>
  /** Attachments by content. Same bytes, same name, stored once; nobody sees a part of one. */
  readonly files: {
    /** Where it is there already, it is as if it had been put just now. */
    put(namespace: string, name: string, bytes: Uint8Array): Promise<void>
    get(namespace: string, name: string): Promise<Uint8Array | undefined>
    /**
     * As `put`, of bytes that come piece by piece, of which it keeps none in memory. `nameOf` is called after the last one. If `chunks` throws, it
     * rejects and nothing is stored.
     */
    write(namespace: string, chunks: AsyncIterable<Uint8Array>, nameOf: () => string): Promise<void>
    /** As `get`, piece by piece; rejects with `NOT_FOUND` if it is not there. */
    read(namespace: string, name: string): AsyncIterable<Uint8Array>
    /** The attachments whose names begin so, in no particular order, with an empty prefix all and leftovers, too. */
    list(namespace: string, prefix: string): Promise<readonly StoredFile[]>
  }
  /** Absent: nothing but what uses this backend touches `files`. */
  readonly kept?: KeptFiles
  /** The disposable cache of session infos. Losing it costs time only. */
  readonly infos: {
    /** What was saved last, or the bytes of it from `start` to before `end`, as far as there are any; undefined if there is nothing. */
    load(namespace: string, start?: number, end?: number): Promise<Uint8Array | undefined>
    save(namespace: string, bytes: Uint8Array): Promise<void>
  }
  /** Absent: `redact`, `pack` and `repair` are `UNSUPPORTED`. */
  readonly rewrites?: Rewrites
  /** Absent: `stream` is `UNSUPPORTED`. Removing a session removes its drafts. */
  readonly drafts?: Drafts
  /**
   * Resolves when everything acknowledged before the call lasts as long as this backend can make it last: on the disk,
   * on a quorum. Where that is so anyway, at once. Rejects with `STORAGE_FAILED` where that is not known.
   */
  flush(): Promise<void>
  /** Whether the place can be written to; resolves or rejects with what is wrong. */
  check(): Promise<void>
  /** Lets go of a log's descriptor, if it holds one; it is opened again when needed. */
  release(key: SessionKey): void
  close(): Promise<void>
}
