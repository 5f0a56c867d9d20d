/**
 * What is known of a transcript as a whole: its title, its times, what its records name, and what is left out.
 *
 * Everything in this file is pure.
 */
import { isSet, objectField, textField } from '../fields.ts'
import type { JsonObject } from '../../json.ts'
import type { DroppedField, DroppedRecords, SourceLinks } from '../report.ts'
import { DROPPED, SYNTHETIC, blocksOf, labelOf, type RecordKind } from './record.ts'

/** The lists of distinct values that a session's metadata has. */
type ListName = 'sessionIds' | 'agentIds' | 'versions' | 'cwds' | 'gitBranches' | 'models'

/** What is known of a transcript as a whole. */
export interface Facts {
  readonly title: string | undefined
  readonly firstTime: number | undefined
  readonly lastTime: number | undefined
  /** Distinct values over all records, sorted. */
  readonly lists: Readonly<Record<ListName, readonly string[]>>
  /** The first directory. */
  readonly cwd: string | undefined
  readonly recordsByType: Readonly<Record<string, number>>
  readonly duplicateUuids: number
  readonly sidechainRecords: number
  readonly links: SourceLinks
  readonly dropped: Readonly<Record<string, DroppedRecords>>
  readonly droppedFields: Readonly<Record<string, DroppedField>>
}

const LISTS: readonly (readonly [ListName, string])[] = [
  ['sessionIds', 'sessionId'],
  ['agentIds', 'agentId'],
  ['versions', 'version'],
  ['cwds', 'cwd'],
  ['gitBranches', 'gitBranch'],
]
const REPEATED = 'says again what an earlier record with the same uuid says'
const STRUCTURED = 'the structured copy of a tool result; which sub-agent gave it is kept'
const NO_MESSAGE = 'the file has no message, so it makes no session'

/** Takes in the records of one file. */
export class FactFinder {
  /** The parents that the records with a uuid name, by uuid. */
  readonly #parents = new Map<string, string | undefined>()
  readonly #lists = new Map<ListName, Set<string>>()
  readonly #types = new Map<string, number>()
  /** Records that are kept as events of the log, by label. */
  readonly #kept = new Map<string, number>()
  readonly #dropped = new Map<string, { records: number; reason: string; blocks: Map<string, number> }>()
  readonly #summaries: { readonly text: string; readonly leaf: string | undefined }[] = []
  #customTitle: string | undefined
  #aiTitle: string | undefined
  #cwd: string | undefined
  #firstTime: number | undefined
  #lastTime: number | undefined
  #hasMessage = false
  #duplicates = 0
  #structured = 0
  #sidechain = 0

  /** `time`: its own, in ms since the epoch. */
  add(type: string, kind: RecordKind, time: number | undefined, value: JsonObject): void {
    count(this.#types, type === 'system' ? labelOf(type, value) : type)
    this.#hasMessage ||= kind === 'user' || kind === 'assistant'
    if (isSet(value, 'isSidechain')) this.#sidechain++
    this.#noteLink(value)
    this.#noteTime(time)
    this.#noteFields(type, value)
    this.#noteKind(type, kind, value)
  }

  /** What was found, when all records are in. */
  facts(): Facts {
    return {
      title: this.#title(),
      firstTime: this.#firstTime,
      lastTime: this.#lastTime,
      lists: this.#sortedLists(),
      cwd: this.#cwd,
      recordsByType: sorted(this.#types),
      duplicateUuids: this.#duplicates,
      sidechainRecords: this.#sidechain,
      links: linksOf(this.#parents),
      dropped: this.#droppedRecords(),
      droppedFields: this.#structured === 0 ? {} : { toolUseResult: { records: this.#structured, reason: STRUCTURED } },
    }
  }

  #noteLink(value: JsonObject): void {
    const uuid = textField(value, 'uuid')
    if (uuid === undefined) return
    if (this.#parents.has(uuid)) this.#duplicates++
    else this.#parents.set(uuid, textField(value, 'parentUuid'))
  }

  #noteTime(time: number | undefined): void {
    if (time === undefined) return
    this.#firstTime = Math.min(this.#firstTime ?? time, time)
    this.#lastTime = Math.max(this.#lastTime ?? time, time)
  }

  #noteFields(type: string, value: JsonObject): void {
    for (const [list, field] of LISTS) this.#note(list, textField(value, field))
    this.#cwd ??= textField(value, 'cwd')
    if (type === 'assistant') {
      const model = textField(objectField(value, 'message') ?? {}, 'model')
      if (model !== SYNTHETIC) this.#note('models', model)
    } else if (type === 'custom-title') this.#customTitle = textField(value, 'customTitle') ?? this.#customTitle
    else if (type === 'ai-title') this.#aiTitle = textField(value, 'aiTitle') ?? this.#aiTitle
    else if (type === 'summary') {
      const text = textField(value, 'summary')
      if (text !== undefined) this.#summaries.push({ text, leaf: textField(value, 'leafUuid') })
    }
  }

  #note(list: ListName, value: string | undefined): void {
    if (value === undefined) return
    const values = this.#lists.get(list)
    if (values === undefined) this.#lists.set(list, new Set([value]))
    else values.add(value)
  }

