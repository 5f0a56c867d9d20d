/**
 * Looking for certain lines in a file by passing over all of it. Rare: after a foreign write, a retry, a replacement.
 */
import type { NewLine } from '../../backend.ts'
import { chunksOf, eachLine } from './chunks.ts'
import { idAt, Survey } from './prefix.ts'

/** Which of `ids` are in a file, and whether it holds a tombstone. */
export function findIds(
  fd: number,
  size: number,
  ids: Iterable<string>,
): { readonly found: ReadonlySet<string>; readonly isDeleted: boolean } {
  const wanted = new Set(ids)
  const found = new Set<string>()
  const survey = new Survey()
  for (const { bytes } of chunksOf(fd, 0, size)) {
    eachLine(bytes, (start, end) => {
      survey.take(bytes, start, end)
      const id = idAt(bytes, start, end)
      if (id !== undefined && wanted.has(id)) found.add(id)
    })
  }
  return { found, isDeleted: survey.isDeleted }
}

/** Which of the lines are not there, whole and each at the start of a line, between two places of a file. */
export function linesNotIn(
  fd: number,
  lines: readonly NewLine[],
  from: number,
  to: number,
  startsInLine: boolean,
): readonly NewLine[] {
  // As they come back: what is not well-formed was replaced when it was encoded.
  const wanted = new Map(lines.map((line) => [line.text.toWellFormed(), line]))
  const lengths = new Set(lines.map((line) => Buffer.byteLength(line.text)))
  let isWhole = !startsInLine
  for (const { bytes } of chunksOf(fd, from, to)) {
    eachLine(bytes, (start, end) => {
      if (isWhole && lengths.has(end - start)) wanted.delete(bytes.toString('utf8', start, end))
      isWhole = true
    })
  }
  return [...wanted.values()]
}
