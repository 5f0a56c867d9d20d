/**
 * Where every message of a transcript goes: its session, its id, its turn and its anchor.
 *
 * The rules are those of docs/format.md §4.4. A message follows its parent without saying so wherever it can: a user message
 * opens a turn and names what it came `after`, any other joins the turn of its parent. Only the second and later
 * children of a message are branches with a `parentId`, in turns of their own; so are second roots, with `null`.
 *
 * All of it is decided by what comes before a message in the file, so a copy that was cut off, or one from before the
 * session went on, gives the same events and converges with the whole one. Exceptions are files whose records are not
 * in the order in which they follow each other, and copies that end in a sub-agent before the conversation begins.
 *
 * Reads no clock and no disk.
 */
import { Mint } from '../mint.ts'
import { Placer, type Place as MessagePlace } from '../place.ts'
import type { Conversation, Node } from './contract.ts'
import type { Call } from './record.ts'
import type { Entry, Survey } from './survey.ts'

/** The name of the format in `source`, and the first word of its event types. */
export const FORMAT = 'claude-code'

/** Where a message goes. */
export interface Place extends MessagePlace {
  readonly node: Node
  readonly session: SessionPlan
}

/** A session of foldlog that a transcript, or a sidechain in it, becomes. */
export interface SessionPlan {
  readonly kind: 'main' | 'sidechain'
  readonly sessionId: string
  /** What Claude Code calls it. */
  readonly sourceId: string
  readonly mint: Mint
  readonly time: number
  /** The millisecond of its first event, and that of what is said of its parent. */
  readonly createdMs: number
  readonly places: Place[]
  /** The call that started a sidechain, if one is recognised. */
  parent: { readonly place: Place; readonly callId: string } | undefined
}

/** Where everything of a file goes. */
export interface Plan {
  readonly main: SessionPlan
  /** The main session first. */
  readonly sessions: readonly SessionPlan[]
  placeOf(node: Node): Place
  /** Which call gave which sub-agent its task, by the id of the sub-agent. */
  readonly spawned: ReadonlyMap<string, { readonly place: Place; readonly callId: string }>
}

/** Plans the sessions of a file that has a message. */
export function plan(survey: Survey, conversation: Conversation): Plan {
  const main = mainSession(survey)
  const roots = rootsBySession(survey, conversation, main)
  const sessionOf = new Map([...roots].flatMap(([session, nodes]) => nodes.map((node) => [node, session] as const)))
  const placers = new Map([...roots.keys()].map((session) => [session, new Placer(session.mint, session.createdMs)]))
  const places = new Map<Node, Place>()
  for (const node of conversation.ordered) {
    const parent = node.parent === undefined ? undefined : places.get(node.parent)
    const session = parent?.session ?? sessionOf.get(node)!
    const { key, time } = survey.entries[node.ordinals[0]!]!
    const parentKey = node.parent === undefined ? undefined : survey.entries[node.parent.ordinals[0]!]!.key
    const place = { node, session, ...placers.get(session)!.place(key, parentKey, node.role === 'user', time) }
    places.set(node, place)
    session.places.push(place)
  }
  const placeOf = (node: Node): Place => places.get(node)!
  const sessions = [...roots.keys()]
  linkSidechains(sessions, survey.entries, conversation, placeOf)
  return { main, sessions, placeOf, spawned: spawnedBy(survey.entries, conversation, placeOf) }
}

/** The sessions of a file, the main one first, with the messages they begin with. */
function rootsBySession(
  survey: Survey,
  { nodes }: Conversation,
  main: SessionPlan,
): ReadonlyMap<SessionPlan, readonly Node[]> {
  const isSidechain = (node: Node): boolean => survey.entries[node.ordinals[0]!]!.isSidechain
  const beginnings = nodes.filter(({ parent }) => parent === undefined)
  // Where everything is a sidechain, the transcript is that of a sub-agent. A uuid used twice says nothing of it.
  const isOwn = (node: Node): boolean => survey.ordinals.has(survey.entries[node.ordinals[0]!]!.key)
  const isSubAgent = beginnings.filter(isOwn).every(isSidechain)
  const roots = new Map<SessionPlan, Node[]>([[main, []]])
  for (const root of beginnings) {
    if (!isSubAgent && isSidechain(root)) roots.set(sideSession(survey, root), [root])
    else roots.get(main)!.push(root)
  }
  return roots
}

function mainSession(survey: Survey): SessionPlan {
  // The caller has seen that the file has a message, so it has an identity.
  const { sessionId, agentId, first, time } = survey.identity!
  const sourceId = [sessionId, agentId].filter((part) => part !== undefined).join('/')
  return newSession('main', sourceId === '' ? first : sourceId, [sessionId, agentId, first], time)
}

function sideSession(survey: Survey, root: Node): SessionPlan {
  const { sessionId, agentId } = survey.identity!
  const { key, time } = survey.entries[root.ordinals[0]!]!
  // Named as such, because the file may begin with it: the main session has the same first record then.
  const identity = [sessionId, agentId, key, 'sidechain']
  return newSession('sidechain', `${sessionId ?? survey.identity!.first}/${key}`, identity, time)
}

function newSession(
  kind: SessionPlan['kind'],
  sourceId: string,
  identity: readonly (string | undefined)[],
  time: number,
): SessionPlan {
  const mint = new Mint(FORMAT, JSON.stringify(identity.map((part) => part ?? null)))
  const createdMs = Math.max(time - 1, 0)
  return { kind, sessionId: mint.id(time, 'session'), sourceId, mint, time, createdMs, places: [], parent: undefined }
}

/** Up to 1.0.x a sub-agent's messages are in the file, and only the text of its task says which call it was. */
function linkSidechains(
  sessions: readonly SessionPlan[],
  entries: readonly Entry[],
  conversation: Conversation,
  placeOf: (node: Node) => Place,
): void {
  const tasks = entries.flatMap(({ calls }, ordinal) => calls.map((call) => ({ call, ordinal })))
  const taken = new Set<Call>()
  for (const session of sessions) {
    if (session.kind === 'main') continue
    const root = session.places[0]!.node.ordinals[0]!
    const text = entries[root]!.textDigest
    const task = tasks.find(
      ({ call, ordinal }) => ordinal < root && text !== undefined && call.promptDigest === text && !taken.has(call),
    )
    const caller = task === undefined ? undefined : conversation.nodeOf(task.ordinal)
    if (task === undefined || caller === undefined) continue
    taken.add(task.call)
    session.parent = { place: placeOf(caller), callId: task.call.callId }
  }
}

function spawnedBy(
  entries: readonly Entry[],
  conversation: Conversation,
  placeOf: (node: Node) => Place,
): Plan['spawned'] {
  const spawned = new Map<string, { place: Place; callId: string }>()
  for (const { spawned: agentId, results } of entries) {
    const callId = results[0]
    const caller = callId === undefined ? undefined : conversation.callerOf(callId)
    if (agentId === undefined || callId === undefined || caller === undefined || spawned.has(agentId)) continue
    spawned.set(agentId, { place: placeOf(caller), callId })
  }
  return spawned
}
