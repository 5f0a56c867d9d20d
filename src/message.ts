/**
 * The nouns of a conversation: session, turn, message, part. Types only.
 *
 * These are the shapes readers get: plain, frozen data. What lies on disk is in event.ts; `time` and the fields
 * marked "derived" are never written.
 */
import type { Json, JsonObject } from './json.ts'

/** `pending`: waiting to start. `incomplete`: stopped half-way (crash, abort, length limit) and kept. */
export type Status = 'pending' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled'

export type Role = 'system' | 'user' | 'assistant' | 'tool'

/** Who a message is for. Absent on a message: both. */
export type Audience = 'user' | 'model'

export interface ErrorInfo {
  readonly message: string
  readonly code?: string
}

/** Where something came from: `{ format: 'claude-code', id: '…' }`. */
export interface Source {
  readonly format: string
  readonly id: string
}

/**
 * What a message cost. Numbers ≥ 0, in tokens, `costUsd` in US dollars.
 * `inputTokens` includes cached and cache-write tokens.
 */
export interface Usage {
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly reasoningTokens?: number
  readonly cachedInputTokens?: number
  readonly cacheWriteTokens?: number
  readonly totalTokens?: number
  readonly costUsd?: number
}

interface PartBase {
  /** Unique in its message. */
  readonly id: string
  readonly status?: Status
  readonly statusMessage?: string
  readonly author?: string
  /** `turn`: the model sees this part only while its turn is the last one. */
  readonly scope?: 'turn'
  readonly providerMetadata?: Json
  readonly metadata?: JsonObject
}

export interface TextPart extends PartBase {
  readonly type: 'text'
  readonly text: string
}

export interface ReasoningPart extends PartBase {
  readonly type: 'reasoning'
  readonly text: string
  readonly signature?: string
  readonly encrypted?: string
}

/** A file: by `url`, inline as base64 `data`, or stored in the namespace's `files/` as `file: "sha256-…"`. */
export interface FilePart extends PartBase {
  readonly type: 'file'
  /** IANA media type, `image/png`. */
  readonly mediaType: string
  readonly name?: string
  readonly url?: string
  readonly data?: string
  readonly file?: string
  readonly sizeBytes?: number
  readonly width?: number
  readonly height?: number
}

export interface ToolCallPart extends PartBase {
  readonly type: 'tool-call'
  /** What the result names to answer this call. */
  readonly callId: string
  readonly name: string
  readonly input: Json
  /** The arguments as the model wrote them, where they were not valid JSON. */
  readonly rawInput?: string
  readonly approval?: 'requested' | 'approved' | 'denied'
}

export interface ToolResultPart extends PartBase {
  readonly type: 'tool-result'
  readonly callId: string
  readonly name: string
  readonly title?: string
  readonly output?: Json
  readonly content?: readonly (TextPart | FilePart)[]
  readonly error?: ErrorInfo
}

export interface DataPart extends PartBase {
  readonly type: 'data'
  readonly name: string
  readonly data: Json
}

/** A summary that stands for earlier messages in the model's view; the history itself stays. */
export interface CompactionPart extends PartBase {
  readonly type: 'compaction'
  readonly text: string
  /** First message that is kept verbatim: everything before it is summarised. Absent: all before this message. */
  readonly from?: string
  /** Earlier messages that are kept verbatim besides. */
  readonly keep?: readonly string[]
  /** What the model sees instead of everything before, where the summary is a list of messages. */
  readonly replacement?: readonly Message[]
  readonly tokensBefore?: number
}

export type Part = TextPart | ReasoningPart | FilePart | ToolCallPart | ToolResultPart | DataPart | CompactionPart

export interface Message {
  readonly id: string
  /** The turn it belongs to: a label shared by a question and what answers it. */
  readonly turnId: string
  /** Only on the first message of a deliberate branch; `null`: a new root. */
  readonly parentId?: string | null
  /** The head its writer saw; only on the first message of a turn. */
  readonly after?: string
  readonly role: Role
  readonly author?: string
  readonly to?: string
  readonly audience?: Audience
  readonly parts: readonly Part[]
  readonly status: Status
  readonly statusMessage?: string
  readonly error?: ErrorInfo
  readonly finishReason?: string
  readonly lease?: { readonly owner: string; readonly until: number }
  readonly model?: string
  readonly provider?: string
  readonly usage?: Usage
  readonly source?: Source
  readonly metadata?: JsonObject
  /** Derived, in ms since the epoch: from the ids of the first and the newest event that touched it. */
  readonly time: { readonly created: number; readonly updated: number }
}

/** A run of the path from one user message to the next. */
export interface Turn {
  /** The `turnId` of its first message. */
  readonly id: string
  readonly status: Status
  /** The sum over its messages. */
  readonly usage: Usage
  readonly messages: readonly Message[]
}

/** `awaiting`: an approval is requested, or a call has no result yet. */
export type SessionStatus = 'idle' | 'running' | 'awaiting' | 'failed'

/** The parent of a sub-session or fork. */
export interface SessionParent {
  readonly sessionId: string
  readonly messageId?: string
  readonly callId?: string
}

export interface SessionInfo {
  readonly id: string
  readonly namespace: string
  readonly title?: string
  readonly project?: string
  readonly cwd?: string
  readonly model?: string
  readonly provider?: string
  readonly parent?: SessionParent
  readonly rootId?: string
  readonly vars: JsonObject
  readonly metadata: JsonObject
  readonly labels?: readonly string[]
  readonly source?: Source
  /** Derived: the message the conversation ends at. */
  readonly head?: string
  /** Derived, ms since the epoch. `updated` is the time of the newest event, `archived` that of the archiving one. */
  readonly time: { readonly created: number; readonly updated: number; readonly archived?: number }
  /** Derived from the last turn. */
  readonly status: SessionStatus
  /** Derived: messages that are not deleted, branches included. */
  readonly messageCount: number
  /** Derived: turns with a message that is not deleted, branches included. */
  readonly turnCount: number
  /** Derived: ends of the tree. A conversation that never branched has 1, an empty one 0. */
  readonly branchCount: number
  /** Derived: the sum over all messages, branches included. */
  readonly usage: Usage
  /** Derived: the first user text, at most 200 characters. */
  readonly preview: string
  /** Derived: the greatest event id. Empty for a log without a single event. */
  readonly lastEventId: string
  /** Derived: how many pieces of the log are not events; `session.damage()` lists them. */
  readonly damage: number
}
