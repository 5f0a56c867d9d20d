/**
 * A conversation as text: a number, who, and what was said; what tools did is one line a call, with the result beside it.
 *
 *       1  user       Where is my refund?
 *       2  assistant  Let me look that up.
 *          ├ tool     find_order {"id":4411}                              ✓ 0.8s  1.2 kB
 *          └ tool     bank_status {"order":4411}                          ✗ 2.1s  timeout
 */
import type { Message, Part, SessionInfo, ToolCallPart, ToolResultPart } from '../message.ts'
import { titleOf, tokensOf } from './info.ts'
import type { Output } from './output.ts'
import { padEnd, plain, shortBytes, truncate, widthOf, wrap } from './text.ts'
import { shortDuration } from './time.ts'

const WHO_WIDTH = 9
const MAX_WHO = 16
const MAX_OUTCOME = 30
/** Of what is beside an outcome. */
const LEAST_TEXT = 10
/** Longer lines are hard to read, and what is at their ends is too far from their beginnings. */
const MAX_WIDTH = 120
/** Less than this is what the writing took, not the tool. */
const SHORTEST_MS = 50
/** More of a text is not looked at where it gets one line. */
const MAX_CHARS = 1000

/** Which of several messages in the same place one is, from 1 on, and the ids of the others. */
export interface Alternatives {
  readonly place: number
  readonly count: number
  readonly others: readonly string[]
}

/** What one part gives: text of its own, or a row beside a line of the tree. */
type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'row'
      readonly label: string
      readonly text: string
      readonly outcome?: string
      readonly body?: string
    }

interface Answer {
  readonly part: ToolResultPart
  readonly at: number
}

/** What is said of a session above its messages. */
export function headerOf(info: SessionInfo, out: Output): string {
  const tokens = tokensOf(info)
  const lines = [
    [info.id, info.namespace, info.parent === undefined ? '' : `came of ${info.parent.sessionId}`],
    [
      out.span(info.time.created, info.time.updated),
      info.model ?? '',
      tokens === '-' ? '' : `${tokens} ${tokens === '1' ? 'token' : 'tokens'}`,
      info.status === 'idle' ? '' : info.status,
    ],
  ]
    .map((facts) => plain(facts.filter((fact) => fact !== '').join(' · ')))
    .flatMap((facts) => (facts === '' ? [] : wrap(facts, out.width)))
  const title = out.style('bold', truncate(titleOf(info), out.width))
  return [title, ...lines.map((line) => out.style('dim', line)), ''].join('\n')
}

export class Conversation {
  readonly #out: Output
  readonly #isFull: boolean
  readonly #width: number
  readonly #numberWidth: number
  /** By call id: the results on this path, and which of them are shown beside their calls. */
  readonly #answers = new Map<string, Answer>()
  readonly #called = new Set<string>()
  #count = 0
  #hasFolded = false

  constructor(messages: readonly Message[], out: Output, isFull: boolean) {
    this.#out = out
    this.#isFull = isFull
    this.#width = Math.min(out.width, MAX_WIDTH)
    this.#numberWidth = Math.max(3, String(messages.length).length)
    for (const { parts, time } of messages) {
      for (const part of parts) {
        if (part.type === 'tool-call') this.#called.add(part.callId)
        if (part.type === 'tool-result') this.#answers.set(part.callId, { part, at: time.created })
      }
    }
  }

  /** Whether something was left out that `--full` shows. */
  get hasFolded(): boolean {
    return this.#hasFolded
  }

  /** The lines of the next message of the path; none for one that is shown beside the calls it answers. */
  linesOf(message: Message, alternatives: Alternatives): string[] {
    const pieces = [...message.parts.flatMap((part) => this.#pieceOf(part, message)), ...statusOf(message)]
    if (pieces.length === 0 && message.parts.length > 0 && alternatives.count < 2) return []
    this.#count++
    const who = truncate(plain(message.author ?? message.role), MAX_WHO)
    const label = `${String(this.#count).padStart(this.#numberWidth)}  ${padEnd(who, WHO_WIDTH)}  `
    const mark = alternatives.count < 2 ? '' : `‹ ${alternatives.place}/${alternatives.count} ›`
    return this.#layOut(label, mark, pieces)
  }

  #layOut(label: string, mark: string, pieces: readonly Piece[]): string[] {
    const indent = this.#numberWidth + 2 + WHO_WIDTH + 2
    const room = Math.max(20, this.#width - Math.max(indent, widthOf(label)))
    const [first] = pieces
    const textRoom = room - (mark === '' ? 0 : widthOf(mark) + 2)
    const opening = first?.kind === 'text' ? wrap(first.text, textRoom) : []
    const head = label + padEnd(opening[0] ?? '', mark === '' ? 0 : textRoom + 2) + mark
    const rows = first?.kind === 'text' ? pieces.slice(1) : pieces
    return [
      this.#paintHead(head.trimEnd(), label, mark),
      ...opening.slice(1).map((line) => ' '.repeat(indent) + line),
      ...rows.flatMap((piece, index) => this.#linesOfPiece(piece, indent, rows[index + 1]?.kind !== 'row')),
    ]
  }

  #paintHead(head: string, label: string, mark: string): string {
    const end = mark === '' ? head.length : head.length - mark.length
    const name = label.trimEnd()
    return (
      this.#out.style('cyan', head.slice(0, name.length)) +
      head.slice(name.length, end) +
      this.#out.style('yellow', mark)
    )
  }

  #linesOfPiece(piece: Piece, indent: number, isLast: boolean): string[] {
    const width = this.#width
    if (piece.kind === 'text') return wrap(piece.text, width - indent).map((line) => ' '.repeat(indent) + line)
    const branch = `${' '.repeat(this.#numberWidth + 2)}${isLast ? '└' : '├'} ${padEnd(piece.label, WHO_WIDTH - 2)}  `
    const outcome = truncate(piece.outcome ?? '', Math.min(MAX_OUTCOME, width - widthOf(branch) - 2 - LEAST_TEXT))
    const room = width - widthOf(branch) - (outcome === '' ? 0 : widthOf(outcome) + 2)
    const text = truncate(piece.text, room)
    const line = outcome === '' ? text : `${padEnd(text, room)}  ${this.#paintOutcome(outcome)}`
    const rail = `${' '.repeat(this.#numberWidth + 2)}${isLast ? ' ' : '│'}`
    const body = piece.body === undefined ? [] : wrap(piece.body, width - indent)
    return [
      this.#out.style('dim', line === '' ? branch.trimEnd() : branch) + line,
      ...body.map((each) => padEnd(rail, indent) + each),
    ]
  }

  #paintOutcome(outcome: string): string {
    return this.#out.style(outcome.startsWith('✗') ? 'red' : outcome.startsWith('✓') ? 'green' : 'yellow', outcome)
  }

