/**
 * `foldlog tree`: all messages of a session with their branches, and the sessions that came of it.
 */
import type { SessionInfo } from '../message.ts'
import type { Session } from '../session.ts'
import type { Call, Exit } from './call.ts'
import { headerOf } from './conversation.ts'
import { tellDamage } from './damage.ts'
import { markOf, signOf, styleOfMark, titleOf } from './info.ts'
import { drawn, treeOf, type MessageNode, type MessageTree, type Row } from './message-tree.ts'
import type { Output } from './output.ts'
import { shortEventId } from './point.ts'
import { find, shortIds, type Found } from './root.ts'
import { summaryOf } from './summary.ts'
import { counted, padEnd, plain, truncate, widthOf } from './text.ts'

const MAX_RAIL = 16
const MAX_ID = 16
const MAX_WHO = 16
const LEAST_WHO = 9
const LEAST_TEXT = 20
/** In less, texts get the room of the ids. */
const WITH_IDS = 60

export async function tree(call: Call): Promise<Exit> {
  await using found = await find(call)
  const session = await found.session()
  const messages = await treeOf(session)
  const sessions = await descendantsOf(found)
  if (call.isJson) await call.out.json(toJson(session.info, messages, sessions))
  else await print(call, session, messages, sessions, await shortIds(found.root))
  return await tellDamage(call, session)
}

/** A session that came of the one that is shown, or of one that did. */
interface Descendant {
  readonly info: SessionInfo
  readonly rail: string
}

/** Sub-sessions and forks, and theirs, in the order of creation, archived ones too. */
async function descendantsOf({ key, root }: Found): Promise<readonly Descendant[]> {
  const store = await root.store(key.namespace)
  const { items } = await store.list({ archived: 'all', limit: Infinity, where: ({ parent }) => parent !== undefined })
  const children = new Map<string, SessionInfo[]>()
  for (const info of [...items].sort((a, b) => a.time.created - b.time.created || (a.id < b.id ? -1 : 1))) {
    const { sessionId } = info.parent!
    const siblings = children.get(sessionId)
    if (siblings === undefined) children.set(sessionId, [info])
    else siblings.push(info)
  }
  const found: Descendant[] = []
  // A session may say of itself that it is its own grandparent.
  const seen = new Set([key.sessionId])
  const take = (sessionId: string, above: string): void => {
    const infos = (children.get(sessionId) ?? []).filter(({ id }) => !seen.has(id))
    for (const [index, info] of infos.entries()) {
      const isLast = index === infos.length - 1
      seen.add(info.id)
      found.push({ info, rail: `${above}${isLast ? '└─' : '├─'}` })
      take(info.id, `${above}${isLast ? '  ' : '│ '}`)
    }
  }
  take(key.sessionId, '')
  return found
}

function toJson(info: SessionInfo, { nodes }: MessageTree, sessions: readonly Descendant[]): object {
  const messages = nodes.map(({ isHead, isOnPath, message, parentId }) => {
    const { author, id, role, status, time } = message
    return { id, parentId: parentId ?? null, role, author, status, time, isOnPath, isHead, text: summaryOf(message) }
  })
  return { info, messages, sessions: sessions.map((each) => each.info) }
}

async function print(
  call: Call,
  session: Session,
  messages: MessageTree,
  sessions: readonly Descendant[],
  short: (id: string) => string,
): Promise<void> {
  const { out } = call
  await out.line(headerOf(session.info, out))
  const rows = [...drawn(messages, call.flag('full'))]
  const lay = layout(rows, out.width)
  for (const row of rows) await out.line(lineOf(row, lay, out))
  if (sessions.length > 0) await out.line(`\n${out.style('bold', 'sessions that came of it')}`)
  for (const each of sessions) await out.line(lineOfSession(each, short, out))
  if (messages.nodes.length === 0) out.say('no messages')
  const folded = rows.reduce((sum, row) => sum + row.folded, 0)
  if (folded > 0) out.say(`+n: ${counted(folded, 'message')} folded, to see them:`, call.again('tree', '--full'))
  const other = rows.find(({ node }) => !node.isOnPath)
  if (other !== undefined) out.say('to read a branch:', call.again('show', '--branch', other.node.message.id))
}

