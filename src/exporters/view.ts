/**
 * What exporters read: a session, now or as it was, and the bytes of its files. Types only.
 */
import type { ReadStored } from '../inline.ts'
import type { Message, SessionInfo } from '../message.ts'
import type { MessagesOptions } from '../views.ts'

/** A session, or a session at some point of its past: what `store.get` and `session.at` return. */
export interface Exportable {
  readonly info: SessionInfo
  messages(options?: MessagesOptions): Promise<readonly Message[]>
}

/** Options of every exporter that reads a conversation. */
export interface ExportOptions {
  /** The conversation is the path through this message to the newest end below it. Default: the one up to the head. */
  readonly branch?: string
  /**
   * Reads files that are stored by content: `store.getFile`, but with undefined for those that it rejects as damaged. Default: none can be read,
   * and what is exported names them.
   */
  readonly files?: ReadStored
}
