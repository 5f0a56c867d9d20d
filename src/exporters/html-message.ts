/**
 * One message as HTML: who, when, what was said, what tools did folded away.
 *
 * Everything of the session goes through html-text.ts, but for bytes of images, which are base64 made here.
 */
import type { FilePart, Message, ToolCallPart, ToolResultPart } from '../message.ts'
import { contentOf, dataUrl, IMAGES } from '../messages/content.ts'
import type { ReadStored } from '../inline.ts'
import { gistOf, laidOut, outcomeOf, outputOf } from './contents.ts'
import type { Block, Entry } from './entries.ts'
import { counted, cut, duration, isDated, oneLine, size } from './facts.ts'
import { anchor, codeBlock, escapeHtml, markdownHtml, typedHtml } from './html-text.ts'

const MAX_GIST = 160
const MARKS = { done: '✓', failed: '✗', open: '…' }
/** Arguments that say what was there before a change, and after. */
const CHANGES: ReadonlyMap<string, string> = new Map([
  ['old_string', 'del'],
  ['oldString', 'del'],
  ['new_string', 'ins'],
  ['newString', 'ins'],
])

/** What stands around a message. */
export interface Around {
  /** Whether another one begins to speak. */
  readonly isTurn: boolean
  /** Whether the model is worth saying. */
  readonly hasModel: boolean
  /** The message and what else follows the message before it. */
  readonly alternatives: readonly Message[]
}

/** The id of a message's element, and the link to it. */
export function anchorId(messageId: string): string {
  return `m-${messageId}`
}

export function linkTo(messageId: string): string {
  return escapeHtml(`#${encodeURIComponent(anchorId(messageId).toWellFormed())}`)
}

/** The element of a message. */
export async function articleOf({ blocks, message }: Entry, around: Around, read: ReadStored): Promise<string> {
  const { role } = message
  const body: string[] = []
  for (let i = 0; i < blocks.length;) {
    const tools: string[] = []
    for (; i < blocks.length && blocks[i]!.kind !== 'part'; i++) tools.push(await toolHtml(blocks[i]!, read))
    if (tools.length > 0) body.push(`<div class="calls">${tools.join('')}</div>`)
    else body.push(await partHtml(blocks[i++]!, message, read))
  }
  body.push(stateHtml(message))
  const classes = around.isTurn ? `${role} turn` : role
  const id = escapeHtml(anchorId(message.id))
  const head = around.isTurn || around.alternatives.length > 1 ? whoHtml(message, around) : ''
  return `<article class="${classes}" id="${id}">${head}<div class="body">${body.join('')}</div></article>\n`
}

function whoHtml(message: Message, { alternatives, hasModel }: Around): string {
  const { author, model, role, time } = message
  const name = oneLine(author ?? '')
  const who = name === '' ? role.charAt(0).toUpperCase() + role.slice(1) : cut(name, MAX_GIST)
  const iso = isDated(time.created) ? new Date(time.created).toISOString() : ''
  const said = hasModel && model !== undefined ? `<span>${escapeHtml(model)}</span>` : ''
  const when = iso === '' ? '#' : `<time datetime="${iso}">${iso.slice(11, 16)}</time>`
  const link = `<a href="${linkTo(message.id)}" title="${iso}">${when}</a>`
  return `<div class="who"><b>${escapeHtml(who)}</b>${link}${said}${alternativesHtml(message, alternatives)}</div>`
}

function alternativesHtml(message: Message, alternatives: readonly Message[]): string {
  if (alternatives.length < 2) return ''
  const place = alternatives.findIndex(({ id }) => id === message.id)
  const previous = arrowHtml(alternatives[place - 1], '‹', 'Previous')
  const next = arrowHtml(alternatives[place + 1], '›', 'Next')
  const count = `<span>${place + 1} of ${alternatives.length}</span>`
  return `<nav class="alts" aria-label="Alternatives">${previous}${count}${next}</nav>`
}

function arrowHtml(other: Message | undefined, sign: string, label: string): string {
  return other === undefined ? '' : `<a href="${linkTo(other.id)}" aria-label="${label} alternative">${sign}</a>`
}

async function partHtml(block: Block, message: Message, read: ReadStored): Promise<string> {
  if (block.kind !== 'part') return toolHtml(block, read)
  const { part } = block
  switch (part.type) {
    case 'text':
      if (message.role === 'system') return noteHtml('Instructions', part.text, typedHtml(part.text))
      return message.role === 'user' ? typedHtml(part.text) : markdownHtml(part.text)
    case 'reasoning':
      return part.text.trim() === '' ? '' : noteHtml('Reasoning', part.text, markdownHtml(part.text))
    case 'compaction':
      return noteHtml('Summary of what came before', part.text, markdownHtml(part.text))
    case 'data': {
      const { text } = laidOut(part.data)
      return noteHtml(part.name, text, codeBlock(text))
    }
    case 'file':
      return fileHtml(part, read)
    default: {
      // A part that a newer version wrote: the types do not know it.
      const { text } = laidOut(part)
      return noteHtml((part as { readonly type: string }).type, text, codeBlock(text))
    }
  }
}

