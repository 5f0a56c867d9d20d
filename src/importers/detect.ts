/**
 * Finds out which format a file is of, by what is in it: names and places say nothing that can be relied on.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import type { Json, JsonObject } from '../json.ts'
import { asObject } from './fields.ts'
import { readFailure } from './find.ts'
import type { Format, Sample } from './format.ts'

const HEAD_BYTES = 64 * 1024
/** A first line that is longer than this is not read to its end. */
const MAX_HEAD_BYTES = 8 * 1024 * 1024
const MAX_RECORDS = 20
const LF = 0x0a

/** The format of a file; undefined if it is of none. Rejects with what the disk says. */
export async function detect(path: string, formats: readonly Format[]): Promise<Format | undefined> {
  const sample = await sampleOf(path)
  return formats.find((format) => format.recognizes(sample))
}

/** The beginning of a file. Read at once: of a folder of small files, waiting for the disk piece by piece is most of the time. */
export async function sampleOf(path: string): Promise<Sample> {
  try {
    // Opening a pipe would wait for somebody to write; what it is will be told when it is read.
    if (!statSync(path).isFile()) return new Head(path, Buffer.alloc(0), 0)
    const fd = openSync(path, 'r')
    try {
      const { size } = fstatSync(fd)
      return new Head(path, headOf(fd, size), size)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    throw readFailure(path, error)
  }
}

/** The first bytes, and on to the end of the first line. */
function headOf(fd: number, size: number): Buffer {
  const pieces: Buffer[] = []
  let length = 0
  for (let next = HEAD_BYTES; length < size && length < MAX_HEAD_BYTES; next = length) {
    const buffer = Buffer.allocUnsafe(Math.min(next, size - length))
    const bytesRead = readSync(fd, buffer, 0, buffer.length, length)
    if (bytesRead === 0) break
    pieces.push(buffer.subarray(0, bytesRead))
    length += bytesRead
    if (buffer.subarray(0, bytesRead).includes(LF)) break
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

/** Parses only what is asked for: most files are recognized by their first lines. */
class Head implements Sample {
  readonly path: string
  readonly sizeBytes: number
  readonly #bytes: Buffer
  readonly #records: JsonObject[] = []
  readonly #lines: Iterator<JsonObject, void>
  #document: { readonly value: Json | undefined } | undefined

  constructor(path: string, bytes: Buffer, sizeBytes: number) {
    this.path = path
    this.#bytes = bytes
    this.sizeBytes = sizeBytes
    this.#lines = recordsIn(bytes, this.#isWhole)
  }

  get head(): string {
    return this.#bytes.toString('utf8').replace(/^\uFEFF/, '')
  }

  hasRecord(isSuch: (record: JsonObject) => boolean): boolean {
    if (this.#records.some(isSuch)) return true
    // Not `for`: leaving it would end the lines for the next format that asks.
    for (let next = this.#lines.next(); next.done !== true; next = this.#lines.next()) {
      this.#records.push(next.value)
      if (isSuch(next.value)) return true
    }
    return false
  }

  get document(): Json | undefined {
    this.#document ??= { value: this.#isWhole ? parse(this.head) : undefined }
    return this.#document.value
  }

  get #isWhole(): boolean {
    return this.#bytes.length === this.sizeBytes
  }
}

function* recordsIn(bytes: Buffer, isWhole: boolean): Generator<JsonObject, void> {
  let found = 0
  for (let start = 0; start < bytes.length && found < MAX_RECORDS;) {
    const end = bytes.indexOf(LF, start)
    if (end < 0 && !isWhole) return
    const line = bytes.toString('utf8', start, end < 0 ? bytes.length : end)
    const record = asObject(parse(line.replace(/^\uFEFF/, '')))
    start = end < 0 ? bytes.length : end + 1
    if (record === undefined) continue
    found++
    yield record
  }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Not JSON, or not all of it: then it says nothing.
    return undefined
  }
}