  #pieceOf(part: Part, message: Message): Piece[] {
    switch (part.type) {
      case 'text':
        return part.text.trim() === '' ? [] : [{ kind: 'text', text: part.text.trim() }]
      case 'tool-call':
        return [this.#callPiece(part, message)]
      case 'tool-result':
        return this.#called.has(part.callId) ? [] : [this.#resultPiece(part)]
      case 'reasoning':
        return [this.#row('thinks', part.text, part.text)]
      case 'compaction':
        return [this.#row('summary', part.text, part.text)]
      case 'data':
        return [this.#row('data', `${part.name} ${JSON.stringify(part.data)}`, pretty(part.data), part.name)]
      case 'file': {
        const size = part.sizeBytes === undefined ? '' : shortBytes(part.sizeBytes)
        return [this.#row('file', [part.mediaType, part.name ?? part.url ?? part.file ?? '', size].join(' '))]
      }
      default:
        // A part that a newer version wrote: the types do not know it.
        return [this.#row('?', (part as { readonly type: string }).type, pretty(part))]
    }
  }

  #callPiece(part: ToolCallPart, message: Message): Piece {
    const answer = this.#answers.get(part.callId)
    const input = part.rawInput ?? JSON.stringify(part.input)
    const row = this.#row('tool', `${part.name} ${input}`, fullCall(part, answer?.part), part.name)
    return { ...row, outcome: plain(answer === undefined ? waiting(part) : outcomeOf(answer, message.time.created)) }
  }

  #resultPiece(part: ToolResultPart): Piece {
    return {
      ...this.#row('result', part.name, outputOf(part), part.name),
      outcome: plain(outcomeOf({ part, at: 0 }, 0)),
    }
  }

  /** One line, or with `--full` a title and the whole below it. */
  #row(label: string, text: string, body?: string, title = ''): Piece & { readonly kind: 'row' } {
    const row = { kind: 'row', label, text: plain(text.slice(0, MAX_CHARS)) } as const
    if (body === undefined || body.trim() === '') return row
    if (!this.#isFull) this.#hasFolded = true
    return this.#isFull ? { kind: 'row', label, text: plain(title.slice(0, MAX_CHARS)), body } : row
  }
}

function statusOf({ error, status, statusMessage }: Message): Piece[] {
  if (status === 'completed' && error === undefined) return []
  const text = plain([statusMessage, error?.message].filter((each) => each !== undefined).join(': '))
  return [{ kind: 'row', label: status === 'completed' ? 'error' : status.replace('_', ' '), text }]
}

function waiting({ approval, status }: ToolCallPart): string {
  if (approval === 'denied') return '✗ denied'
  if (approval === 'requested') return '… asks for approval'
  return status === 'failed' || status === 'cancelled' ? `✗ ${status}` : '… no result'
}

function outcomeOf({ at, part }: Answer, since: number): string {
  const time = at - since < SHORTEST_MS ? '' : `${shortDuration(at - since)}  `
  const { error, status, statusMessage } = part
  if (error !== undefined || status === 'failed' || status === 'cancelled') {
    return `✗ ${time}${error?.message ?? statusMessage ?? status ?? ''}`
  }
  return `✓ ${time}${shortBytes(Buffer.byteLength(outputOf(part)))}`
}

function fullCall({ input, rawInput }: ToolCallPart, answer: ToolResultPart | undefined): string {
  const shown = rawInput ?? pretty(input)
  if (answer === undefined) return shown
  return [shown, '→', answer.error?.message ?? '', outputOf(answer)].filter((text) => text !== '').join('\n')
}

/** What a tool gave, as text. */
function outputOf({ content, output }: ToolResultPart): string {
  const texts = (content ?? []).map((part) =>
    part.type === 'text' ? part.text : `[${part.mediaType} ${part.name ?? ''}]`,
  )
  if (output !== undefined) texts.push(pretty(output))
  return texts.join('\n')
}

function pretty(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}
