/**
 * What the core is checked against: the way from lines to state in fifteen lines, and docs/format.md §4 written down as simply as
 * can be, where everything is computed from the whole set and nothing is kept.
 */
import { isCoreEvent, isCustomType, isValidData, type InfoPatch, type MessageData } from '../../src/event.ts'
import { Fold } from '../../src/fold.ts'
import { timeOf } from '../../src/event-id.ts'
import { canonicalJson, setOwn, type Json, type JsonObject } from '../../src/json.ts'
import { BATCH, eventsOf, type InnerEvent, type Line } from '../../src/line.ts'
import { LineSet } from '../../src/lines.ts'
import type { Message, Part, SessionInfo, Usage } from '../../src/message.ts'
import { messagesOf, siblingsOf } from '../../src/views.ts'

/** Lines become state as in src/log.ts, without a backend. */
export class Replica {
  readonly lines: LineSet = new LineSet()
  fold: Fold = new Fold('space', 'session')

  add(line: Line): void {
    const added = this.lines.add(line)
    if (added.effect === 'fresh') for (const event of eventsOf(line)) apply(this.fold, line, event)
    if (added.effect !== 'refold') return
    this.fold = new Fold('space', 'session')
    for (const counted of this.lines.counted()) apply(this.fold, counted.line, counted.event)
  }
}

function apply(fold: Fold, line: Line, event: InnerEvent): void {
  if (isEffective(line, event)) fold.apply(event)
}

/** Whether an event has an effect, as src/log.ts decides it. */
export function isEffective(line: Line, { type, data }: InnerEvent): boolean {
  if (line.v !== 1) return false
  return isCoreEvent({ type }) ? isValidData(type, data) : isCustomType(type)
}

export function replicaOf(lines: Iterable<Line>): Replica {
  const replica = new Replica()
  for (const line of lines) replica.add(line)
  return replica
}

/** Everything that can be seen of a replica, as plain data. */
export function stateOf({ fold, lines }: Replica, messageIds: Iterable<string>, callIds: Iterable<string>): object {
  const nodes = [...new Set(messageIds)].sort().flatMap((id) => fold.node(id) ?? [])
  const { tree } = fold
  return {
    info: fold.info(0),
    all: fold.all(),
    path: messagesOf(fold),
    head: fold.head(),
    leafCount: tree.leafCount,
    roots: ids(tree.children(undefined)),
    dangling: [...tree.dangling].sort(),
    nodes: nodes.map((node) => ({
      id: node.id,
      parent: tree.parent(node)?.id,
      children: ids(tree.children(node)),
      siblings: ids(siblingsOf(fold, node.id)),
      through: ids(messagesOf(fold, { branch: node.id })),
      isDeleted: fold.isDeleted(node.id),
    })),
    callers: [...callIds].map((id) => fold.turnOfCall(id)?.id),
    conflicts: [...lines.conflicts].sort(),
    events: lines.events(),
  }
}

export function ids(list: readonly { readonly id: string }[]): string[] {
  return list.map(({ id }) => id)
}

// Which events count: §4.2

interface Counting {
  readonly events: readonly { readonly line: Line; readonly event: InnerEvent }[]
  readonly conflicts: ReadonlySet<string>
}

/** The events that count, and the ids that were found with different contents. */
export function countedOf(lines: readonly Line[]): Counting {
  const conflicts = new Set<string>()
  const winners = groups(lines, ({ id }) => id).map((rivals) => {
    if (new Set(rivals.map(canonical)).size > 1) conflicts.add(rivals[0]!.id)
    return rivals.sort(
      (a, b) => order(b.redacted === true, a.redacted === true) || bytewise(canonical(a), canonical(b)),
    )[0]!
  })
  winners.sort((a, b) => order(a.id, b.id))
  const keys = new Set<string>()
  const counting = winners.filter(({ key }) => {
    if (key === undefined) return true
    return keys.has(key) ? false : keys.add(key)
  })
  const candidates = counting.flatMap((line) => eventsOf(line).map((event) => ({ line, event })))
  const best = groups(candidates, ({ event }) => event.id).map((rivals) => {
    if (new Set(rivals.map(({ event }) => content(event))).size > 1) conflicts.add(rivals[0]!.event.id)
    return rivals.sort(
      (a, b) =>
        order(isRemoved(b), isRemoved(a)) ||
        bytewise(content(a.event), content(b.event)) ||
        order(a.line.id, b.line.id),
    )[0]!
  })
  const all = lines.flatMap((line) => eventsOf(line).map((event) => ({ line, event })))
  const removed = groups(all.filter(isRemoved), ({ event }) => event.id).map((rivals) => {
    return rivals.sort(
      (a, b) => bytewise(content(a.event), content(b.event)) || bytewise(canonical(a.line), canonical(b.line)),
    )[0]!
  })
  const events = best.map((each) => {
    return isRemoved(each) ? each : (removed.find(({ event }) => event.id === each.event.id) ?? each)
  })
  return { events: events.sort((a, b) => order(a.event.id, b.event.id)), conflicts }
}

