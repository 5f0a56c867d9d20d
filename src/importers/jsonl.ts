/**
 * Reads foreign JSONL files as records, whatever state their lines are in.
 *
 * A file is split at LF; a CR before it belongs to the line end. Several objects on one line, left by an interrupted
 * append, are all records. A line that is not UTF-8, not JSON to its end, or holds anything but objects gives no
 * record: it is counted and told, never thrown. Memory is bounded by the longest line.
 */
import { readSync } from 'node:fs'
import { MAX_DEPTH, type Json, type JsonObject } from '../json.ts'
import { isDeeper } from '../line.ts'

// One for all readers: nothing is kept in it. Not from the beginning of a page on: some processors copy there at a fifth of their speed.
const CHUNK = Buffer.allocUnsafeSlow(1024 * 1024 + 64).subarray(64)
/** Somewhat less than the longest line a log may have, so that what a record gives fits into one. */
const MAX_LINE_BYTES = 60 * 1024 * 1024
const MAX_UNREADABLE = 100
export const EXCERPT_CHARS = 120
/** Levels that an event adds around what it took from a record. */
const SPARE_DEPTH = 20
const LF = 0x0a

/** How many lines a file has, and of which sort. */
export interface LineCounts {
  /** A last line without LF counts, an empty rest does not. */
  readonly physical: number
  readonly blank: number
  /** Lines that hold two or more objects. */
  readonly concatenated: number
  /** Lines that gave no record. */
  readonly malformed: number
  readonly records: number
}

/** A line, or a piece of a document, that gave no record. */
export interface UnreadableLine {
  /** The file it is in, where that is another one than the report is of. */
  readonly path?: string
  /** 1-based. */
  readonly line: number
  /** Of a JSON document: which of its elements it stands in place of, 1-based. */
  readonly element?: number
  /** Where it starts in the file, and how long it is, in bytes. */
  readonly offset: number
  readonly sizeBytes: number
  /** `unreadable`: the disk did not give it. */
  readonly reason: 'not-utf8' | 'not-json' | 'not-an-object' | 'too-deep' | 'too-long' | 'unreadable'
  /** Its first characters, with what cannot be shown replaced. */
  readonly excerpt: string
}

/** Of a file that could not be read. */
export const NO_LINES: LineCounts = { physical: 0, blank: 0, concatenated: 0, malformed: 0, records: 0 }

/** An object of a file. */
export interface SourceRecord {
  /** 0-based, among the records of the file. */
  readonly ordinal: number
  readonly value: JsonObject
  /** Where the line it is on begins, and how long that is, in bytes. */
  readonly offset: number
  readonly sizeBytes: number
}

/** Reads one file, up to the size it had at first, as often as needed. */
export class JsonlReader {
  readonly #fd: number
  readonly #sizeBytes: number
  #counts = { ...NO_LINES }
  #unreadable: UnreadableLine[] = []
  #position = 0

  constructor(fd: number, sizeBytes: number) {
    this.#fd = fd
    this.#sizeBytes = sizeBytes
  }

  /** How much of the file was read, in bytes. */
  get position(): number {
    return this.#position
  }

