/**
 * The first reading of a transcript: what is remembered of each record, and who the transcript is.
 *
 * A transcript of any size is read twice. This reading keeps only how records hang together, a few hundred bytes for
 * each; the second one (convert.ts) makes events of them, one record at a time.
 *
 * Reads no clock and no disk.
 */
import { isSet, objectField, textField, timeField } from '../fields.ts'
import type { JsonObject } from '../../json.ts'
import type { SourceRecord } from '../jsonl.ts'
import { digest } from '../mint.ts'
import { FactFinder, type Facts } from './facts.ts'
import {
  aboveOf,
  answeredBy,
  callsOf,
  contentDigest,
  kindOf,
  textDigestOf,
  typeOf,
  type Call,
  type RecordKind,
} from './record.ts'

/** What is remembered of a record. */
export interface Entry {
  /** Names the record in its file: its uuid, or `#<ordinal>` where it has none of its own. */
  readonly key: string
  readonly kind: RecordKind
  /** Its own time, or that of the record before it. */
  time: number
  /** The ordinal of the record it follows; undefined at a beginning. Known when the whole file is. */
  above: number | undefined
  readonly isSidechain: boolean
  /** Of an assistant record: which message of the API it is a piece of. */
  readonly messageId: string | undefined
  readonly calls: readonly Call[]
  /** The ids of the calls that its tool results answer. */
  readonly results: readonly string[]
  /** Of a tool result: the id of the sub-agent that gave it. */
  readonly spawned: string | undefined
  /** Of the text that a user record consists of. */
  readonly textDigest: string | undefined
  /** Of a compact boundary: what it says about the compaction. */
  readonly compaction: JsonObject | undefined
  /** Of a repeat: the ordinal of the record it repeats. */
  readonly repeats: number | undefined
}

/** Who the transcript is, taken from its first record that has an id, so that a copy that was cut off is the same. */
interface Identity {
  readonly sessionId: string | undefined
  readonly agentId: string | undefined
  /** The first uuid; in files without any, a digest of the first message. */
  readonly first: string
  readonly time: number
  /** A parent that is not in this file: of a sub-agent that continues its parent's conversation. */
  readonly outerParent: string | undefined
}

/** Everything the first reading found. */
export interface Survey {
  readonly entries: readonly Entry[]
  /** Undefined for a file without a message. */
  readonly identity: Identity | undefined
  /** Where each uuid comes first. */
  readonly ordinals: ReadonlyMap<string, number>
  readonly facts: Facts
}

/** Stands in `Entry.time` for none until the file is read. */
const NO_TIME = -1

/** Takes in the records of one file, in their order. */
export class Surveyor {
  readonly #facts = new FactFinder()
  readonly #entries: Entry[] = []
  /** The uuids that the records follow, by ordinal. */
  readonly #above: (string | undefined)[] = []
  readonly #ordinals = new Map<string, number>()
  /** What the first record of each uuid says, to tell repeats: the record, where all of them are in memory anyway, or a digest. */
  readonly #contents = new Map<string, JsonObject | string>()
  readonly #isKept: boolean
  #identity: (Identity & { readonly isExact: boolean }) | undefined
  #lastMessage: number | undefined

  /** `isKept`: the records stay in memory, so that they may be referred to. */
  constructor(isKept: boolean) {
    this.#isKept = isKept
  }

  add({ ordinal, value }: SourceRecord): void {
    const type = typeOf(value)
    const entry = this.#entryOf(ordinal, type, value)
    this.#entries.push(entry)
    this.#above.push(aboveOf(value))
    this.#facts.add(type, entry.kind, entry.time === NO_TIME ? undefined : entry.time, value)
    const isMessage = entry.kind === 'user' || entry.kind === 'assistant'
    if (isMessage) this.#lastMessage = ordinal
    this.#identify(value, isMessage, entry.time)
  }

