/**
 * Removes the bytes of redacted events that a merge has brought back beside their redacted lines.
 *
 * The fold hides them already, since a redacted line beats the original wherever it comes back; this is about the bytes. They are overwritten
 * in place with spaces, which readers take for an empty line: no other byte moves, so appends meanwhile are safe, and what is interrupted is
 * found again the next time.
 */
import { closeSync, fdatasyncSync, readdirSync, readFileSync, writeSync, type Dirent } from 'node:fs'
import { join } from 'node:path'
import { isMissing, storageError } from '../backends/file/failure.ts'
import { openRegular, TO_OVERWRITE } from '../backends/file/log-file.ts'
import { parseFileName } from '../backends/file/paths.ts'
import { decodeLine, eventsOf, type Line } from '../line.ts'

/** What was done to one file. */
export interface Scrubbed {
  readonly path: string
  /** Lines that are gone. */
  readonly scrubbed: number
  /** Lines that hold redacted events among others, or that a guard counts on: only `redact` can rewrite those. */
  readonly left: number
}

interface Found {
  readonly offset: number
  readonly sizeBytes: number
  readonly line: Line
}

const REDACTED = '"redacted":true'
const GUARDED = '"if":'

/** Scrubs every log of a root. Returns the files that something was found in. */
export async function scrub(root: string): Promise<readonly Scrubbed[]> {
  const reports: Scrubbed[] = []
  for (const files of logsOf(root).values()) reports.push(...scrubLog(files))
  return reports
}

/** The files of each log. */
function logsOf(root: string): ReadonlyMap<string, string[]> {
  const logs = new Map<string, string[]>()
  for (const directory of list(root)) {
    if (!directory.isDirectory()) continue
    for (const file of list(join(root, directory.name))) {
      const session = file.isFile() ? parseFileName(file.name)?.session : undefined
      if (session === undefined) continue
      const key = `${directory.name}/${session}`
      logs.set(key, [...(logs.get(key) ?? []), join(root, directory.name, file.name)])
    }
  }
  return logs
}

function* scrubLog(paths: readonly string[]): Generator<Scrubbed> {
  const files = paths.map(openLog)
  try {
    yield* scrubFiles(files)
  } finally {
    for (const { fd } of files) closeSync(fd)
  }
}

interface OpenLog {
  readonly path: string
  readonly fd: number
  readonly bytes: Buffer
}

/** What is read is overwritten through the same descriptor: if the path gets another file meanwhile, that one is not touched. */
function openLog(path: string): OpenLog {
  try {
    const { fd } = openRegular(path, TO_OVERWRITE)
    return { path, fd, bytes: readFileSync(fd) }
  } catch (error) {
    throw storageError(error, 'scrub', { path })
  }
}

function* scrubFiles(files: readonly OpenLog[]): Generator<Scrubbed> {
  if (!files.some(({ bytes }) => bytes.includes(REDACTED))) return
  const found = files.map((file) => ({ file, lines: linesIn(file.bytes), isGuarded: file.bytes.includes(GUARDED) }))
  const redacted = new Set<string>()
  for (const { lines } of found) {
    for (const { line } of lines) if (line.redacted) for (const { id } of eventsOf(line)) redacted.add(id)
  }
  for (const { file, lines, isGuarded } of found) {
    const back = lines.filter(({ line }) => line.redacted !== true && eventsOf(line).some(({ id }) => redacted.has(id)))
    const whole = isGuarded ? [] : back.filter(({ line }) => eventsOf(line).every(({ id }) => redacted.has(id)))
    overwrite(file, whole)
    if (back.length > 0) yield { path: file.path, scrubbed: whole.length, left: back.length - whole.length }
  }
}

function linesIn(bytes: Buffer): Found[] {
  const found: Found[] = []
  for (let offset = 0; offset < bytes.length;) {
    const end = bytes.indexOf('\n', offset)
    if (end < 0) break
    const { lines, damage } = decodeLine(bytes.subarray(offset, end), { file: '', line: 0, offset })
    // One line and nothing else: of what is glued together no part is overwritten.
    if (lines.length === 1 && damage.length === 0) found.push({ offset, sizeBytes: end - offset, line: lines[0]! })
    offset = end + 1
  }
  return found
}

function overwrite({ path, fd }: OpenLog, lines: readonly Found[]): void {
  if (lines.length === 0) return
  try {
    for (const { offset, sizeBytes } of lines) writeSync(fd, Buffer.alloc(sizeBytes, ' '), 0, sizeBytes, offset)
    fdatasyncSync(fd)
  } catch (error) {
    throw storageError(error, 'scrub', { path })
  }
}

function list(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
  } catch (error) {
    // The root may not be there on this branch.
    if (isMissing(error)) return []
    throw storageError(error, 'list', { path: directory })
  }
}
