/**
 * What a list shows of each session, in a block of its own in the infos cache, so that a list of all of them reads and parses no info. Pure.
 *
 *     {"id":[…],"title":[…],"preview":[…],"status":[…],"messageCount":[…],"branchCount":[…],"usage":[…],"damage":[…]}
 *
 * The columns have a value a session, in the order of the index: 0 for no title and for `idle`, no preview where there is a title, which is
 * shown instead. The ids are those of the index once more: by them redacting finds every line that holds something of a session. And of the usage `[inputTokens, outputTokens, totalTokens]`, or 0 where none of them was written.
 */
import type { SessionInfo, SessionStatus, Usage } from './message.ts'

/** A session as a list shows it. Every info is one. */
export interface InfoRow extends Pick<
  SessionInfo,
  'id' | 'namespace' | 'status' | 'messageCount' | 'branchCount' | 'damage'
> {
  /** `undefined` where a row has none: rows that all have the same fields are made in half the time. */
  readonly title?: string | undefined
  /** May be empty where there is a title. */
  readonly preview: string
  /** 0 is as good as absent. */
  readonly usage: Pick<Usage, 'inputTokens' | 'outputTokens' | 'totalTokens'>
  readonly time: Pick<SessionInfo['time'], 'updated'>
}

type Tokens = readonly [inputTokens: number, outputTokens: number, totalTokens: number]

interface Columns {
  readonly id: string[]
  readonly title: (string | 0)[]
  readonly preview: string[]
  readonly status: (SessionStatus | 0)[]
  readonly messageCount: number[]
  readonly branchCount: number[]
  readonly usage: (Tokens | 0)[]
  readonly damage: number[]
}

function noColumns(): Columns {
  return { id: [], title: [], preview: [], status: [], messageCount: [], branchCount: [], usage: [], damage: [] }
}

const NAMES = Object.keys(noColumns()) as readonly (keyof Columns)[]
const NO_USAGE = {}

/** The rows of so many sessions. */
export class Rows {
  readonly #columns: Columns

  private constructor(columns: Columns) {
    this.#columns = columns
  }

  /** The rows that a text was made of, if it is one of {@link textOfRows}. */
  static parse(text: string, count: number): Rows | undefined {
    try {
      const columns = JSON.parse(text) as Columns
      return NAMES.every((name) => columns[name].length === count) ? new Rows(columns) : undefined
    } catch {
      return undefined
    }
  }

  /** What is shown of the session of a line of the index; undefined if it is another session's. */
  at(row: number, id: string, namespace: string, updated: number): InfoRow | undefined {
    if (this.#columns.id[row] !== id) return undefined
    const { title, preview, status, messageCount, branchCount, usage, damage } = this.#columns
    const name = title[row]!
    const tokens = usage[row]!
    return {
      id,
      namespace,
      title: name === 0 ? undefined : name,
      preview: preview[row]!,
      status: status[row]! || 'idle',
      messageCount: messageCount[row]!,
      branchCount: branchCount[row]!,
      usage: tokens === 0 ? NO_USAGE : { inputTokens: tokens[0], outputTokens: tokens[1], totalTokens: tokens[2] },
      damage: damage[row]!,
      time: { updated },
    }
  }
}

/** Rows as one line of JSON. */
export function textOfRows(rows: readonly InfoRow[]): string {
  const columns = noColumns()
  for (const { id, title, preview, status, messageCount, branchCount, usage, damage } of rows) {
    columns.id.push(id)
    columns.title.push(title ?? 0)
    columns.preview.push((title ?? '').trim() === '' ? preview : '')
    columns.status.push(status === 'idle' ? 0 : status)
    columns.messageCount.push(messageCount)
    columns.branchCount.push(branchCount)
    columns.usage.push(tokensOf(usage))
    columns.damage.push(damage)
  }
  return JSON.stringify(columns)
}

function tokensOf({ inputTokens = 0, outputTokens = 0, totalTokens = 0 }: InfoRow['usage']): Tokens | 0 {
  return inputTokens === 0 && outputTokens === 0 && totalTokens === 0 ? 0 : [inputTokens, outputTokens, totalTokens]
}
