/** What users import. Re-exports only. */
export { memoryBackend } from './backends/memory.ts'
export { fileBackend, type FileBackendOptions } from './backends/file/index.ts'
export type { FsyncPolicy } from './backends/file/sync.ts'
export type * from './backend.ts'
export { bus, Bus } from './bus.ts'
export type {
  BusEvent,
  BusEventOf,
  BusEvents,
  Listener,
  LogEvent,
  MessageChanged,
  Notice,
  Origin,
  PartDelta,
  SessionChanged,
  SessionDeleted,
  SessionRewound,
  StoreDegraded,
  StoreError,
  TurnEnded,
  TurnStarted,
} from './bus.ts'
export type { CompactionInput } from './compact.ts'
export {
  compactIf,
  type CompactionPolicy,
  type SizePolicy,
  type Summarize,
  type Summary,
  type SummaryRequest,
  type TurnPolicy,
} from './compact-if.ts'
export type { ContextOptions } from './context.ts'
export type { Draft, DraftEnd, StreamInput, StreamOptions, ToolCallInput, ToolResultInput } from './draft.ts'
export { FoldlogError, isFoldlogError, type ErrorCode, type ErrorFacts } from './errors.ts'
export type {
  CoreEvent,
  CoreEvents,
  CoreType,
  EventOf,
  InfoPatch,
  MessageData,
  MessagePatch,
  SessionEvent,
} from './event.ts'
export type { Followed, FollowOptions } from './follow.ts'
export type { FileOptions, FileRef, FileSource, Openable, StoredFilePart } from './files.ts'
export type { FileUser } from './file-refs.ts'
export type { ListOptions, Page } from './infos.ts'
export type { Json, JsonObject } from './json.ts'
export { latest, type LatestOptions } from './latest.ts'
export type { Damage, DamageKind } from './line.ts'
export type { Finding } from './findings.ts'
export type { LogReport } from './fsck.ts'
export type { FileReport } from './fsck-files.ts'
export type { Collected, CollectOptions } from './gc.ts'
export type { Repaired, RepairOptions } from './repair.ts'
export type { RedactChoice, Redacted, RedactOptions } from './redact.ts'
export type { RedactHook } from './screen.ts'
export { findSecrets, redactSecrets, type Secret } from './secrets.ts'
export type { MergeLine, Merged } from './merge.ts'
export type * from './message.ts'
export type { Packed, PackOptions } from './pack.ts'
export type { Projection } from './projection.ts'
export type { NoOptions } from './options.ts'
export type { AnswerFields, AnswerMessage, Piece, Reply } from './answer.ts'
export type { Search, Searched, SearchHit, SearchOptions, SearchQuery } from './search.ts'
export type { Snippet } from './snippet.ts'
export type { NewFile, Pieces, Responder, SendOptions, SendRequest } from './send.ts'
export type { SendEvent } from './turn-events.ts'
export type { PastSession } from './past-session.ts'
export type { Session } from './session.ts'
export type { WriteOptions } from './commit.ts'
export type { MessageInput, PartInput } from './stamp.ts'
export { openStore, type ForkOptions, type Health, type Listing, type SessionInit, type Store } from './store.ts'
export type { StoreOptions } from './store-options.ts'
export type { TailEvent, TailOptions } from './tail.ts'
export { estimateTokens, type EstimateOptions } from './tokens.ts'
export type { MessagesOptions } from './views.ts'