/** Whether the content of an event was removed: from its line as a whole, or from it among others. */
function isRemoved({ line, event }: Counting['events'][number]): boolean {
  const isPartly = line.type === BATCH && eventsOf(line).some(({ redacted }) => redacted === true)
  return line.redacted === true && (!isPartly || event.redacted === true)
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): T[][] {
  const out = new Map<string, T[]>()
  for (const item of items) out.set(keyOf(item), [...(out.get(keyOf(item)) ?? []), item])
  return [...out.values()]
}

function canonical({ v, id, type, time, key, redacted, data }: Line): string {
  const rest = { ...(key === undefined ? {} : { key }), ...(redacted === undefined ? {} : { redacted }) }
  return canonicalJson({ v, id, type, time, data, ...rest })
}

function content({ type, data }: InnerEvent): string {
  return canonicalJson([type, data])
}

function bytewise(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function order<T extends string | boolean>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

// What they mean: §4.3 and §4.4

/** A message as the model sees it; `created` is the id of its first event. */
interface Node {
  readonly id: string
  readonly created: string
  readonly turn: Turn
  readonly message: Message
  readonly isDeleted: boolean
}

interface Turn {
  readonly nodes: Node[]
  anchor: Place | undefined
}

/** The end of a turn, or a message in it. */
interface Place {
  readonly turn: Turn
  readonly upTo: Node | undefined
}

/** What the model says of a session: the same fields as {@link stateOf}. */
export function modelOf(lines: readonly Line[], messageIds: Iterable<string>, callIds: Iterable<string>): object {
  const { events: counted, conflicts } = countedOf(lines)
  const events = counted.filter(({ line, event }) => isEffective(line, event)).map(({ event }) => event)
  const tree = treeOf(events)
  const nodes = [...tree.nodes.values()].sort((a, b) => order(a.created, b.created))
  const visible = nodes.filter(({ isDeleted }) => !isDeleted)
  const path = pathTo(tree.active).filter(({ isDeleted }) => !isDeleted)
  const below = (node: Node | undefined): Node[] => nodes.filter((each) => parentOf(each) === node)
  const hasBelow = (node: Node): boolean => below(node).some((each) => !each.isDeleted || hasBelow(each))
  const leaves = visible.filter((node) => !hasBelow(node))
  const through = (node: Node): Node[] => {
    const ends = leaves.filter((leaf) => isAbove(node, leaf))
    // Where nothing is left to be seen below, the path ends at the message itself.
    return lineage(ends.at(-1) ?? node).filter(({ isDeleted }) => !isDeleted)
  }
  return {
    info: infoOf(events, nodes, path, leaves.length),
    all: visible.map(({ message }) => message),
    path: path.map(({ message }) => message),
    head: path.at(-1)?.id,
    leafCount: leaves.length,
    roots: ids(below(undefined)),
    dangling: [...tree.dangling].sort(),
    nodes: [...new Set(messageIds)].sort().flatMap((id) => {
      const node = tree.nodes.get(id)
      if (node === undefined) return []
      return {
        id,
        parent: parentOf(node)?.id,
        children: ids(below(node)),
        siblings: ids(below(parentOf(node)).filter(({ isDeleted }) => !isDeleted)),
        through: ids(through(node)),
        isDeleted: node.isDeleted,
      }
    }),
    callers: [...callIds].map(
      (callId) =>
        visible.findLast(({ message }) =>
          message.parts.some((part) => part.type === 'tool-call' && part.callId === callId),
        )?.message.turnId,
    ),
    conflicts: [...conflicts].sort(),
    events: counted.map(({ line, event }) => {
      const { id, type, data } = event
      return { id, type, time: line.time, data, ...(isRemoved({ line, event }) ? { redacted: true } : {}) }
    }),
  }
}

function treeOf(events: readonly InnerEvent[]): {
  nodes: Map<string, Node>
  active: Place | undefined
  dangling: Set<string>
} {
  const nodes = new Map<string, Node>()
  const turns = new Map<string, Turn>()
  const deleted = new Set(
    events.flatMap(({ type, data }) => (type === 'message.deleted' ? (data as { ids: string[] }).ids : [])),
  )
  for (const event of events) {
    if (event.type !== 'message.created') continue
    const { id, turnId } = event.data as unknown as MessageData
    if (nodes.has(id)) continue
    let turn = turns.get(turnId)
    if (turn === undefined) turns.set(turnId, (turn = { nodes: [], anchor: undefined }))
    const node = { id, created: event.id, turn, message: messageOf(id, events), isDeleted: deleted.has(id) }
    nodes.set(id, node)
    turn.nodes.push(node)
  }
  const dangling = new Set<string>()
  let active: Place | undefined
  for (const event of events) {
    const before = (id: unknown): Node | undefined => {
      const node = typeof id === 'string' ? nodes.get(id) : undefined
      return node !== undefined && node.turn.nodes[0]!.created < event.id ? node : undefined
    }
    const placeAt = (node: Node): Place => {
      const isLast = node.turn.nodes.every((each) => each.created <= node.created || each.created > event.id)
      return { turn: node.turn, upTo: isLast ? undefined : node }
    }
    if (event.type === 'session.updated') {
      const { head } = event.data as InfoPatch
      const node = before(head)
      if (head === null) active = undefined
      else if (node !== undefined) active = placeAt(node)
    } else if (event.type === 'message.created') {
      const first = nodes.get((event.data as unknown as MessageData).id)!
      if (first.created !== event.id || first.turn.nodes[0] !== first) continue
      const { parentId, after } = event.data as unknown as MessageData
      const parent = before(parentId)
      const seen = before(after)
      if (typeof parentId === 'string' && parent === undefined) dangling.add(first.id)
      if (parentId === null) first.turn.anchor = undefined
      else if (parent !== undefined) first.turn.anchor = { turn: parent.turn, upTo: parent }
      else if (seen === undefined || pathTo(active).includes(seen)) first.turn.anchor = active
      else first.turn.anchor = placeAt(seen)
      active = { turn: first.turn, upTo: undefined }
    }
  }
  return { nodes, active, dangling }
}

function pathTo(place: Place | undefined): Node[] {
  if (place === undefined) return []
  const { nodes } = place.turn
  const own = place.upTo === undefined ? nodes : nodes.slice(0, nodes.indexOf(place.upTo) + 1)
  return [...pathTo(place.turn.anchor), ...own]
}

function parentOf(node: Node): Node | undefined {
  const { nodes, anchor } = node.turn
  return nodes[0] === node ? pathTo(anchor).at(-1) : nodes[nodes.indexOf(node) - 1]
}

/** A message and everything above it, from the beginning. */
function lineage(node: Node): Node[] {
  const parent = parentOf(node)
  return parent === undefined ? [node] : [...lineage(parent), node]
}

function isAbove(node: Node, leaf: Node): boolean {
  return lineage(leaf).includes(node)
}

const FIXED = new Set(['id', 'turnId', 'parentId', 'after', 'parts', 'time'])

function messageOf(id: string, events: readonly InnerEvent[]): Message {
  const out: Record<string, unknown> = {}
  let parts: Part[] = []
  let touched = ''
  let first: { at: string; data: MessageData } | undefined
  for (const { id: at, type, data } of events) {
    if (type === 'part.updated') {
      const { messageId, partId, part } = data as unknown as { messageId: string; partId: string; part: Part | null }
      if (messageId !== id) continue
      const index = parts.findIndex((each) => each.id === partId)
      if (part === null) parts = parts.filter((each) => each.id !== partId)
      else if (index < 0) parts = [...parts, { ...part, id: partId }]
      else parts = parts.with(index, { ...part, id: partId })
    } else if (type === 'message.created' || type === 'message.updated') {
      if ((data as JsonObject)['id'] !== id) continue
      for (const [name, value] of Object.entries(data as JsonObject)) {
        if (FIXED.has(name)) continue
        if (value === null && type === 'message.updated') delete out[name]
        else setOwn(out, name, value)
      }
      if (type === 'message.created') {
        first ??= { at, data: data as unknown as MessageData }
        parts = [...(data as unknown as MessageData).parts]
      }
    } else continue
    touched = at
  }
  const { turnId, parentId, after } = first!.data
  const place = { turnId, ...(parentId === undefined ? {} : { parentId }), ...(after === undefined ? {} : { after }) }
  const time = { created: timeOf(first!.at), updated: timeOf(touched) }
  return { ...out, id, ...place, parts, time } as unknown as Message
}

function infoOf(
  events: readonly InnerEvent[],
  nodes: readonly Node[],
  path: readonly Node[],
  branchCount: number,
): SessionInfo {
  const visible = nodes.filter(({ isDeleted }) => !isDeleted)
  const fields = new Map<string, Json>()
  const [vars, metadata] = [new Map<string, Json>(), new Map<string, Json>()]
  const nested = new Map([
    ['vars', vars],
    ['metadata', metadata],
  ])
  let archivedAt: string | undefined
  // What was set stays set, so what `session.created` says is looked at first, the last one first.
  const initial = events.filter(isCreation).reverse()
  for (const { id, type, data } of [...initial, ...events.filter((event) => !isCreation(event))]) {
    if (type !== 'session.created' && type !== 'session.updated') continue
    for (const [name, value] of Object.entries(data as JsonObject)) {
      const map = nested.get(name)
      if (map === undefined) {
        put(fields, name, value, type)
        if (name === 'archived' && (value !== null || type === 'session.updated'))
          archivedAt = type === 'session.updated' ? id : events[0]!.id
      } else if (value === null) {
        if (type === 'session.updated') map.clear()
      } else for (const [key, item] of Object.entries(value as JsonObject)) put(map, key, item, type)
    }
  }
  const known = ['title', 'project', 'cwd', 'model', 'provider', 'parent', 'rootId', 'labels', 'source']
  const head = path.at(-1)?.id
  const created = events.length === 0 ? 0 : timeOf(events[0]!.id)
  const updated = events.length === 0 ? 0 : timeOf(events.at(-1)!.id)
  const archived = fields.get('archived') === true ? { archived: timeOf(archivedAt!) } : {}
  return {
    id: 'session',
    namespace: 'space',
    ...Object.fromEntries(known.flatMap((name) => (fields.has(name) ? [[name, fields.get(name)]] : []))),
    vars: objectOf(vars),
    metadata: objectOf(metadata),
    ...(head === undefined ? {} : { head }),
    time: { created, updated, ...archived },
    status: statusOf(path.map(({ message }) => message)),
    messageCount: visible.length,
    turnCount: new Set(visible.map(({ turn }) => turn)).size,
    branchCount,
    usage: usageOf(visible.map(({ message }) => message)),
    preview: previewOf(visible.map(({ message }) => message)),
    lastEventId: events.at(-1)?.id ?? '',
    damage: 0,
  }
}

function isCreation({ type }: InnerEvent): boolean {
  return type === 'session.created'
}

/** A `null` of an update unsets, one of a creation says nothing. */
function put(map: Map<string, Json>, name: string, value: Json, type: string): void {
  if (value !== null) map.set(name, value)
  else if (type === 'session.updated') map.delete(name)
}

function objectOf(map: ReadonlyMap<string, Json>): JsonObject {
  const out = {}
  for (const [key, value] of map) setOwn(out, key, value)
  return out
}

function statusOf(path: readonly Message[]): SessionInfo['status'] {
  const turn = path.slice(
    Math.max(
      0,
      path.findLastIndex(({ role }) => role === 'user'),
    ),
  )
  if (turn.some(({ status }) => status === 'pending' || status === 'in_progress')) return 'running'
  const last = turn.at(-1)?.status
  if (last === 'failed') return 'failed'
  const parts = turn.flatMap((message) => message.parts)
  const answered = new Set(parts.flatMap((part) => (part.type === 'tool-result' ? [part.callId] : [])))
  const isOpen = parts.some((part) => part.type === 'tool-call' && !answered.has(part.callId))
  return isOpen && last === 'completed' ? 'awaiting' : 'idle'
}

function usageOf(messages: readonly Message[]): Usage {
  const out: Record<string, number> = {}
  for (const { usage } of messages) {
    for (const [name, value] of Object.entries(usage ?? {})) {
      out[name] = (out[name] ?? 0) + Math.round((value as number) * (name === 'costUsd' ? 1e9 : 1))
    }
  }
  const { costUsd } = out
  return costUsd === undefined ? out : { ...out, costUsd: costUsd / 1e9 }
}

function previewOf(messages: readonly Message[]): string {
  for (const { role, audience, parts } of messages) {
    if (role !== 'user' || audience === 'model') continue
    const text = parts.find((part) => part.type === 'text' && part.text.trim() !== '')
    if (text?.type === 'text') return text.text.trim().slice(0, 200).toWellFormed()
  }
  return ''
}
