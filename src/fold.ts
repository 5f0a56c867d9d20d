/**
 * Folds a set of events into the state of one session.
 *
 * Invariants held here:
 *  - I3 Order of arrival never matters: any permutation of the same events folds to an equal state.
 *  - I4 Folding an event twice equals folding it once.
 *
 * State is made of registers (registers.ts, body.ts) and of the tree (tree.ts). It is split in two: the skeleton, which is the
 * tree and one entry a message, and the bodies, which are reached through `#body` alone. Mutable inside; everything handed out is
 * frozen and made when it is asked for, and an unchanged message is the same object every time.
 *
 * Everything in this file is pure. It reads no clock and no disk, and it trusts that the data of an event fits its type.
 */
import { Body, factsOf, type Facts } from './body.ts'
import type { CoreEvents, InfoPatch, MessageData } from './event.ts'
import { timeOf } from './id.ts'
import { deepFreeze, type Json, type JsonObject } from './json.ts'
import type { InnerEvent } from './line.ts'
import type { Message, Part, SessionInfo, SessionStatus } from './message.ts'
import { Registers } from './registers.ts'
import { TurnFacts, UsageSum } from './totals.ts'
import { Tree, type Place, type TreeNode, type TreeTurn } from './tree.ts'

const PREVIEW_CHARS = 200

/** A message in the skeleton; a placeholder while only updates of it have come. */
class Entry implements TreeNode {
  readonly id: string
  created = ''
  turnId = ''
  parentId: string | null | undefined
  after: string | undefined
  turn: TreeTurn | undefined
  isDeleted = false
  /** The newest event that touched it. */
  touched = ''
  body: Body | undefined
  facts: Facts | undefined
  view: Message | undefined

  constructor(id: string) {
    this.id = id
  }
}

export class Fold {
  readonly #namespace: string
  readonly #sessionId: string
  readonly #info = new Registers()
  readonly #vars = new Registers()
  readonly #metadata = new Registers()
  readonly #entries = new Map<string, Entry>()
  readonly #tree = new Tree()
  readonly #turnFacts = new Map<string, TurnFacts>()
  /** Which message made a call, by call id. */
  readonly #callers = new Map<string, Entry>()
  readonly #usage = new UsageSum()
  #messageCount = 0
  #firstEventId = ''
  #lastEventId = ''
  #preview: { readonly created: string; readonly text: string } | undefined
  #isPreviewStale = false
  #cached: { readonly damage: number; readonly info: SessionInfo } | undefined

  constructor(namespace: string, sessionId: string) {
    this.#namespace = namespace
    this.#sessionId = sessionId
  }