function noteHtml(title: string, text: string, body: string): string {
  const gist = escapeHtml(cut(oneLine(text.slice(0, MAX_GIST * 2)), MAX_GIST))
  return `<details class="note"><summary><b>${escapeHtml(title)}</b><span>${gist}</span></summary><div>${body}</div></details>`
}

async function toolHtml(block: Block, read: ReadStored): Promise<string> {
  if (block.kind === 'part') return ''
  const call = block.kind === 'call' ? block.call : undefined
  const { result } = block
  const { kind, word } = outcomeOf(call, result)
  const tookMs = block.kind === 'call' ? block.tookMs : undefined
  const facts = [kind === 'done' ? '' : word, tookMs === undefined ? '' : duration(tookMs)]
  const about = call === undefined ? 'result' : cut(gistOf(call), MAX_GIST)
  const name = call?.name ?? result?.name ?? ''
  const said = facts.filter((fact) => fact !== '').join(' · ')
  const head = `<i aria-label="${kind}">${MARKS[kind]}</i><b>${escapeHtml(name)}</b><code>${escapeHtml(about)}</code><span>${escapeHtml(cut(oneLine(said), MAX_GIST))}</span>`
  const input = call === undefined ? '' : inputHtml(call)
  const output = result === undefined ? '' : await outputHtml(result, read)
  return `<details class="${kind}"><summary>${head}</summary><div class="io">${input}${output}</div></details>`
}

/** Arguments by name, texts as texts, so that nobody has to read escapes. */
function inputHtml({ input, rawInput }: ToolCallPart): string {
  if (rawInput !== undefined) return codeBlock(rawInput)
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return codeBlock(laidOut(input).text)
  const rows = Object.entries(input).map(([name, value]) => {
    const { text } = laidOut(value)
    const kind = CHANGES.get(name) ?? ''
    const classes = [kind, kind !== '' || text.includes('\n') ? 'block' : ''].filter((each) => each !== '').join(' ')
    return `<dt>${escapeHtml(name)}</dt><dd${classes === '' ? '' : ` class="${classes}"`}>${escapeHtml(text)}</dd>`
  })
  return rows.length === 0 ? '' : `<dl class="args">${rows.join('')}</dl>`
}

async function outputHtml(result: ToolResultPart, read: ReadStored): Promise<string> {
  const { files, text } = await outputOf(result, read)
  const parts = [text.trim() === '' ? '' : `<pre class="said" tabindex="0"><code>${escapeHtml(text)}</code></pre>`]
  for (const file of files) parts.push(await fileHtml(file, read))
  const body = parts.join('')
  const sum = text.length > 2000 ? ` · ${counted(text.length, 'character')}` : ''
  return body === '' ? '<h4>No output</h4>' : `<h4>Output${sum}</h4>${body}`
}

/** A picture of a type that can do nothing but be seen, in the page itself; any other file by its name. */
async function fileHtml(part: FilePart, read: ReadStored): Promise<string> {
  const name = cut(oneLine(part.name ?? ''), MAX_GIST)
  const bytes = part.file !== undefined && part.data === undefined ? await read(part.file, part.mediaType) : undefined
  const content = contentOf(part, bytes === undefined ? {} : { files: () => bytes })
  if (content?.kind === 'data' && IMAGES.has(content.mediaType)) {
    const alt = escapeHtml(name === '' ? 'Image' : name)
    const caption = name === '' ? '' : `<figcaption>${alt}</figcaption>`
    const measures = [measure('width', part.width), measure('height', part.height)].join('')
    return `<figure><img src="${dataUrl(content)}" alt="${alt}"${measures} loading="lazy" decoding="async">${caption}</figure>`
  }
  const label = escapeHtml(name === '' ? part.mediaType : name)
  const linked = content?.kind === 'url' ? anchor(content.url, label) : label
  const facts = [name === '' ? '' : part.mediaType, part.sizeBytes === undefined ? '' : size(part.sizeBytes)]
  const missing = content === undefined ? 'not available' : ''
  const said = [...facts, missing].filter((fact) => fact !== '').join(' · ')
  return `<div class="file"><b>${linked}</b><span>${escapeHtml(said)}</span></div>`
}

function measure(name: string, value: number | undefined): string {
  return value === undefined || !Number.isInteger(value) || value < 1 ? '' : ` ${name}="${value}"`
}

function stateHtml({ error, status, statusMessage }: Message): string {
  if (status === 'completed' && error === undefined) return ''
  const why = [statusMessage, error?.message].filter((text) => text !== undefined).join(': ')
  const word = status === 'completed' ? 'error' : status.replace('_', ' ')
  const text = [word.charAt(0).toUpperCase() + word.slice(1), why].filter((each) => each !== '').join(': ')
  const kind = status === 'failed' || error !== undefined ? ' failed' : ''
  return `<p class="state${kind}">${escapeHtml(text)}</p>`
}