  #noteKind(type: string, kind: RecordKind, value: JsonObject): void {
    const label = labelOf(type, value)
    if (kind === 'event' || kind === 'prompt') count(this.#kept, label)
    if (kind === 'repeat') this.#drop(`repeat:${label}`, REPEATED, blocksOf(value))
    else if (kind === 'dropped') this.#drop(label, DROPPED.get(type)!, [])
    if (kind === 'user' && value['toolUseResult'] !== undefined) this.#structured++
  }

  #drop(label: string, reason: string, blocks: readonly JsonObject[]): void {
    let dropped = this.#dropped.get(label)
    if (dropped === undefined) this.#dropped.set(label, (dropped = { records: 0, reason, blocks: new Map() }))
    dropped.records++
    for (const block of blocks) count(dropped.blocks, textField(block, 'type') ?? '(none)')
  }

  /** A summary at the beginning of a file is usually that of another one: only one of a record of this file counts. */
  #title(): string | undefined {
    const own = this.#summaries.filter(({ leaf }) => leaf !== undefined && this.#parents.has(leaf))
    return this.#customTitle ?? this.#aiTitle ?? own.at(-1)?.text
  }

  #sortedLists(): Facts['lists'] {
    const list = (name: ListName): readonly string[] => [...(this.#lists.get(name) ?? [])].sort()
    return {
      sessionIds: list('sessionIds'),
      agentIds: list('agentIds'),
      versions: list('versions'),
      cwds: list('cwds'),
      gitBranches: list('gitBranches'),
      models: list('models'),
    }
  }

  #droppedRecords(): Facts['dropped'] {
    const dropped = [...this.#dropped].map(([label, { records, reason, blocks }]): [string, DroppedRecords] => [
      label,
      { records, reason, ...(blocks.size === 0 ? {} : { blocks: sorted(blocks) }) },
    ])
    const kept = this.#hasMessage ? [] : [...this.#kept]
    const rest = kept.map(([label, records]): [string, DroppedRecords] => [label, { records, reason: NO_MESSAGE }])
    return sorted([...dropped, ...rest])
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

function sorted<T>(items: Iterable<readonly [string, T]>): Record<string, T> {
  return Object.fromEntries([...items].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function linksOf(parents: ReadonlyMap<string, string | undefined>): SourceLinks {
  const named = new Map<string, number>()
  let roots = 0
  let dangling = 0
  for (const parentUuid of parents.values()) {
    if (parentUuid === undefined) roots++
    else if (parents.has(parentUuid)) count(named, parentUuid)
    else dangling++
  }
  const branchPoints = [...named.values()].filter((times) => times > 1).length
  return { nodes: parents.size, roots, dangling, leaves: parents.size - named.size, branchPoints }
}
