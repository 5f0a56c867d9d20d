/**
 * Imports sessions of Gemini CLI: `~/.gemini/tmp/<project>/chats/session-*.json`, one document a session (to early 2026), and
 * `*.jsonl`, lines that are only ever appended (since). A session that goes on from the one in the other is one session.
 *
 * A file is read twice: once for how its messages hang together (timeline.ts), and then message by message. What becomes what
 * is in docs/importing.md.
 */
import { sampleOf } from '../detect.ts'
import { asObject, restOf, textField, timeField } from '../fields.ts'
import type { Format, Sample } from '../format.ts'
import { isArray, type JsonObject } from '../../json.ts'
import type { Run } from '../run.ts'
import type { SourceFile } from '../source-file.ts'
import { entriesOfDocument, entriesOfLines, isHeader, LIST, type Entry } from './entries.ts'
import { FORMAT } from './parts.ts'
import { Messages, type Said } from './session.ts'
import { Timeline } from './timeline.ts'

export const geminiCli: Format = {
  name: FORMAT,
  title: 'Gemini CLI',
  extensions: ['.json', '.jsonl'],
  homes: ['.gemini/tmp'],
  recognizes: (sample) => isLines(sample) || isDocument(sample),
  import: async (paths, run) => {
    for (const path of paths) await run.file(FORMAT, path, (file) => importFile(file, run))
  },
}

/** The members that come before the messages, where a document is too long to be a sample as a whole. */
const DOCUMENT = /^\s*\{(?=[^[]*"sessionId"\s*:)(?=[^[]*"projectHash"\s*:)/
const NO_SESSION = 'the file has no message, so it makes no session'

function isLines(sample: Sample): boolean {
  return sample.hasRecord(
    (record) =>
      (isHeader(record) && record[LIST] === undefined) ||
      asObject(record['$set']) !== undefined ||
      textField(record, '$rewindTo') !== undefined,
  )
}

function isDocument({ document, head }: Sample): boolean {
  if (document === undefined) return DOCUMENT.test(head)
  const members = asObject(document)
  return members !== undefined && isHeader(members) && isArray(members[LIST] ?? null)
}

async function importFile(file: SourceFile, run: Run): Promise<void> {
  const entriesOf = isLines(await sampleOf(file.path)) ? entriesOfLines : entriesOfDocument
  const first = new Reading()
  for await (const entry of entriesOf(file, true)) first.take(entry)
  const { timeline, header } = first
  const [oldest] = timeline.nodes
  if (oldest === undefined) return file.ledger.drop('session', NO_SESSION)
  const sourceId = textField(header, 'sessionId') ?? oldest.id
  const time = timeField(header, 'startTime') ?? first.firstTime ?? 0
  const session = await file.session({ identity: [sourceId], sourceId, time })
  const messages = new Messages(file, session, timeline.nodes, run)
  const second = new Reading()
  for await (const entry of entriesOf(file, false)) {
    // Also of what says nothing of messages: a copy that was rewound since ends later.
    session.saw(0)
    for (const said of second.take(entry)) await messages.write(said)
  }
  const updated = timeField(header, 'lastUpdated')
  if (updated !== undefined) session.saw(updated)
  session.goOnFrom(timeline.last?.key)
  await session.close({ ...infoOf(header), ...messages.model })
  // A sub-agent's session is named after it, and the call that began it names it too.
  run.family.add({ ...session.child(), ways: [`${FORMAT} agent ${sourceId}`] })
}

/** What is known of the session as a whole. */
function infoOf(header: JsonObject): JsonObject {
  const title = textField(header, 'summary')
  return {
    ...(title === undefined ? {} : { title }),
    metadata: { [FORMAT]: restOf(header, new Set(['sessionId', 'summary', LIST])) },
  }
}

/** Follows the entries of a file. */
class Reading {
  readonly timeline = new Timeline()
  header: JsonObject = {}
  firstTime: number | undefined

  /** What an entry says of messages. */
  take(entry: Entry): readonly Said[] {
    switch (entry.kind) {
      case 'header': {
        // A session that is resumed may be given another id: it is the one it began with.
        const sessionId = textField(this.header, 'sessionId')
        this.header = { ...this.header, ...entry.fields, ...(sessionId === undefined ? {} : { sessionId }) }
        return []
      }
      case 'message':
        return [this.#said(entry.record, entry.sizeBytes)]
      case 'list':
        this.timeline.clear()
        return entry.records.map((record) => this.#said(record, entry.sizeBytes / entry.records.length))
      case 'rewind':
        this.timeline.rewind(entry.id)
        return []
    }
  }

  #said(record: JsonObject, sizeBytes: number): Said {
    this.firstTime ??= timeField(record, 'timestamp')
    // Every message has an id.
    const node = this.timeline.say(textField(record, 'id')!)
    return { node, versions: node.versions, record, sizeBytes }
  }
}