  /** What was found, when all records are in. */
  survey(): Survey {
    this.#entries.forEach((entry, ordinal) => {
      const above = this.#above[ordinal]
      if (above !== undefined) entry.above = this.#ordinals.get(above)
    })
    this.#fillTimes()
    return {
      entries: this.#entries,
      identity: this.#lastMessage === undefined ? undefined : this.#finalIdentity(),
      ordinals: this.#ordinals,
      facts: this.#facts.facts(),
    }
  }

  #entryOf(ordinal: number, type: string, value: JsonObject): Entry {
    const uuid = textField(value, 'uuid')
    const isFirst = uuid !== undefined && !this.#ordinals.has(uuid)
    const repeats = uuid === undefined || isFirst ? undefined : this.#repeated(uuid, type, value)
    if (isFirst) {
      this.#ordinals.set(uuid, ordinal)
      this.#contents.set(uuid, this.#isKept ? value : contentDigest(type, value))
    }
    const kind = repeats === undefined ? kindOf(type, value) : 'repeat'
    const isLoose = uuid === undefined && textField(value, 'parentUuid') === undefined
    const isSidechain = isSet(value, 'isSidechain')
    return {
      key: isFirst ? uuid : `#${ordinal}`,
      kind,
      time: timeField(value, 'timestamp') ?? NO_TIME,
      // Without ids there is only the order of the file.
      above: isLoose ? this.#lastMessage : undefined,
      isSidechain,
      messageId: kind === 'assistant' ? textField(objectField(value, 'message') ?? {}, 'id') : undefined,
      calls: kind === 'assistant' ? callsOf(value) : [],
      results: kind === 'user' ? answeredBy(value) : [],
      spawned: kind === 'user' ? textField(objectField(value, 'toolUseResult') ?? {}, 'agentId') : undefined,
      textDigest: kind === 'user' && isSidechain ? textDigestOf(value) : undefined,
      compaction: value['subtype'] === 'compact_boundary' ? (objectField(value, 'compactMetadata') ?? {}) : undefined,
      repeats,
    }
  }

  /** The ordinal of the first record of a uuid, if that one says the same. */
  #repeated(uuid: string, type: string, value: JsonObject): number | undefined {
    // Each first record of a uuid is in both maps.
    const first = this.#contents.get(uuid)!
    const content = typeof first === 'string' ? first : contentDigest(typeOf(first), first)
    return content === contentDigest(type, value) ? this.#ordinals.get(uuid) : undefined
  }

  /** A record with a uuid says who the session is; until one comes, the first message does. */
  #identify(value: JsonObject, isMessage: boolean, time: number): void {
    const uuid = textField(value, 'uuid')
    if (this.#identity?.isExact === true || (uuid === undefined && (!isMessage || this.#identity !== undefined))) return
    this.#identity = {
      sessionId: textField(value, 'sessionId'),
      agentId: textField(value, 'agentId'),
      first: uuid ?? `sha256-${digest(JSON.stringify(value))}`,
      time,
      outerParent: textField(value, 'parentUuid'),
      isExact: uuid !== undefined,
    }
  }

  #finalIdentity(): Identity {
    // A file with a message has an identity: the message itself gives one.
    const { isExact: _, ...identity } = this.#identity!
    const { outerParent, time } = identity
    const isOuter = outerParent !== undefined && !this.#ordinals.has(outerParent)
    return {
      ...identity,
      time: time === NO_TIME ? this.#firstTime() : time,
      outerParent: isOuter ? outerParent : undefined,
    }
  }

  /** A record without a time has that of the one before it; before the first time there is the first. */
  #fillTimes(): void {
    let time = this.#firstTime()
    for (const entry of this.#entries) {
      if (entry.time === NO_TIME) entry.time = time
      else time = entry.time
    }
  }

  #firstTime(): number {
    return this.#entries.find((entry) => entry.time !== NO_TIME)?.time ?? 0
  }
}
