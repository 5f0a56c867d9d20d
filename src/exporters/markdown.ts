/**
 * A conversation as Markdown for GitHub and for whatever renders CommonMark: headings for who speaks, what was said as it was written,
 * and what tools did folded away in `<details>`.
 */
import type { FilePart, Message } from '../message.ts'
import { gistOf, inputOf, laidOut, NOTHING, outcomeOf, outputOf } from './contents.ts'
import { entriesOf, type Block, type Entry } from './entries.ts'
import { counted, cut, duration, modelsOf, oneLine, previewOf, size, span, titleOf } from './facts.ts'
import { fenced, html, literal, prose } from './markdown-text.ts'
import { treeOf, type Tree } from './strands.ts'
import type { Exportable, ExportOptions } from './view.ts'

const MAX_SUMMARY = 100
const MAX_PREVIEW = 80
const DEFAULT_CHARS = 2000

export interface MarkdownOptions extends ExportOptions {
  /**
   * How many characters of what a tool was given, what it said, and of reasoning are shown; the rest is counted. Default 2000, because GitHub
   * takes 65,536 in all.
   */
  readonly maxChars?: number
  /** Where a link to a file of the session leads; undefined where nowhere. Default: only to files on the web. */
  readonly link?: (part: FilePart) => string | undefined
}

/** The conversation as one Markdown document, in pieces; its other branches are listed at the end. */
export async function* exportMarkdown(view: Exportable, options: MarkdownOptions = {}): AsyncGenerator<string> {
  const tree = await treeOf(view, options.branch)
  const [conversation] = tree.strands
  const writer = new Writer(options)
  yield headOf(view, conversation!.messages)
  let before: Entry | undefined
  const entries = entriesOf(conversation!.messages, (message) => tree.alternatives(message).length > 1)
  for (const entry of entries) {
    const alternatives = tree.alternatives(entry.message)
    yield headingOf(entry, before, alternatives)
    yield await writer.entry(entry)
    before = entry
  }
  if (entries.length === 0) yield '\n*No messages.*\n'
  yield branchesOf(tree)
}

function headOf({ info }: Exportable, messages: readonly Message[]): string {
  const { inputTokens, outputTokens, costUsd } = info.usage
  const facts = [
    span(info.time.created, info.time.updated),
    modelsOf(info, messages).map(literal).join(', '),
    counted(info.messageCount, 'message'),
    info.branchCount > 1 ? counted(info.branchCount, 'branch') : '',
    inputTokens === undefined && outputTokens === undefined
      ? ''
      : `${(inputTokens ?? 0).toLocaleString('en')} tokens in, ${(outputTokens ?? 0).toLocaleString('en')} out`,
    costUsd === undefined ? '' : `$${costUsd.toFixed(2)}`,
  ]
  const { id, namespace, source } = info
  const from = source === undefined ? '' : `, imported from ${literal(source.format)}`
  return [
    `# ${literal(titleOf(info))}`,
    '',
    `${facts.filter((fact) => fact !== '').join(' · ')}  `,
    `<sub>foldlog session ${html(id)} in ${html(namespace)}${html(from)}</sub>`,
    '',
  ].join('\n')
}

/** Who speaks, unless the one before does and nothing else begins here. */
function headingOf({ message }: Entry, before: Entry | undefined, alternatives: readonly Message[]): string {
  const isSame = before !== undefined && whoOf(before.message) === whoOf(message)
  if (isSame && alternatives.length === 1 && message.role !== 'user') return '\n'
  const place = alternatives.indexOf(message) + 1
  const mark = alternatives.length === 1 ? '' : ` ‹ ${place}/${alternatives.length} ›`
  return `\n### ${literal(whoOf(message))}${mark}\n\n`
}

function whoOf({ author, role }: Message): string {
  const name = oneLine(author ?? '')
  return name === '' ? role.charAt(0).toUpperCase() + role.slice(1) : `${cut(name, MAX_PREVIEW)} (${role})`
}

function branchesOf(tree: Tree): string {
  const others = tree.strands.slice(1)
  if (others.length === 0) return ''
  const lines = others.map((strand) => {
    const [first] = strand.messages
    const siblings = tree.alternatives(first!)
    const place = `‹ ${siblings.indexOf(first!) + 1}/${siblings.length} ›`
    const after = strand.after === undefined ? 'at the beginning' : `after “${literal(previewOf([strand.after]))}”`
    return `- ${place} ${after}: “${literal(previewOf(strand.messages))}”, ${counted(strand.messages.length, 'message')}, \`${first!.id.replaceAll('`', '')}\``
  })
  return `\n---\n\n**Other branches**\n\n${lines.join('\n')}\n`
}

