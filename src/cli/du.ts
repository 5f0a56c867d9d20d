/**
 * `foldlog du`: the bytes of logs, attachments and caches, by namespace or session. Changes nothing, and folds nothing.
 */
import { basename } from 'node:path'
import { bar } from './bars.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { find, Root, shortIds } from './root.ts'
import { filesNamed, logBytesOf, sizeOf, type NamespaceSize, type SessionSize } from './sizes.ts'
import { counted, padEnd, padStart, plain, shortBytes, table, type Column } from './text.ts'

const MOST_BAR = 40
const LEAST_BAR = 8
/** What is left out where there is no room, the first one first. */
const GOING: readonly string[] = ['SESSIONS', 'SEGMENTS', 'CACHES', 'SHARED', 'FILES', 'LOGS']

export async function du(call: Call): Promise<Exit> {
  const limit = call.count('limit') ?? Infinity
  if (call.args.length > 0) return ofOne(call)
  await using root = await Root.open(call)
  const sizes: Size[] = []
  for (const namespace of await root.namespaces()) sizes.push(attributed(await sizeOf(root.path, namespace)))
  if (call.flag('sessions')) await printSessions(call, sizes, await shortIds(root), limit)
  else await printNamespaces(call, sizes)
  tellUnnamed(call, sizes)
  return EXIT.ok
}

interface Owned extends SessionSize {
  /** Of the attachments that it names, those that no other session does, and all others. */
  readonly fileBytes: number
  readonly sharedBytes: number
}

interface Size extends NamespaceSize {
  readonly owned: readonly Owned[]
  readonly fileBytes: number
  /** Attachments that no log names. */
  readonly unnamed: readonly number[]
}

/** Says which attachments are whose. Logs are read for it only if there are attachments. */
function attributed(size: NamespaceSize): Size {
  const { files, sessions } = size
  const named = new Map(sessions.map((session) => [session, files.size === 0 ? NONE : filesNamed(session)]))
  const users = new Map<string, number>()
  for (const refs of named.values()) for (const ref of refs) users.set(ref, (users.get(ref) ?? 0) + 1)
  const owned = sessions.map((session): Owned => {
    let [fileBytes, sharedBytes] = [0, 0]
    for (const ref of named.get(session)!) {
      const bytes = files.get(ref) ?? 0
      if (users.get(ref) === 1) fileBytes += bytes
      else sharedBytes += bytes
    }
    return { ...session, fileBytes, sharedBytes }
  })
  const unnamed = [...files].filter(([ref]) => !users.has(ref)).map(([, bytes]) => bytes)
  return { ...size, owned, fileBytes: sum(files.values()), unnamed }
}

const NONE: ReadonlySet<string> = new Set()

interface Row {
  readonly cells: readonly string[]
  readonly bytes: number
}

async function printNamespaces(call: Call, sizes: readonly Size[]): Promise<void> {
  const rows = sizes.map((size) => ({ size, logBytes: sum(size.sessions.map(logBytesOf)) }))
  if (call.isJson) {
    for (const { logBytes, size } of rows) await call.out.json(toJson(size, logBytes))
    return
  }
  if (rows.length === 0) return call.out.say(`no sessions in ${call.root}`)
  const columns = ['NAMESPACE', 'SESSIONS', 'LOGS', 'FILES', 'CACHES', 'TOTAL']
  const lines = rows.map(({ logBytes, size }) => {
    const caches = size.cacheBytes + size.liveBytes + size.leftoverBytes
    const bytes = logBytes + size.fileBytes + caches
    return {
      name: plain(size.namespace),
      count: size.sessions.length,
      parts: [logBytes, size.fileBytes, caches, bytes],
    }
  })
  const shown = lines.map(({ count, name, parts }): Row => {
    return { cells: [name, count.toLocaleString('en'), ...parts.map(bytesOrNone)], bytes: parts[3]! }
  })
  if (lines.length > 1) {
    const parts = [0, 1, 2, 3].map((index) => sum(lines.map((line) => line.parts[index]!)))
    const count = sum(lines.map((line) => line.count)).toLocaleString('en')
    shown.push({ cells: ['total', count, ...parts.map(bytesOrNone)], bytes: 0 })
  }
  await printRows(call, columns, shown)
}