  /** Folds one event. Events may come in any order, each once. Types that are not core only move `lastEventId`. */
  apply(event: InnerEvent): void {
    this.#cached = undefined
    if (event.id > this.#lastEventId) this.#lastEventId = event.id
    if (this.#firstEventId === '' || event.id < this.#firstEventId) this.#firstEventId = event.id
    switch (event.type as keyof CoreEvents) {
      case 'session.created':
        return this.#initInfo(event.data as InfoPatch, event.id)
      case 'session.updated':
        return this.#setInfo(event.data as InfoPatch, event.id)
      case 'message.created':
        return this.#create(event.data as unknown as MessageData, event.id)
      case 'message.updated':
        return this.#update(event.data as unknown as CoreEvents['message.updated'], event.id)
      case 'message.deleted':
        return this.#delete(event.data as unknown as CoreEvents['message.deleted'])
      case 'part.updated':
        return this.#updatePart(event.data as unknown as CoreEvents['part.updated'], event.id)
    }
  }

  /** The greatest id folded; empty if there is none. */
  get lastEventId(): string {
    return this.#lastEventId
  }

  /** The tree of the conversation, for walks; not to be changed. */
  get tree(): Tree {
    return this.#tree
  }

  /** The session's info; the same object while nothing changes. */
  info(damage: number): SessionInfo {
    if (this.#cached?.damage !== damage) this.#cached = { damage, info: this.#makeInfo(damage) }
    return this.#cached.info
  }

  /** A message by id, if it was created and is not deleted. */
  message(id: string): Message | undefined {
    const entry = this.#entries.get(id)
    return entry === undefined ? undefined : this.#view(entry)
  }

  /** Where a message is in the tree, deleted or not. */
  node(id: string): TreeNode | undefined {
    const entry = this.#entries.get(id)
    return entry?.turn === undefined ? undefined : entry
  }

  isDeleted(id: string): boolean {
    return this.#entries.get(id)?.isDeleted ?? false
  }

  /** The turn of the message that made a call. */
  turnOfCall(callId: string): TreeTurn | undefined {
    return this.#callers.get(callId)?.turn
  }

  /** The messages of a path from beginning to end, or only the last `limit` of them before `before`. */
  path(end: Place | undefined, limit: number = Infinity, before?: string): Message[] {
    const out: Message[] = []
    let isBefore = before === undefined
    for (const node of this.#tree.walkBack(end)) {
      if (out.length >= limit) break
      const view = isBefore ? this.#view(node as Entry) : undefined
      if (view !== undefined) out.push(view)
      if (node.id === before) isBefore = true
    }
    return out.reverse()
  }

  /** Every message that is not deleted, branches included, in the order of their first events. */
  all(): Message[] {
    return [...this.#entries.values()]
      .filter((entry) => entry.turn !== undefined && !entry.isDeleted)
      .sort((a, b) => (a.created < b.created ? -1 : 1))
      .map((entry) => this.#view(entry)!)
  }

  /** The newest message of the conversation that is not deleted. */
  head(): string | undefined {
    for (const node of this.#tree.walkBack(this.#tree.active)) if (!node.isDeleted) return node.id
    return undefined
  }

  #initInfo(data: InfoPatch, at: string): void {
    for (const [name, value] of Object.entries(data)) {
      if (name === 'vars' || name === 'metadata') {
        for (const [key, item] of Object.entries((value ?? {}) as JsonObject)) this.#nested(name).init(key, item, at)
      } else if (name === 'head') {
        continue
      } else this.#info.init(name, value as Json, at)
    }
  }

  #setInfo(data: InfoPatch, at: string): void {
    for (const [name, value] of Object.entries(data)) {
      if (name === 'vars' || name === 'metadata') {
        if (value === null) this.#nested(name).clear(at)
        else for (const [key, item] of Object.entries(value as JsonObject)) this.#nested(name).set(key, item, at)
      } else if (name === 'head') {
        this.#tree.moveHead(at, value as string | null)
      } else this.#info.set(name, value as Json, at)
    }
  }

  #nested(name: 'vars' | 'metadata'): Registers {
    return name === 'vars' ? this.#vars : this.#metadata
  }

  #entry(id: string, at: string): Entry {
    let entry = this.#entries.get(id)
    if (entry === undefined) this.#entries.set(id, (entry = new Entry(id)))
    entry.view = undefined
    if (at > entry.touched) entry.touched = at
    return entry
  }

  #create(data: MessageData, at: string): void {
    const entry = this.#entry(data.id, at)
    if (entry.body === undefined) entry.body = new Body(data, at)
    else {
      entry.body.assign(data, at)
      entry.body.setParts(data.parts, at)
    }
    const place = { created: at, turnId: data.turnId, parentId: data.parentId, after: data.after }
    if (entry.created === '') {
      Object.assign(entry, place)
      entry.body.settle(data)
      this.#tree.add(entry)
      if (!entry.isDeleted) this.#messageCount++
    } else if (at < entry.created) {
      this.#retract(entry)
      entry.body.settle(data)
      this.#tree.move(entry, place)
    }
    this.#recount(entry)
  }

  #update(data: CoreEvents['message.updated'], at: string): void {
    const entry = this.#entry(data.id, at)
    entry.body ??= new Body(undefined, '')
    entry.body.assign(data, at)
    this.#recount(entry)
  }