class Writer {
  readonly #maxChars: number
  readonly #options: MarkdownOptions

  constructor(options: MarkdownOptions) {
    this.#options = options
    this.#maxChars = options.maxChars ?? DEFAULT_CHARS
  }

  async entry({ blocks, message }: Entry): Promise<string> {
    const texts: string[] = []
    for (const block of blocks) texts.push(await this.#block(block, message))
    texts.push(statusOf(message))
    return `${texts.filter((text) => text !== '').join('\n\n')}\n`
  }

  async #block(block: Block, message: Message): Promise<string> {
    if (block.kind === 'call') return this.#call(block)
    if (block.kind === 'result') {
      const { kind } = outcomeOf(undefined, block.result)
      const summary = `${kind === 'failed' ? '✗' : '✓'} result of <code>${html(block.result.name)}</code>`
      return details(summary, await this.#output(block))
    }
    const { part } = block
    switch (part.type) {
      case 'text':
        if (message.role !== 'system') return part.text.trim() === '' ? '' : prose(part.text)
        return details('Instructions', prose(this.#cut(part.text)))
      case 'reasoning':
        return part.text.trim() === '' ? '' : details('Reasoning', prose(this.#cut(part.text)))
      case 'compaction':
        return details('Summary of what came before', prose(part.text))
      case 'data':
        return details(`Data <code>${html(part.name)}</code>`, this.#code(laidOut(part.data)))
      case 'file':
        return this.#file(part)
      default:
        // A part that a newer version wrote: the types do not know it.
        return details(html((part as { readonly type: string }).type), this.#code(laidOut(part)))
    }
  }

  async #call(block: Block & { readonly kind: 'call' }): Promise<string> {
    const { call, result, tookMs } = block
    const { kind, word } = outcomeOf(call, result)
    const input = inputOf(call)
    const gist = cut(gistOf(call), MAX_SUMMARY)
    const marks = { done: '✓', failed: '✗', open: '…' }
    const facts = [kind === 'done' ? '' : html(word), tookMs === undefined ? '' : duration(tookMs)]
    const about = gist === '' ? '' : ` <code>${html(gist)}</code>`
    const summary = [`${marks[kind]} <b>${html(call.name)}</b>${about}`, ...facts]
    const body = [this.#code(input), result === undefined ? '' : await this.#output({ result })]
    return details(summary.filter((text) => text !== '').join(' · '), body.filter((text) => text !== '').join('\n\n'))
  }

  async #output({ result }: { readonly result: Parameters<typeof outputOf>[0] }): Promise<string> {
    const { files, ...said } = await outputOf(result, this.#options.files ?? NOTHING)
    const texts = [said.text.trim() === '' ? '' : this.#code(said), ...files.map((file) => this.#file(file))]
    return texts.filter((text) => text !== '').join('\n\n')
  }

  #code({ isJson, text }: { readonly isJson: boolean; readonly text: string }): string {
    return fenced(this.#cut(text), isJson ? 'json' : '')
  }

  #cut(text: string): string {
    if (text.length <= this.#maxChars) return text
    const left = (text.length - this.#maxChars).toLocaleString('en')
    return `${text.slice(0, this.#maxChars).toWellFormed()}\n… ${left} characters more`
  }

  #file(part: FilePart): string {
    const name = literal(cut(oneLine(part.name ?? part.mediaType), MAX_PREVIEW))
    const facts = [part.mediaType, part.sizeBytes === undefined ? '' : size(part.sizeBytes)].filter(
      (fact) => fact !== '',
    )
    const target = this.#options.link?.(part) ?? webUrl(part.url)
    if (target === undefined) return `[${name}] ${literal(facts.join(', '))}`
    const isImage = part.mediaType.startsWith('image/')
    return `${isImage ? '!' : ''}[${name}](${destination(target)})${isImage ? '' : ` ${literal(facts.join(', '))}`}`
  }
}

function details(summary: string, body: string): string {
  return `<details><summary>${summary}</summary>\n\n${body}\n\n</details>`
}

function statusOf({ error, status, statusMessage }: Message): string {
  if (status === 'completed' && error === undefined) return ''
  const why = [statusMessage, error?.message].filter((text) => text !== undefined).join(': ')
  const word = status === 'completed' ? 'error' : status.replace('_', ' ')
  return `*${[word, literal(why)].filter((text) => text !== '').join(': ')}*`
}

function webUrl(url: string | undefined): string | undefined {
  return url !== undefined && /^https?:\/\//i.test(url) ? url : undefined
}

/** A link target that ends where it should. */
function destination(target: string): string {
  return target.toWellFormed().replaceAll(/[\s<>()\\\p{Cc}]/gu, (char) => {
    return [...new TextEncoder().encode(char)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  })
}
