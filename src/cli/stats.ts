/**
 * `foldlog stats`: how many messages there are, what they cost, and what tools did.
 *
 * Totals and sessions come from infos, so that they cost what a listing costs. Days, models and tools, and everything since some time,
 * need the messages: then logs are read, one at a time.
 */
import type { Message, SessionInfo } from '../message.ts'
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { tellDamage, tellDamaged } from './damage.ts'
import { find, Root, shortIds } from './root.ts'
import { printOverview, printSession } from './stats-overview.ts'
import { GROUPS, printGroups, type Group, type Groups } from './stats-groups.ts'
import { entry, Tally, tallyTools, type ToolTally } from './tally.ts'
import { isKnown, localDate } from './time.ts'

export async function stats(call: Call): Promise<Exit> {
  const by = groupOf(call)
  const since = call.past('since')
  const limit = call.count('limit') ?? Infinity
  if (call.args.length > 0) return ofOne(call, { by, since, limit })
  await using root = await Root.open(call)
  const infos = (await root.infos()).filter(({ time }) => time.updated >= (since ?? 0))
  if (by === undefined && since === undefined) await printOverview(call, infos)
  else if ((by === 'session' || by === 'namespace') && since === undefined) {
    await printGroups(call, by, groupInfos(infos, by), limit, await shortIds(root))
  } else await printCounted(call, { by, since, limit }, readAll(root, infos), await shortIds(root))
  return tellDamaged(call, infos)
}

function groupOf(call: Call): Group | undefined {
  const text = call.text('by')
  const group = GROUPS.find((each) => each === text)
  if (text === undefined || group !== undefined) return group
  throw new Failure(EXIT.usage, `--by ${text}: there is ${GROUPS.join(', ')}`, call.help())
}

async function ofOne(call: Call, asked: Asked): Promise<Exit> {
  await using found = await find(call)
  const session = await found.session()
  const messages = await session.messages({ all: true })
  const one = [{ info: session.info, messages }]
  const isAll = asked.by === undefined && asked.since === undefined
  if (isAll) await printSession(call, session.info, messages)
  else await printCounted(call, asked, one, await shortIds(found.root))
  return await tellDamage(call, session)
}

interface Read {
  readonly info: SessionInfo
  readonly messages: readonly Message[]
}

/** Reads one session after the other, and keeps none. */
async function* readAll(root: Root, infos: readonly SessionInfo[]): AsyncGenerator<Read> {
  for (const info of infos) {
    const session = await (await root.store(info.namespace)).get(info.id)
    // Deleted since it was listed.
    if (session === undefined) continue
    yield { info, messages: await session.messages({ all: true }) }
    await session.close()
  }
}

function groupInfos(infos: readonly SessionInfo[], by: 'session' | 'namespace'): Groups {
  const groups: Groups = new Map()
  for (const info of infos) {
    const key = by === 'session' ? keyOfSession(info) : info.namespace
    entry(groups, key, () => ({ ...(by === 'session' ? { info } : {}), tally: new Tally() })).tally.addAll(info)
  }
  return groups
}

function keyOfSession({ id, namespace }: SessionInfo): string {
  return JSON.stringify([namespace, id])
}

interface Asked {
  readonly by: Group | undefined
  readonly since: number | undefined
  readonly limit: number
}

async function printCounted(
  call: Call,
  { by = 'day', limit, since = 0 }: Asked,
  sessions: AsyncIterable<Read> | Iterable<Read>,
  short: (id: string) => string,
): Promise<void> {
  const groups: Groups = new Map()
  const tools = new Map<string, ToolTally>()
  for await (const { info, messages } of sessions) {
    tallyTools(tools, messages, since)
    for (const message of messages) {
      if (message.time.created >= since) addTo(groups, by, message, info)
    }
  }
  await printGroups(call, by, groups, limit, short, tools)
}

/** Counts a message in the group that it belongs to, if it does to any. */
function addTo(groups: Groups, by: Group, message: Message, info: SessionInfo): void {
  const key = keyOf(by, message, info)
  if (key === undefined) return
  const group = entry(groups, key, () => ({ ...(by === 'session' ? { info } : {}), tally: new Tally() }))
  group.tally.add(message, info)
}

function keyOf(by: Group, { model, role, time }: Message, info: SessionInfo): string | undefined {
  switch (by) {
    case 'day':
      return isKnown(time.created) ? localDate(time.created) : ''
    case 'session':
      return keyOfSession(info)
    case 'namespace':
      return info.namespace
    case 'model':
      return role === 'assistant' ? (model ?? info.model ?? '') : undefined
    case 'tool':
      return undefined
  }
}