  #updatePart({ messageId, partId, part }: CoreEvents['part.updated'], at: string): void {
    const entry = this.#entry(messageId, at)
    entry.body ??= new Body(undefined, '')
    entry.body.setPart(partId, part, at)
    this.#recount(entry)
  }

  #delete({ ids }: CoreEvents['message.deleted']): void {
    for (const id of ids) {
      const entry = this.#entry(id, '')
      if (entry.isDeleted) continue
      this.#retract(entry)
      if (entry.turn !== undefined) this.#messageCount--
      this.#tree.hide(entry)
      this.#isPreviewStale = true
    }
  }

  /** Takes a message out of the totals, before it changes or goes. */
  #retract(entry: Entry): void {
    const { facts } = entry
    if (facts === undefined) return
    entry.facts = undefined
    if (facts.usage !== undefined) this.#usage.add(facts.usage, -1)
    this.#factsOfTurn(entry.turnId).add(facts, -1)
  }

  /** Puts a message into the totals as it is now. Placeholders and deleted messages count for nothing. */
  #recount(entry: Entry): void {
    this.#retract(entry)
    if (entry.turn === undefined || entry.isDeleted) return
    const facts = factsOf(this.#body(entry))
    entry.facts = facts
    if (facts.usage !== undefined) this.#usage.add(facts.usage, 1)
    this.#factsOfTurn(entry.turnId).add(facts, 1)
    for (const callId of facts.calls) this.#callers.set(callId, entry)
    if (facts.isUser) this.#offerPreview(entry)
  }

  #offerPreview(entry: Entry): void {
    if (this.#preview !== undefined && entry.created > this.#preview.created) return
    const text = this.#previewOf(entry)
    if (text !== '') this.#preview = { created: entry.created, text }
    else if (this.#preview?.created === entry.created) this.#isPreviewStale = true
  }

  #previewOf(entry: Entry): string {
    const { parts, data } = this.#body(entry)
    return data.audience === 'model' ? '' : textOf(parts)
  }

  #factsOfTurn(turnId: string): TurnFacts {
    let facts = this.#turnFacts.get(turnId)
    if (facts === undefined) this.#turnFacts.set(turnId, (facts = new TurnFacts()))
    return facts
  }

  #body(entry: Entry): Body {
    return entry.body!
  }

  #view(entry: Entry): Message | undefined {
    if (entry.turn === undefined || entry.isDeleted) return undefined
    if (entry.view === undefined) {
      const body = this.#body(entry)
      const { parts } = body
      const time = { created: timeOf(entry.created), updated: timeOf(entry.touched) }
      entry.view = deepFreeze({ ...(body.data as MessageData), parts, time })
    }
    return entry.view
  }

  #makeInfo(damage: number): SessionInfo {
    const info = this.#info
    const field = (name: keyof InfoPatch): object => {
      const value = info.get(name)
      return value === undefined ? {} : { [name]: value }
    }
    const head = this.head()
    const archivedAt = info.get('archived') === true ? (info.setAt('archived') ?? this.#firstEventId) : undefined
    return deepFreeze({
      id: this.#sessionId,
      namespace: this.#namespace,
      ...field('title'),
      ...field('project'),
      ...field('cwd'),
      ...field('model'),
      ...field('provider'),
      ...field('parent'),
      ...field('rootId'),
      vars: this.#vars.object(),
      metadata: this.#metadata.object(),
      ...field('labels'),
      ...field('source'),
      ...(head === undefined ? {} : { head }),
      time: {
        created: this.#firstEventId === '' ? 0 : timeOf(this.#firstEventId),
        updated: this.#lastEventId === '' ? 0 : timeOf(this.#lastEventId),
        ...(archivedAt === undefined ? {} : { archived: timeOf(archivedAt) }),
      },
      status: this.#status(),
      messageCount: this.#messageCount,
      turnCount: this.#tree.turnCount,
      branchCount: this.#tree.leafCount,
      usage: this.#usage.usage,
      preview: this.#previewText(),
      lastEventId: this.#lastEventId,
      damage,
    })
  }

  /** From the last turn: the path back to the newest user message. */
  #status(): SessionStatus {
    let unfinished = 0
    let open = 0
    let last: Entry | undefined
    for (let place = this.#tree.active; place !== undefined; place = place.turn.anchor) {
      last ??= lastVisible(place)
      const facts = this.#factsAt(place)
      unfinished += facts.unfinished
      open += facts.open
      if (facts.users > 0) break
    }
    if (unfinished > 0) return 'running'
    const status = last === undefined ? 'completed' : this.#body(last).data.status
    if (status === 'failed') return 'failed'
    return open > 0 && status === 'completed' ? 'awaiting' : 'idle'
  }

  /** What the turn at a place waits for; counted again only where the path leaves the turn, or the turn holds several questions. */
  #factsAt(place: Place): TurnFacts {
    const whole = this.#factsOfTurn(place.turn.id)
    const startsWithUser = (place.turn.nodes[0] as Entry).facts?.isUser ?? false
    if (place.upTo === undefined && (whole.users === 0 || (whole.users === 1 && startsWithUser))) return whole
    const facts = new TurnFacts()
    for (const node of this.#tree.walkBack(place)) {
      const entry = node as Entry
      if (entry.turn !== place.turn) break
      if (entry.facts !== undefined) facts.add(entry.facts, 1)
      if (facts.users > 0) break
    }
    return facts
  }

  #previewText(): string {
    if (this.#isPreviewStale) {
      this.#preview = undefined
      this.#isPreviewStale = false
      for (const entry of this.#entries.values()) if (entry.facts?.isUser === true) this.#offerPreview(entry)
    }
    return this.#preview?.text ?? ''
  }
}

function lastVisible(place: Place): Entry | undefined {
  const { nodes } = place.turn
  for (let i = place.upTo === undefined ? nodes.length - 1 : nodes.indexOf(place.upTo); i >= 0; i--) {
    if (!nodes[i]!.isDeleted) return nodes[i] as Entry
  }
  return undefined
}

function textOf(parts: readonly Part[]): string {
  const part = parts.find((each) => each.type === 'text' && each.text.trim() !== '')
  return part?.type === 'text' ? part.text.trim().slice(0, PREVIEW_CHARS).toWellFormed() : ''
}