interface Layout {
  readonly rail: number
  /** What is deeper than this is drawn as if it were not. */
  readonly deepest: number
  /** 0 where there is no room for ids. */
  readonly id: number
  readonly who: number
  /** Of what is said and of what is noted behind it, together. */
  readonly room: number
}

function layout(rows: readonly Row[], width: number): Layout {
  const most = (least: number, limit: number, width: (row: Row) => number): number =>
    Math.min(
      limit,
      rows.reduce((sum, row) => Math.max(sum, width(row)), least),
    )
  const rail = most(1, MAX_RAIL, (row) => row.rail.length + 1)
  const id = most(1, MAX_ID, ({ node }) => widthOf(idOf(node)))
  const who = most(LEAST_WHO, width < WITH_IDS ? LEAST_WHO : MAX_WHO, ({ node }) => widthOf(whoOf(node)))
  const hasIds = width >= WITH_IDS
  const left = Math.max(1, width - rail - who - 4 - (hasIds ? id + 2 : 0))
  // What is noted is not put out of sight of what it is noted of.
  const room = most(
    Math.min(LEAST_TEXT, left),
    left,
    (row) => widthOf(summaryOf(row.node.message)) + widthOf(noteOf(row)) + 2,
  )
  return { rail, deepest: Math.floor(width / 2), id: hasIds ? id : 0, who, room }
}

/** What is said of a message behind its text. */
function noteOf({ folded, node }: Row): string {
  const { isHead, message } = node
  const state = message.status === 'completed' ? '' : message.status.replace('_', ' ')
  return [state, folded === 0 ? '' : `+${folded}`, isHead ? '← head' : ''].filter((note) => note !== '').join('  ')
}

function lineOf(row: Row, lay: Layout, out: Output): string {
  const { node } = row
  const { isHead, isOnPath } = node
  const rail = row.rail.length < lay.deepest ? row.rail : `…${row.rail.slice(2 - lay.deepest)}`
  const id = lay.id === 0 ? '' : `${out.style('yellow', padEnd(truncate(idOf(node), lay.id), lay.id))}  `
  const who = padEnd(truncate(whoOf(node), lay.who), lay.who)
  // A tree that is deeper than the rail is wide has less room for texts.
  const room = Math.max(1, lay.room - Math.max(0, rail.length + 1 - lay.rail))
  const note = truncate(noteOf(row), room)
  const text = truncate(summaryOf(node.message), room - (note === '' ? 0 : widthOf(note) + 2))
  const space = note === '' ? '' : ' '.repeat(Math.max(0, room - widthOf(text) - widthOf(note)))
  const bullet = out.style(isHead ? ['bold', 'green'] : isOnPath ? 'green' : 'dim', isHead ? '◆' : isOnPath ? '●' : '○')
  const rest = ' '.repeat(Math.max(0, lay.rail - rail.length - 1))
  return [
    `${out.style('dim', rail)}${bullet}${rest}  ${id}`,
    isOnPath ? `${out.style('cyan', who)}  ${text}` : out.style('dim', `${who}  ${text}`),
    `${space}${isHead ? out.style('green', note) : out.style('dim', note)}`,
  ]
    .join('')
    .trimEnd()
}

function lineOfSession({ info, rail }: Descendant, short: (id: string) => string, out: Output): string {
  const id = plain(short(info.id))
  const count = counted(info.messageCount, 'message')
  const isNarrow = out.width < WITH_IDS
  const mark = isNarrow ? signOf(info) : markOf(info)
  const from =
    isNarrow || info.parent?.messageId === undefined ? '' : `from ${plain(shortEventId(info.parent.messageId))}`
  const notes = [count, from, mark].filter((note) => note !== '')
  const room = out.width - rail.length - 1 - widthOf(id) - 2 - widthOf(notes.join('  ')) - 2
  const title = truncate(titleOf(info), Math.max(1, room))
  const shown = [count, from].filter((note) => note !== '').join('  ')
  const state = mark === '' ? '' : `  ${out.style(styleOfMark(info), mark)}`
  return `${out.style('dim', rail)} ${out.style('yellow', id)}  ${title}  ${out.style('dim', shown)}${state}`
}

function idOf({ message }: MessageNode): string {
  return plain(shortEventId(message.id))
}

function whoOf({ message }: MessageNode): string {
  return plain(message.author ?? message.role)
}
