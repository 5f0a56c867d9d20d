/**
 * `foldlog branch`: the branches of a conversation, the one that was written to last first.
 */
import type { Message } from '../message.ts'
import { branchesOf, type Branch } from './branches.ts'
import type { Call, Exit } from './call.ts'
import { tellDamage } from './damage.ts'
import { shortEventId } from './point.ts'
import { find } from './root.ts'
import { counted, plain, table } from './text.ts'

const COLUMNS = [
  { title: ' ' },
  { title: 'END' },
  { title: 'MSGS', isNumber: true, goes: 3 },
  { title: 'OWN', isNumber: true, goes: 1 },
  { title: 'UPDATED', goes: 2 },
  { title: 'LAST MESSAGE' },
]
/** More of a text does not fit on a line. */
const MAX_CHARS = 500

export async function branch(call: Call): Promise<Exit> {
  await using found = await find(call)
  const session = await found.session()
  const branches = await branchesOf(session)
  if (call.isJson) {
    for (const { afterHead, end, isHead, messageCount, ownCount } of branches) {
      const facts = { end: end.id, messageCount, ownCount, isHead, afterHead }
      await call.out.json({ ...facts, updated: end.time.updated, role: end.role, text: textOf(end) })
    }
  } else await print(call, session.id, branches)
  return await tellDamage(call, session)
}

async function print(call: Call, id: string, branches: readonly Branch[]): Promise<void> {
  const { out } = call
  if (branches.length === 0) return out.say('no messages')
  const rows = branches.map(({ afterHead, end, isHead, messageCount, ownCount }) => [
    isHead ? '*' : ' ',
    shortEventId(end.id),
    String(messageCount),
    String(ownCount),
    out.when(end.time.updated),
    `${plain(end.author ?? end.role)}: ${textOf(end)}${afterHead === 0 ? '' : ` (the head is ${afterHead} before it)`}`,
  ])
  const [head = '', ...lines] = table(COLUMNS, rows, out.width)
  await out.line([out.style('bold', head), ...lines].join('\n'))
  const other = branches.find(({ isHead }) => !isHead)
  if (other === undefined) return
  out.say(
    `${counted(branches.length, 'branch', 'branches')}; to go on from another one:`,
    call.command('head', id, other.end.id),
  )
}

/** What a message says, or what it holds instead. */
function textOf({ parts }: Message): string {
  const texts = parts.map((part) => ('text' in part ? part.text : `[${part.type}]`).slice(0, MAX_CHARS))
  return plain(texts.join(' '))
}
