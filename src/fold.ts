/**
 * Folds a set of events into the state of one session.
 *
 * Invariants held here:
 *  - I3 Order of arrival never matters: any permutation of the same events folds to an equal state.
 *  - I4 Folding an event twice equals folding it once.
 *
 * State is made of registers (registers.ts, body.ts) and of the tree (tree.ts). It is split in two: the skeleton, which is the
 * tree and one entry a message, and the contents of the messages. Mutable inside; everything handed out is
 * frozen and made when it is asked for, and an unchanged message is the same object every time.
 *
 * Everything in this file is pure. It reads no clock and no disk, and it trusts that the data of an event fits its type.
 */
import { Body, factsOf, type Content, type Facts } from './body.ts'
import { ById } from './by-id.ts'
import { Callers } from './callers.ts'
import type { CoreEvents, InfoPatch, MessageData } from './event.ts'
import { timeOf } from './event-id.ts'
import { deepFreeze, type Json, type JsonObject } from './json.ts'
import type { InnerEvent } from './line.ts'
import type { Message, SessionInfo, SessionStatus, Status } from './message.ts'
import type { Resume } from './extend.ts'
import { Registers } from './registers.ts'
import { previewOf, sessionStatus, TurnFacts, UsageSum } from './totals.ts'
import { Tree, type Place, type TreeNode, type TreeTurn } from './tree.ts'

/** The fields of an info that events set, in the order they are shown. */
const INFO_FIELDS = ['title', 'project', 'cwd', 'model', 'provider', 'parent', 'rootId', 'labels', 'source'] as const

