/**
 * Finds out which format a file is of, by what is in it: names and places say nothing that can be relied on.
 */
import { open, stat, type FileHandle } from 'node:fs/promises'
import { asObject } from './fields.ts'
import { readFailure } from './find.ts'
import type { Format, Sample } from './format.ts'
import type { Json, JsonObject } from '../json.ts'

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

/** The beginning of a file. */
export async function sampleOf(path: string): Promise<Sample> {
  try {
    // Opening a pipe would wait for somebody to write; what it is will be told when it is read.
    if (!(await stat(path)).isFile()) return { path, sizeBytes: 0, head: '', records: [], document: undefined }
    await using handle = await open(path)
    const { size } = await handle.stat()
    const bytes = await headOf(handle, size)
    const head = bytes.toString('utf8').replace(/^\uFEFF/, '')
    const document = bytes.length === size ? parse(head) : undefined
    return { path, sizeBytes: size, head, records: recordsIn(head, bytes.length === size), document }
  } catch (error) {
    throw readFailure(path, error)
  }
}

/** The first bytes, and on to the end of the first line. */
async function headOf(handle: FileHandle, size: number): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for (let next = HEAD_BYTES; length < size && length < MAX_HEAD_BYTES; next = length) {
    const buffer = Buffer.allocUnsafe(Math.min(next, size - length))
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, length)
    if (bytesRead === 0) break
    pieces.push(buffer.subarray(0, bytesRead))
    length += bytesRead
    if (buffer.subarray(0, bytesRead).includes(LF)) break
  }
  return Buffer.concat(pieces)
}

function recordsIn(head: string, isWhole: boolean): readonly JsonObject[] {
  const lines = head.split('\n')
  if (!isWhole) lines.pop()
  const records: JsonObject[] = []
  for (const line of lines) {
    const record = asObject(parse(line))
    if (record !== undefined) records.push(record)
    if (records.length >= MAX_RECORDS) break
  }
  return records
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    // Not JSON, or not all of it: then it says nothing.
    return undefined
  }
}
