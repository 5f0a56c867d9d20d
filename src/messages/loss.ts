/**
 * What a conversion could not carry over, and the options of every conversion. Types, and the reporter they share.
 *
 * A conversion never fails for what a conversation holds: it leaves out, changes, moves, merges or inserts, and says so.
 * Everything in this file is pure.
 */
import type { Message, Part } from '../message.ts'

/** One thing that is not, or not in the same way, in what a conversion returned. */
export interface Loss {
  readonly kind: 'dropped' | 'changed' | 'moved' | 'merged' | 'inserted'
  readonly what:
    | 'message'
    | 'system'
    | 'text'
    | 'reasoning'
    | 'file'
    | 'data'
    | 'call'
    | 'result'
    | 'compaction'
    | 'part'
    | 'field'
  /** Why, as a clause: `the tool result names no call`. */
  readonly reason: string
  /** Of a conversion from foldlog: where it was. */
  readonly messageId?: string
  readonly partId?: string
  /** Of a conversion to foldlog: where it was, `messages[3].content[0].cache_control`. */
  readonly path?: string
}

/** What takes losses, one at a time, in the order they are met. */
export type Report = (loss: Loss) => void

/** Options of the conversions from foldlog. */
export interface ConvertOptions {
  /**
   * The bytes of a file stored by content, or a `data:` or `https:` URL for it, by its name `sha256-…`. Conversions are pure and
   * do not wait: read the files of {@link filesOf} before. Without it, and where it returns undefined, a text stands for the file.
   */
  readonly files?: (file: string) => Uint8Array | string | undefined
  /** Called once for each loss. Default: nobody is told. */
  readonly report?: Report
}

/** Options of the conversions to foldlog. */
export interface ParseOptions {
  /** Called once for each loss. Default: nobody is told. */
  readonly report?: Report
}

export const ignore: Report = () => undefined

/** A loss at a part of a message. */
export function lossAt(
  kind: Loss['kind'],
  what: Loss['what'],
  reason: string,
  message: Pick<Message, 'id'>,
  part?: Pick<Part, 'id'>,
): Loss {
  return { kind, what, reason, messageId: message.id, ...(part === undefined ? {} : { partId: part.id }) }
}
