/**
 * `foldlog show`: a conversation as it is, on another branch, or as it was.
 */
import type { Message } from '../message.ts'
import type { PastSession } from '../past-session.ts'
import type { Session } from '../session.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { Conversation, headerOf, type Alternatives } from './conversation.ts'
import { tellDamage } from './damage.ts'
import { pick, pointNamed, pointOf } from './point.ts'
import { find } from './root.ts'
import { counted } from './text.ts'

const MAX_HINTS = 3

/** What can be asked of a session and of its past alike. */
type View = Pick<PastSession, 'info' | 'messages' | 'siblings'>

export async function show(call: Call): Promise<Exit> {
  pointNamed(call)
  await using found = await find(call)
  const session = await found.session()
  const view = await viewOf(call, session)
  const messages = await messagesOf(call, view)
  // Who asks for the end of a long session does not want all of it read: then only damage that is known is told.
  const isWhole = call.text('limit') === undefined || session.info.damage > 0
  if (call.isJson) {
    const damage = isWhole ? { damage: await session.damage() } : {}
    await call.out.json({ info: view.info, messages, ...damage })
  } else await print(call, view, messages)
  if (!isWhole) return EXIT.ok
  await tellUnsupported(call, session)
  return await tellDamage(call, session)
}

async function viewOf(call: Call, session: Session): Promise<View> {
  const point = await pointOf(call, session)
  return point === undefined ? session : session.at(point)
}

async function messagesOf(call: Call, view: View): Promise<readonly Message[]> {
  const branch = await branchOf(call, view)
  const limit = call.count('limit')
  return view.messages({ ...(branch === undefined ? {} : { branch }), ...(limit === undefined ? {} : { limit }) })
}

/** The id of the message that `--branch` names. */
export async function branchOf(call: Call, view: Pick<View, 'messages'>): Promise<string | undefined> {
  const branch = call.text('branch')
  if (branch === undefined) return undefined
  const all = await view.messages({ all: true })
  const ids = all.map(({ id }) => id)
  return pick(branch, ids, 'message', call.again('branch'))
}

async function print(call: Call, view: View, messages: readonly Message[]): Promise<void> {
  const { out } = call
  await out.line(headerOf(view.info, out))
  const conversation = new Conversation(messages, out, call.flag('full'))
  const branches: string[] = []
  for (const message of messages) {
    const alternatives = await alternativesOf(view, message)
    branches.push(...alternatives.others)
    const lines = conversation.linesOf(message, alternatives)
    if (lines.length > 0) await out.line(lines.join('\n'))
  }
  if (messages.length === 0) out.say(`no messages${call.text('at') === undefined ? '' : ' by then'}`)
  const at = call.text('at')
  const same = at === undefined ? [] : ['--at', at]
  if (conversation.hasFolded) out.say('what tools said is folded:', call.again('show', '--full', ...same))
  if (branches.length === 0) return
  const hints = branches.slice(0, MAX_HINTS).map((id) => call.again('show', '--branch', id, ...same))
  out.say(`${counted(branches.length, 'alternative')} not shown:`, ...hints)
}

async function alternativesOf(view: View, { id }: Message): Promise<Alternatives> {
  const ids = (await view.siblings(id)).map((sibling) => sibling.id)
  return { place: ids.indexOf(id) + 1, count: ids.length, others: ids.filter((other) => other !== id) }
}

/** Events that a newer version wrote have no effect here, and whoever reads should know. */
async function tellUnsupported(call: Call, session: Session): Promise<void> {
  const unsupported = (await session.findings()).filter(({ kind }) => kind === 'unsupported')
  if (unsupported.length === 0) return
  call.out.say(`${counted(unsupported.length, 'event')} had no effect: this version does not know what they mean`)
}
