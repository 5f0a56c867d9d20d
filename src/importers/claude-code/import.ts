/**
 * Imports transcripts of Claude Code: `~/.claude/projects/<dir>/<session>.jsonl`, with the sub-agents of a session in
 * `<session>/subagents/agent-<id>.jsonl` (2.1.x), beside it (2.0.x) or inside it (up to 1.0.x).
 *
 * What becomes what:
 *  - A transcript is one session, also where a resumed one carries several `sessionId`s: the file is the conversation.
 *  - A sub-agent is a session of its own, with `parent` naming the session, message and call it comes from; those inside
 *    their parent's file too. A file without a message makes no session.
 *  - Records become messages by the contraction of contract.ts, and go where plan.ts says. What is left out is counted in
 *    the report, with the reason.
 *
 * Ids, times and bytes come from the content alone, never from the path: an import twice, or by two people from two
 * places, gives the same lines, and a transcript that has grown only adds to its session.
 */
import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { FoldlogError, isFoldlogError } from '../../errors.ts'
import type { Destination } from '../destination.ts'
import { findFiles, readFailure } from '../find.ts'
import { JsonlReader, NO_LINES, type SourceRecord } from '../jsonl.ts'
import { reportOf, type FileReport, type ImportedSession, type ImportFailure, type ImportReport } from '../report.ts'
import { Writer } from '../writer.ts'
import { contract } from './contract.ts'
import { Converter } from './convert.ts'
import { FactFinder, type Facts } from './facts.ts'
import { Family } from './family.ts'
import { FORMAT, plan, type SessionPlan } from './plan.ts'
import { Surveyor, type Survey } from './survey.ts'

/** How an import runs. */
export interface ImportOptions {
  /** Stops between two pieces of a file; what was merged by then stays, and the next import goes on. */
  readonly signal?: AbortSignal
  /** Called when a file is done, with the number of files that are and of all. */
  readonly onProgress?: (progress: ImportProgress) => void
}

/** How far an import is. */
export interface ImportProgress {
  readonly path: string
  readonly done: number
  readonly files: number
}

/**
 * Imports transcripts into the store's namespace: one file, several, or whole directories with all below them.
 *
 * Everything goes through `store.merge`, a union of sets, so an import that was broken off is completed by the next
 * one, and one that was made before adds nothing. Sub-agents find their parents among the files of the same import.
 *
 * Rejects with `NOT_FOUND` for a path that is not there, and with what the store rejects. A file that cannot be read,
 * and lines that are not records, are told in the report and stop nothing.
 */
export async function importClaudeCode(
  store: Destination,
  paths: string | readonly string[],
  options: ImportOptions = {},
): Promise<ImportReport> {
  const files = await findFiles(typeof paths === 'string' ? [paths] : paths, '.jsonl')
  const family = new Family()
  const imports = new Map<string, FileImport>()
  // Sub-agents first: which of their parents' records they need is then known when the parents are read.
  for (const path of [...files].sort((a, b) => Number(isSubAgent(b)) - Number(isSubAgent(a)))) {
    options.signal?.throwIfAborted()
    const file = new FileImport(store, path, options.signal)
    await file.run(family)
    imports.set(path, file)
    options.onProgress?.({ path, done: imports.size, files: files.length })
  }
  await family.link()
  return reportOf(
    FORMAT,
    files.map((path) => imports.get(path)!.report()),
  )
}

function isSubAgent(path: string): boolean {
  return basename(path).startsWith('agent-')
}

/** A session of a file, for its report. */
interface Written {
  readonly sessionId: string
  readonly kind: SessionPlan['kind']
  readonly messages: number
}

/** One file on its way into the store. What is kept of it afterwards is small, because it is kept to the end. */
class FileImport {
  readonly #store: Destination
  readonly #path: string
  readonly #signal: AbortSignal | undefined
  readonly #writer: Writer
  #facts: Facts = new FactFinder().facts()
  #lines: Pick<FileReport, 'lines' | 'unreadable'> = { lines: NO_LINES, unreadable: [] }
  #sessions: readonly Written[] = []
  #failure: ImportFailure | undefined

  constructor(store: Destination, path: string, signal: AbortSignal | undefined) {
    this.#store = store
    this.#path = path
    this.#signal = signal
    this.#writer = new Writer(store)
  }

  /** Reads the file twice and writes its sessions. */
  async run(family: Family): Promise<void> {
    try {
      await using handle = await this.#open()
      const reader = new JsonlReader(handle, (await handle.stat()).size)
      const surveyor = new Surveyor()
      for await (const records of this.#records(reader)) for (const record of records) surveyor.add(record)
      const survey = surveyor.survey()
      this.#facts = survey.facts
      this.#lines = { lines: reader.counts, unreadable: reader.unreadable }
      if (survey.identity !== undefined) await this.#write(survey, reader, family)
    } catch (error) {
      // Only what the disk says about this file belongs in its report; what the store says is the caller's.
      if (!isFoldlogError(error) || error.path !== this.#path) throw error
      this.#failure = { code: error.code, message: error.message }
    }
  }

  report(): FileReport {
    const { recordsByType, duplicateUuids, sidechainRecords, links, dropped, droppedFields } = this.#facts
    const { lines, unreadable } = this.#lines
    return {
      path: this.#path,
      sessions: this.#sessions.map((session) => this.#imported(session)),
      lines,
      recordsByType,
      duplicateUuids,
      sidechainRecords,
      links,
      dropped,
      droppedFields,
      unreadable,
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    }
  }

  async #write(survey: Survey, reader: JsonlReader, family: Family): Promise<void> {
    const conversation = contract(survey)
    const planned = plan(survey, conversation)
    const { sessions } = planned
    const converter = new Converter(survey, conversation, planned, this.#store)
    this.#sessions = sessions.map(({ sessionId, kind, places }) => ({ sessionId, kind, messages: places.length }))
    for (const session of sessions) await this.#writer.add(session.sessionId, converter.opening(session), 0)
    for await (const records of this.#records(reader)) {
      for (const record of records) {
        const lines = await converter.convert(record)
        const bytes = lines.length === 0 ? 0 : record.sizeBytes / lines.length
        for (const { session, line } of lines) await this.#writer.add(session.sessionId, line, bytes)
      }
    }
    for (const session of sessions) await this.#writer.add(session.sessionId, converter.closing(session), 0)
    await this.#writer.flush()
    family.add(survey, conversation, planned, this.#writer)
  }

  #imported(session: Written): ImportedSession {
    const { added, known } = this.#writer.merged(session.sessionId)
    return { namespace: this.#store.name, ...session, added, known }
  }

  async #open(): Promise<Awaited<ReturnType<typeof open>>> {
    try {
      // Looked at first, because opening a pipe would wait for somebody to write.
      if ((await stat(this.#path)).isFile()) return await open(this.#path)
    } catch (error) {
      throw readFailure(this.#path, error)
    }
    throw new FoldlogError('NOT_A_LOG', `${this.#path} is not a file: pass a transcript or a directory`, {
      path: this.#path,
    })
  }

  async *#records(reader: JsonlReader): AsyncGenerator<readonly SourceRecord[]> {
    const records = reader.records()
    for (;;) {
      this.#signal?.throwIfAborted()
      const next = await records.next().catch((error: unknown) => {
        throw readFailure(this.#path, error)
      })
      if (next.done === true) return
      yield next.value
    }
  }
}