  /** The lines of the last reading. */
  get counts(): LineCounts {
    return { ...this.#counts }
  }

  /** The first lines of the last reading that gave no record. */
  get unreadable(): readonly UnreadableLine[] {
    return [...this.#unreadable]
  }

  /** All records from the beginning, those of a piece of the file at a time. Throws what the disk says. */
  *records(): Generator<readonly SourceRecord[], void> {
    this.#counts = { ...NO_LINES }
    this.#unreadable = []
    let offset = 0
    let begun = new Begun()
    for (this.#position = 0; this.#position < this.#sizeBytes;) {
      const chunk = this.#chunk(this.#position)
      if (chunk.length === 0) break
      this.#position += chunk.length
      const out: SourceRecord[] = []
      let start = 0
      for (let end = chunk.indexOf(LF); end >= 0; start = end + 1, end = chunk.indexOf(LF, start)) {
        begun.add(chunk.subarray(start, end))
        this.#line(begun, offset, out)
        offset += begun.sizeBytes + 1
        begun = new Begun()
      }
      // The chunk is of the next one who reads, as soon as this one waits.
      if (start < chunk.length) begun.add(Buffer.from(chunk.subarray(start)))
      if (out.length > 0) yield out
    }
    if (begun.sizeBytes === 0) return
    const out: SourceRecord[] = []
    this.#line(begun, offset, out)
    if (out.length > 0) yield out
  }

  #chunk(position: number): Buffer {
    const sizeBytes = Math.min(CHUNK.length, this.#sizeBytes - position)
    return CHUNK.subarray(0, readSync(this.#fd, CHUNK, 0, sizeBytes, position))
  }

  #line(line: Begun, offset: number, out: SourceRecord[]): void {
    this.#counts.physical++
    const values = line.isTooLong ? 'too-long' : objectsOf(line.bytes())
    if (typeof values === 'string') return this.#reject(line, offset, values)
    if (values.length === 0) this.#counts.blank++
    if (values.length > 1) this.#counts.concatenated++
    const { sizeBytes } = line
    for (const value of values) out.push({ ordinal: this.#counts.records++, value, offset, sizeBytes })
  }

  #reject(line: Begun, offset: number, reason: UnreadableLine['reason']): void {
    this.#counts.malformed++
    if (this.#unreadable.length >= MAX_UNREADABLE) return
    const excerpt = excerptOf(line.bytes())
    this.#unreadable.push({ line: this.#counts.physical, offset, sizeBytes: line.sizeBytes, reason, excerpt })
  }
}

/** A line whose end has not come yet. Of one that is too long only the beginning is kept, to show it. */
class Begun {
  sizeBytes = 0
  #pieces: Buffer[] = []

  get isTooLong(): boolean {
    return this.sizeBytes > MAX_LINE_BYTES
  }

  add(piece: Buffer): void {
    this.sizeBytes += piece.length
    if (this.isTooLong) this.#pieces = [this.#pieces[0] ?? piece]
    else if (piece.length > 0) this.#pieces.push(piece)
  }

  bytes(): Buffer {
    return this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces)
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/** The objects on a line, none if it is blank, or why there are none. */
export function objectsOf(bytes: Buffer): readonly JsonObject[] | UnreadableLine['reason'] {
  const plain = bytes.toString('utf8')
  // Broken text has this character, too.
  const only = plain.includes('\uFFFD') ? undefined : parse(plain)
  if (only !== undefined && isObject(only)) return isTooDeep(only) ? 'too-deep' : [only]
  const text = textOf(bytes)
  if (text === undefined) return 'not-utf8'
  if (text.trim() === '') return []
  const values = parseAll(text)
  if (values === undefined) return 'not-json'
  if (!values.every(isObject)) return 'not-an-object'
  return values.some(isTooDeep) ? 'too-deep' : values
}

/** The first characters of what is unreadable. */
export function excerptOf(bytes: Buffer): string {
  const shown = bytes.subarray(0, EXCERPT_CHARS * 4).toString('utf8')
  return shown.slice(0, EXCERPT_CHARS).toWellFormed()
}

/** The text that bytes are; undefined if they are none. */
export function textOf(bytes: Buffer): string | undefined {
  try {
    return UTF8.decode(bytes)
  } catch {
    // The decoder is fatal, so that broken text is told instead of being changed.
    return undefined
  }
}

/** Whether a value is nested so deep that an event with it could not be written. */
export function isTooDeep(value: Json): boolean {
  return isDeeper(value, MAX_DEPTH - SPARE_DEPTH)
}

function parseAll(text: string): Json[] | undefined {
  const whole = parse(text)
  if (whole !== undefined) return [whole]
  const values: Json[] = []
  for (let start = 0; start < text.length;) {
    const end = endOfObject(text, start)
    const value = end < 0 ? undefined : parse(text.slice(start, end))
    if (value === undefined) return undefined
    values.push(value)
    start = end
    while (start < text.length && text[start]!.trim() === '') start++
  }
  return values
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Not one JSON value: the caller says what that means.
    return undefined
  }
}

/** Where the object that starts at or after `start` ends; -1 if it does not, or if there is no object. */
function endOfObject(text: string, start: number): number {
  let depth = 0
  let isText = false
  for (let i = start; i < text.length; i++) {
    const char = text[i]
    if (isText) {
      if (char === '\\') i++
      else if (char === '"') isText = false
    } else if (char === '"') isText = true
    else if (char === '{') depth++
    else if (char === '}' && --depth === 0) return i + 1
    if (depth === 0 && char!.trim() !== '') return -1
  }
  return -1
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
