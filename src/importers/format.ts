/**
 * What a foreign format is to the rest of the importers. Types only.
 */
import type { Json, JsonObject } from '../json.ts'
import type { Run } from './run.ts'

/** The beginning of a file, by which its format is recognized. */
export interface Sample {
  readonly path: string
  readonly sizeBytes: number
  /** Its first characters, 65,536 at least where it has so many. */
  readonly head: string
  /** Whether one of its first records is such: the objects of its first lines, where they are JSON. Parsed as far as needed. */
  hasRecord(isSuch: (record: JsonObject) => boolean): boolean
  /** The whole file, if it is one JSON value and no longer than the head. */
  readonly document: Json | undefined
}

export interface Format {
  /** The name in `source`, in reports and on the command line, and the first word of its event types. */
  readonly name: string
  /** What people call it. */
  readonly title: string
  /** What the names of its files end in. Others are not looked at, unless they are named. */
  readonly extensions: readonly string[]
  /** Where its tool keeps sessions, below the home directory. */
  readonly homes: readonly string[]
  /** Whether a file is of this format by where it lies, so that it need not be looked into: trees of many small files. */
  readonly holds?: (path: string) => boolean
  /** Whether a file that begins so is of this format. Formats are asked in the order of the table; the first one has it. */
  recognizes(sample: Sample): boolean
  /** Imports files, in the order of their paths, each by `run.file`. */
  import(paths: readonly string[], run: Run): Promise<void>
}