async function printSessions(
  call: Call,
  sizes: readonly Size[],
  short: (id: string) => string,
  limit: number,
): Promise<void> {
  const all = sizes.flatMap(({ namespace, owned }) => owned.map((session) => ({ namespace, session })))
  all.sort((a, b) => totalOf(b.session) - totalOf(a.session))
  const shown = all.slice(0, limit)
  if (call.isJson) {
    for (const { namespace, session } of shown) await call.out.json(sessionToJson(namespace, session))
    return
  }
  if (all.length === 0) return call.out.say(`no sessions in ${call.root}`)
  const hasShared = shown.some(({ session }) => session.sharedBytes > 0)
  const columns = ['SESSION', 'LOGS', 'SEGMENTS', 'FILES', ...(hasShared ? ['SHARED'] : []), 'TOTAL']
  const rows = shown.map(({ namespace, session }): Row => {
    const { fileBytes, id, isDeleted, segmentCount, sharedBytes } = session
    const where = sizes.length > 1 ? `${plain(namespace)}/` : ''
    const cells = [
      `${where}${plain(short(id))}${isDeleted ? ' (deleted)' : ''}`,
      bytesOrNone(logBytesOf(session)),
      segmentCount === 0 ? '-' : String(segmentCount),
      bytesOrNone(fileBytes),
      ...(hasShared ? [bytesOrNone(sharedBytes)] : []),
      bytesOrNone(totalOf(session)),
    ]
    return { cells, bytes: totalOf(session) }
  })
  await printRows(call, columns, rows)
}

async function printRows({ out }: Call, titles: readonly string[], rows: readonly Row[]): Promise<void> {
  const columns = titles.map((title, index): Column => {
    const goes = GOING.indexOf(title)
    return { title, isNumber: index > 0, isFlexible: index === 0, ...(goes < 0 ? {} : { goes }) }
  })
  const [head = '', ...lines] = table(
    columns,
    rows.map(({ cells }) => cells),
    out.width,
  )
  await out.line(out.style('bold', head))
  const room = Math.min(MOST_BAR, out.width - head.length - 2)
  const most = rows.reduce((longest, { bytes }) => Math.max(longest, bytes), 0)
  for (const [index, line] of lines.entries()) {
    const drawn = room < LEAST_BAR ? '' : bar(rows[index]!.bytes, most, room)
    await out.line(drawn === '' ? line : `${line}  ${out.style('green', drawn)}`)
  }
}

/** What is on disk for one session: its files, and the attachments that it names. */
async function ofOne(call: Call): Promise<Exit> {
  await using found = await find(call)
  const { key, root } = found
  const size = attributed(await sizeOf(root.path, key.namespace))
  const session = size.owned.find(({ id }) => id === key.sessionId)!
  const { out } = call
  if (call.isJson) {
    await out.json(sessionToJson(key.namespace, session))
    return EXIT.ok
  }
  const { fileBytes, logBytes, paths, segmentBytes, segmentCount, sharedBytes } = session
  const names = filesNamed(session).size
  const facts: readonly (readonly [string, number, string])[] = [
    ['log', logBytes, plain(basename(paths[0]!))],
    ['segments', segmentBytes, counted(segmentCount, 'file')],
    ['files', fileBytes, sharedBytes === 0 ? counted(names, 'attachment') : 'of its own'],
    ['shared', sharedBytes, 'attachments that other sessions name, too'],
    ['total', totalOf(session), ''],
  ]
  for (const [label, bytes, text] of facts) {
    if (bytes === 0 && label !== 'total') continue
    await out.line(`${out.style('cyan', padEnd(label, 10))}${padStart(shortBytes(bytes), 10)}  ${text}`.trimEnd())
  }
  out.say('superseded lines of it may go:', call.again('pack'))
  return EXIT.ok
}

/** Attachments that no log names may still be named elsewhere: `gc` looks. */
function tellUnnamed(call: Call, sizes: readonly Size[]): void {
  const unnamed = sizes.flatMap((size) => size.unnamed)
  if (unnamed.length === 0 || call.isJson) return
  const what = `${counted(unnamed.length, 'file')} that no log names, ${shortBytes(sum(unnamed))}; to see what may go:`
  call.out.say(what, call.command('gc', ...(call.namespace === undefined ? [] : ['-n', call.namespace])))
}

function totalOf(session: Owned): number {
  return logBytesOf(session) + session.fileBytes
}

function bytesOrNone(bytes: number): string {
  return bytes === 0 ? '-' : shortBytes(bytes)
}

function toJson(
  { cacheBytes, fileBytes, files, leftoverBytes, liveBytes, namespace, sessions, unnamed }: Size,
  logBytes: number,
): object {
  const counts = { sessionCount: sessions.length, fileCount: files.size, unnamedBytes: sum(unnamed) }
  const totalBytes = logBytes + fileBytes + cacheBytes + liveBytes + leftoverBytes
  return { namespace, ...counts, logBytes, fileBytes, leftoverBytes, cacheBytes, liveBytes, totalBytes }
}

function sessionToJson(namespace: string, session: Owned): object {
  const { fileBytes, id, isDeleted, logBytes, segmentBytes, segmentCount, sharedBytes } = session
  const parts = { logBytes, segmentBytes, segmentCount, fileBytes, sharedBytes, totalBytes: totalOf(session) }
  return { namespace, sessionId: id, isDeleted, ...parts }
}

function sum(values: Iterable<number>): number {
  let total = 0
  for (const value of values) total += value
  return total
}