/** So many answered calls since the newest question are remembered with an info. */
const MOST_CALLS = 200

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
  /** The data of its first event, or of all of them together; undefined while none has come that tells of it. */
  content: Content | undefined
  /** Who set what: made when a second event changes the message. */
  body: Body | undefined
  /** The content as it is in the totals; undefined while it is in none. */
  counted: Content | undefined
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
  readonly #entries = new ById<Entry>()
  readonly #tree = new Tree(this.#entries)
  /** Of the turns that were asked for: those that the conversation ended with once. */
  readonly #turnFacts = new Map<string, TurnFacts>()
  readonly #callers = new Callers<Entry>(callsIn, () => this.#entries.values())
  readonly #usage = new UsageSum()
  /** Messages that carry a lease. */
  readonly #leased = new Set<Entry>()
  /** Messages that may still change. */
  readonly #unfinished = new Set<Entry>()
  /** Some event told of a message before the one that created it, or it was created twice. */
  #hasEarlyNews = false
  #messageCount = 0
  /** Messages that were created, deleted ones too. */
  #created = 0
  #firstEventId = ''
  #lastEventId = ''
  #preview: { readonly entry: Entry; readonly text: string } | undefined
  #isPreviewStale = false
  #madeOf:
    | { readonly info: JsonObject; readonly base: Pick<SessionInfo, 'id' | 'namespace' | 'vars' | 'metadata'> }
    | undefined
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
      case 'message.created':
        return this.#create(event.data as unknown as MessageData, event.id)
      case 'session.created':
        return this.#initInfo(event.data as InfoPatch, event.id)
      case 'session.updated':
        return this.#setInfo(event.data as InfoPatch, event.id)
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

  /** What is needed to go on from the info alone; undefined in the middle of a turn, or while something is awaited. */
  resume(): Resume | undefined {
    const { active } = this.#tree
    if (active?.upTo !== undefined || !this.isComplete) return undefined
    // Going on with a turn that lost messages may bring it back to sight.
    if (active !== undefined && active.turn.visible < active.turn.nodes.length) return undefined
    // What comes to an end that others follow, or to before everything, begins a branch.
    if (this.#tree.children(this.#tree.last(active)).length > 0) return undefined
    const facts = this.#sinceQuestion()
    const last = active === undefined ? undefined : lastVisible(active)
    const { open, closed } = facts.callIds()
    // More would make the cache of infos big, for turns that are folded again soon anyway.
    if (closed.length > MOST_CALLS) return undefined
    const { unfinished } = facts
    return { turnId: active?.turn.id ?? '', unfinished, open, closed, last: this.#statusOf(last) }
  }

  /** Whether the conversation ends with the messages that were created last, and what tells of each comes after its creation. */
  get isStraight(): boolean {
    return this.#tree.isStraight && !this.#hasEarlyNews
  }

  /** Whether every message that is named has come. */
  get isComplete(): boolean {
    return this.#tree.isComplete && this.#created === this.#entries.size
  }

  /** The sum of what its messages used; not to be changed. */
  get usage(): UsageSum {
    return this.#usage
  }

  /** A message by id, if it was created and is not deleted. */
  message(id: string): Message | undefined {
    const entry = this.#entries.get(id)
    return entry === undefined ? undefined : this.#view(entry)
  }

  /** The messages that carry a lease, finished or not, in no particular order. */
  leased(): Message[] {
    return [...this.#leased].map((entry) => this.#view(entry)!)
  }

  /** Whether any message is in progress or pending, on whatever branch. */
  get hasUnfinished(): boolean {
    return this.#unfinished.size > 0
  }

  /** Where a message is in the tree, deleted or not. */
  node(id: string): TreeNode | undefined {
    const entry = this.#entries.get(id)
    return entry?.turn === undefined ? undefined : entry
  }

  /** The newest event that touched a message; empty if none did. */
  touched(id: string): string {
    return this.#entries.get(id)?.touched ?? ''
  }

  isDeleted(id: string): boolean {
    return this.#entries.get(id)?.isDeleted ?? false
  }

  /** The turn of the newest message that made a call: some models count their calls from zero in every message. */
  turnOfCall(callId: string): TreeTurn | undefined {
    // Of a log that is not straight the path does not end with the newest messages.
    const newest = this.isStraight ? this.#tree.walkBack(this.#tree.active) : []
    return this.#callers.find(callId, newest as Iterable<Entry>)?.turn
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
    const last = this.#tree.last(this.#tree.active)
    if (last === undefined || !last.isDeleted) return last?.id
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
    if (entry === undefined) this.#entries.add((entry = new Entry(id)))
    entry.view = undefined
    if (at > entry.touched) entry.touched = at
    return entry
  }

  #create(data: MessageData, at: string): void {
    const known = this.#entries.size
    const entry = this.#entry(data.id, at)
    if (this.#entries.size === known) this.#hasEarlyNews = true
    const body = entry.content === undefined ? undefined : bodyOf(entry)
    body?.assign(data, at, true)
    body?.setParts(data.parts, at)
    if (entry.created === '' || at < entry.created) body?.settle(data)
    entry.content = body === undefined ? data : body.content
    const { turnId, parentId, after } = data
    if (entry.created === '') {
      entry.created = at
      entry.turnId = turnId
      entry.parentId = parentId
      entry.after = after
      this.#tree.add(entry)
      this.#created++
      if (!entry.isDeleted) this.#messageCount++
    } else if (at < entry.created) {
      this.#account(entry, undefined)
      this.#tree.move(entry, { created: at, turnId, parentId, after })
    }
    this.#recount(entry)
  }

  #update(data: CoreEvents['message.updated'], at: string): void {
    const entry = this.#entry(data.id, at)
    const body = bodyOf(entry)
    body.assign(data, at)
    entry.content = body.content
    this.#recount(entry)
  }

  #updatePart({ messageId, partId, part }: CoreEvents['part.updated'], at: string): void {
    const entry = this.#entry(messageId, at)
    const body = bodyOf(entry)
    body.setPart(partId, part, at)
    entry.content = body.content
    this.#recount(entry)
  }

  #delete({ ids }: CoreEvents['message.deleted']): void {
    for (const id of ids) {
      const entry = this.#entry(id, '')
      if (entry.isDeleted) continue
      this.#account(entry, undefined)
      if (entry.turn !== undefined) this.#messageCount--
      this.#tree.hide(entry)
      this.#isPreviewStale = true
    }
  }

  /** Puts a message into the totals as it is now. Placeholders and deleted messages count for nothing. */
  #recount(entry: Entry): void {
    if (entry.turn === undefined || entry.isDeleted) return
    this.#account(entry, entry.content)
    this.#offerPreview(entry)
  }

  /** Puts what a message adds to the totals in the place of what it added before; undefined: nothing any more. */
  #account(entry: Entry, content: Content | undefined): void {
    const before = factsIn(entry)
    entry.counted = content
    if (content?.lease !== undefined) this.#leased.add(entry)
    else if (this.#leased.size > 0) this.#leased.delete(entry)
    if (content?.status === 'in_progress' || content?.status === 'pending') this.#unfinished.add(entry)
    else if (this.#unfinished.size > 0) this.#unfinished.delete(entry)
    const facts = factsIn(entry)
    const turnFacts = this.#turnFacts.size === 0 ? undefined : this.#turnFacts.get(entry.turnId)
    if (before !== undefined) {
      if (before.usage !== undefined) this.#usage.add(before.usage, -1)
      turnFacts?.add(before, -1)
      if (before.calls.some((callId) => facts?.calls.includes(callId) !== true)) this.#callers.forget()
    }
    if (facts === undefined) return
    if (facts.usage !== undefined) this.#usage.add(facts.usage, 1)
    turnFacts?.add(facts, 1)
    this.#callers.note(entry, facts.calls)
  }

  #offerPreview(entry: Entry): void {
    const known = this.#preview
    if (known !== undefined && known.entry !== entry && entry.created > known.entry.created) return
    const text = entry.counted?.role === 'user' ? previewOf(entry.counted) : ''
    if (text !== '') this.#preview = { entry, text }
    else if (known?.entry === entry) this.#isPreviewStale = true
  }

  #factsOfTurn(turn: TreeTurn): TurnFacts {
    let facts = this.#turnFacts.get(turn.id)
    if (facts === undefined) {
      this.#turnFacts.set(turn.id, (facts = new TurnFacts()))
      for (const node of turn.nodes) addFacts(facts, node)
    }
    return facts
  }

  #view(entry: Entry): Message | undefined {
    if (entry.turn === undefined || entry.isDeleted) return undefined
    if (entry.view === undefined) {
      const created = timeOf(entry.created)
      const time = { created, updated: entry.touched === entry.created ? created : timeOf(entry.touched) }
      // Spreading a frozen object is 30 times faster than spreading one that is not (V8 11), and its values are frozen.
      const data = deepFreeze(entry.content as MessageData)
      entry.view = Object.freeze({ ...data, time: Object.freeze(time) })
    }
    return entry.view
  }

  #makeInfo(damage: number): SessionInfo {
    const head = this.head()
    const archivedAt =
      this.#info.get('archived') === true ? (this.#info.setAt('archived') ?? this.#firstEventId) : undefined
    const created = this.#firstEventId === '' ? 0 : timeOf(this.#firstEventId)
    const updated = this.#lastEventId === '' ? 0 : timeOf(this.#lastEventId)
    const base = this.#base()
    const derived = Object.freeze({
      time: Object.freeze(
        archivedAt === undefined ? { created, updated } : { created, updated, archived: timeOf(archivedAt) },
      ),
      status: this.#status(),
      messageCount: this.#messageCount,
      turnCount: this.#tree.turnCount,
      branchCount: this.#tree.leafCount,
      usage: this.#usage.usage,
      preview: this.#previewText(),
      lastEventId: this.#lastEventId,
      damage,
    })
    // Every value in it is frozen already.
    return Object.freeze(head === undefined ? { ...base, ...derived } : { ...base, head, ...derived })
  }

  /** What events set, the same object while none of that changes. */
  #base(): Pick<SessionInfo, 'id' | 'namespace' | 'vars' | 'metadata'> {
    const made = this.#madeOf
    const [info, vars, metadata] = [this.#info.object(), this.#vars.object(), this.#metadata.object()]
    if (made?.info !== info || made.base.vars !== vars || made.base.metadata !== metadata) {
      const shown = INFO_FIELDS.filter((name) => Object.hasOwn(info, name)).map((name) => [name, info[name]])
      const fields = Object.fromEntries(shown) as Partial<SessionInfo>
      const base = { id: this.#sessionId, namespace: this.#namespace, ...fields, vars, metadata }
      this.#madeOf = { info, base: deepFreeze(base) }
    }
    return this.#madeOf!.base
  }

  /** From the last turn: the path back to the newest user message. */
  #status(): SessionStatus {
    let unfinished = 0
    let open = 0
    let turns = 0
    let last: Entry | undefined
    for (let place = this.#tree.active; place !== undefined; place = place.turn.anchor) {
      last ??= lastVisible(place)
      const facts = this.#factsAt(place)
      unfinished += facts.unfinished
      open += facts.open
      turns++
      if (facts.users > 0) break
    }
    // A call and its result may be in different turns.
    if (open > 0 && turns > 1) open = this.#sinceQuestion().open
    return sessionStatus(unfinished, open, this.#statusOf(last))
  }

  #statusOf(last: Entry | undefined): Status {
    return (last === undefined ? undefined : last.content!.status) ?? 'completed'
  }

  /** What the conversation waits for since the newest question, counted message by message. */
  #sinceQuestion(): TurnFacts {
    const facts = new TurnFacts()
    for (const node of this.#tree.walkBack(this.#tree.active)) {
      addFacts(facts, node)
      if (facts.users > 0) break
    }
    return facts
  }

  /** What the turn at a place waits for; counted again only where the path leaves the turn, or the turn holds several questions. */
  #factsAt(place: Place): TurnFacts {
    const whole = this.#factsOfTurn(place.turn)
    const startsWithUser = (place.turn.nodes[0] as Entry).counted?.role === 'user'
    if (place.upTo === undefined && (whole.users === 0 || (whole.users === 1 && startsWithUser))) return whole
    const facts = new TurnFacts()
    for (const node of this.#tree.walkBack(place)) {
      if (node.turn !== place.turn) break
      addFacts(facts, node)
      if (facts.users > 0) break
    }
    return facts
  }

  #previewText(): string {
    if (this.#isPreviewStale) {
      this.#preview = undefined
      this.#isPreviewStale = false
      for (const entry of this.#entries.values()) this.#offerPreview(entry)
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

/** Who set what of a message that is more than one event. */
function bodyOf(entry: Entry): Body {
  const { content, created } = entry
  // A content without a body is the data of the event that created it.
  return (entry.body ??= content === undefined ? new Body(undefined, '') : new Body(content as MessageData, created))
}

/** What a message adds to the totals. Found in its content whenever it is needed: kept, it would be one more object a message. */
function factsIn({ counted }: Entry): Facts | undefined {
  return counted === undefined ? undefined : factsOf(counted)
}

function callsIn(entry: Entry): readonly string[] {
  return factsIn(entry)?.calls ?? []
}

function addFacts(sum: TurnFacts, node: TreeNode): void {
  const facts = factsIn(node as Entry)
  if (facts !== undefined) sum.add(facts, 1)
}
