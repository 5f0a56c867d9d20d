/**
 * `foldlog head`: moves the end of a conversation to a message of it, or back to where it was before the last move.
 */
import type { Message } from '../message.ts'
import type { Session } from '../session.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { pick } from './point.ts'
import { find } from './root.ts'
import { plain, truncate } from './text.ts'

export async function head(call: Call): Promise<Exit> {
  const { messageName, sessionName } = namesOf(call)
  await using found = await find(call, true, sessionName)
  const session = await found.session()
  const from = session.info.head ?? null
  const to = messageName === undefined ? await before(call, session) : await named(call, session, messageName)
  if (to !== from) await session.set({ head: to })
  const { out } = call
  if (call.isJson) {
    await out.json({ ...found.key, head: to, from, isChanged: to !== from })
    return EXIT.ok
  }
  const message = to === null ? undefined : await session.message(to)
  await out.line(truncate(plain(`head: ${nameOf(to, message)}`), out.width))
  if (to === from) out.say('it was there already')
  else out.say('to move it back:', again(call, session, '--undo'))
  return EXIT.ok
}

/** One argument is the message, or with `--undo` the session. */
function namesOf(call: Call): { readonly sessionName: string; readonly messageName?: string } {
  const [first, second] = call.args
  if (call.flag('undo')) {
    if (second === undefined) return { sessionName: first ?? '@' }
    throw new Failure(EXIT.usage, 'head --undo needs no MESSAGE', call.command('head', first!, '--undo'))
  }
  if (first === undefined) throw new Failure(EXIT.usage, 'head needs a MESSAGE', call.command('branch'))
  return second === undefined ? { sessionName: '@', messageName: first } : { sessionName: first, messageName: second }
}

async function named(call: Call, session: Session, name: string): Promise<string> {
  const messages = await session.messages({ all: true })
  return pick(
    name,
    messages.map(({ id }) => id),
    'message',
    again(call, session),
  )
}

/** Where the conversation ended before its head was moved for the last time; null: before everything. */
async function before(call: Call, session: Session): Promise<string | null> {
  let move = ''
  const ids: string[] = []
  for await (const { data, id, type } of session.events()) {
    ids.push(id)
    const isMove = type === 'session.updated' && typeof data === 'object' && data !== null && 'head' in data
    if (isMove && id > move) move = id
  }
  const last = ids
    .filter((id) => id < move)
    .sort()
    .at(-1)
  if (move !== '' && last !== undefined) return (await session.at(last)).info.head ?? null
  throw new Failure(EXIT.notFound, `the head of ${session.id} was never moved`, again(call, session))
}

/** The command that lists the branches; with `--undo`, the one that moves the head back. */
function again(call: Call, session: Session, undo?: '--undo'): string {
  const scope = call.namespace === undefined ? [] : ['-n', call.namespace]
  return call.command(
    undo === undefined ? 'branch' : 'head',
    session.id,
    ...scope,
    ...(undo === undefined ? [] : [undo]),
  )
}

function nameOf(id: string | null, message: Message | undefined): string {
  if (id === null) return 'before the first message'
  const text = message?.parts.map((part) => ('text' in part ? part.text : `[${part.type}]`)).join(' ') ?? ''
  return message === undefined ? id : `${id} ${message.author ?? message.role}: ${text}`
}
