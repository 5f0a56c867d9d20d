/**
 * A conversation as one HTML page that needs nothing else: no other file, no network, no script to be read.
 *
 * Nothing of the session can act in it. Every text is escaped, and should that fail, the page's own policy lets it load nothing, run no script but
 * the page's, and style nothing; pictures are those whose bytes are in the page.
 */
import { createHash } from 'node:crypto'
import type { Message, SessionInfo } from '../message.ts'
import { NOTHING } from './contents.ts'
import { entriesOf, type Entry } from './entries.ts'
import { counted, duration, isDated, modelsOf, previewOf, span, titleOf } from './facts.ts'
import { articleOf, linkTo } from './html-message.ts'
import { SCRIPT } from './html-script.ts'
import { STYLE } from './html-style.ts'
import { escapeHtml } from './html-text.ts'
import { treeOf, type Strand, type Tree } from './strands.ts'
import type { Exportable, ExportOptions } from './view.ts'

/** How many bars the picture of the conversation has at most. */
const MAX_BARS = 180
const WIDTH = 720
const HEIGHT = 40

/** The page, in pieces: the conversation first, then every other branch. Times are in UTC. */
export async function* exportHtml(view: Exportable, options: ExportOptions = {}): AsyncGenerator<string> {
  const { branch, files = NOTHING } = options
  const tree = await treeOf(view, branch)
  const [conversation, ...others] = tree.strands
  const isKept = (message: Message): boolean => tree.alternatives(message).length > 1
  const entries = entriesOf(conversation!.messages, isKept)
  const shown = new Set<string>()
  yield headOf(view.info)
  yield headerOf(view.info, conversation!.messages)
  yield indexOf(entries, others, tree)
  yield '<main id="conversation">\n'
  yield* articlesOf(entries, tree)
  if (entries.length === 0) yield '<p>No messages.</p>\n'
  if (others.length > 0) yield '<section class="branches"><h2>Other branches</h2>\n'
  for (const strand of others) {
    yield branchHeadOf(strand, tree, shownBefore(strand, tree, shown))
    yield* articlesOf(entriesOf(strand.messages, isKept), tree)
    yield '</div></details>\n'
  }
  if (others.length > 0) yield '</section>\n'
  yield footOf(view.info)

  async function* articlesOf(
    list: readonly Entry[],
    { alternatives }: Pick<Tree, 'alternatives'>,
  ): AsyncGenerator<string> {
    let before: Entry | undefined
    let model: string | undefined
    for (const entry of list) {
      const { message } = entry
      const day = dayOf(message)
      const isNewDay = before !== undefined && isDated(message.time.created) && dayOf(before.message) !== day
      if (isNewDay) yield `<div class="day"><time datetime="${day}">${day}</time></div>\n`
      const isTurn = before === undefined || isNewDay || !isSameSpeaker(before.message, message)
      const hasModel = message.model !== undefined && message.model !== model
      model = message.model ?? model
      shown.add(message.id)
      yield await articleOf(entry, { isTurn, hasModel, alternatives: alternatives(message) }, files)
      before = entry
    }
  }
}

function isSameSpeaker(a: Message, b: Message): boolean {
  return a.role === b.role && a.author === b.author && b.role !== 'user'
}

function dayOf({ time }: Message): string {
  return new Date(time.created).toISOString().slice(0, 10)
}

function headOf(info: SessionInfo): string {
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(STYLE)}'`,
    `script-src '${hashOf(SCRIPT)}'`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="foldlog">
<title>${escapeHtml(titleOf(info))}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#conversation">Skip to the conversation</a>
<div class="page">
`
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

/** What was asked, and where the conversation forks. */
function indexOf(entries: readonly Entry[], others: readonly Strand[], tree: Tree): string {
  const questions = entries.filter(({ message }) => message.role === 'user')
  const rows = questions.map(({ message }, at) => rowOf(String(at + 1), message, [message]))
  const branches = others.map(({ messages }) => rowOf(placeOf(messages[0]!, tree), messages[0]!, messages))
  const more = branches.length === 0 ? '' : `<h2>Other branches</h2><ul>${branches.join('')}</ul>`
  return `<nav class="index" aria-label="Contents"><details open><summary>${counted(questions.length, 'question')}</summary><ol>${rows.join('')}</ol>${more}</details></nav>\n`
}

function rowOf(mark: string, message: Message, said: readonly Message[]): string {
  return `<li><span>${mark}</span><a href="${linkTo(message.id)}">${escapeHtml(previewOf(said))}</a></li>`
}

function placeOf(message: Message, tree: Tree): string {
  const alternatives = tree.alternatives(message)
  return `${alternatives.findIndex(({ id }) => id === message.id) + 1}/${alternatives.length}`
}

function headerOf(info: SessionInfo, messages: readonly Message[]): string {
  const { branchCount, cwd, id, labels = [], messageCount, namespace, project, source, time, usage } = info
  const { cachedInputTokens, costUsd, inputTokens, outputTokens } = usage
  const tokens =
    inputTokens === undefined && outputTokens === undefined
      ? ''
      : `${(inputTokens ?? 0).toLocaleString('en')} in, ${(outputTokens ?? 0).toLocaleString('en')} out`
  const cached =
    cachedInputTokens === undefined || cachedInputTokens === 0
      ? ''
      : `, ${cachedInputTokens.toLocaleString('en')} cached`
  const facts: readonly (readonly [string, string])[] = [
    ['When', span(time.created, time.updated)],
    ['Duration', time.updated - time.created < 1000 ? '' : duration(time.updated - time.created)],
    ['Model', modelsOf(info, messages).join(', ')],
    ['Messages', messageCount.toLocaleString('en') + (branchCount > 1 ? ` in ${counted(branchCount, 'branch')}` : '')],
    ['Tokens', tokens === '' ? '' : tokens + cached],
    ['Cost', costUsd === undefined ? '' : `$${costUsd.toFixed(2)}`],
    ['Project', project ?? cwd ?? ''],
    ['Labels', labels.join(', ')],
    ['Session', `${namespace} / ${id}`],
    ['Imported from', source?.format ?? ''],
  ]
  const rows = facts
    .filter(([, value]) => value !== '')
    .map(
      ([name, value]) =>
        `<div${value.length > 30 ? ' class="long"' : ''}><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`,
    )
  return `<header class="head"><h1>${escapeHtml(titleOf(info))}</h1><dl class="facts">${rows.join('')}</dl>${shapeOf(messages)}<div class="bar" hidden><button type="button">Unfold or fold all</button><span><kbd>j</kbd> <kbd>k</kbd> next and previous message, <kbd>t</kbd> fold</span></div></header>\n`
}

/** A picture of the conversation: a bar for each message, or some, as high as there is much in it. */
function shapeOf(messages: readonly Message[]): string {
  if (messages.length < 3) return ''
  const perBar = Math.ceil(messages.length / MAX_BARS)
  const bars: { readonly weight: number; readonly kind: string }[] = []
  for (let i = 0; i < messages.length; i += perBar) {
    const some = messages.slice(i, i + perBar)
    const weight = some.reduce((sum, message) => sum + weightOf(message), 0)
    const failed = some.find(({ status }) => status === 'failed')
    bars.push({
      weight,
      kind: failed === undefined ? (some.find(({ role }) => role === 'user') ?? some[0]!).role : 'failed',
    })
  }
  const most = Math.max(...bars.map(({ weight }) => Math.log2(weight + 2)))
  const step = Math.min(9, WIDTH / bars.length)
  const rects = bars.map(({ kind, weight }, at) => {
    const height = Math.max(2, Math.round((Math.log2(weight + 2) / most) ** 2 * HEIGHT))
    const [x, width] = [(at * step).toFixed(1), (step * 0.72).toFixed(1)]
    return `<rect class="${kind}" x="${x}" y="${HEIGHT - height}" width="${width}" height="${height}" rx="1"/>`
  })
  return `<svg class="shape" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true">${rects.join('')}</svg>`
}

function weightOf({ parts }: Message): number {
  let weight = 0
  for (const part of parts) {
    if ('text' in part) weight += part.text.length
    else weight += part.type === 'tool-call' || part.type === 'tool-result' ? 200 : 50
  }
  return weight
}

/** The message that a strand follows, or the nearest before it that has a place of its own: results are beside their calls. */
function shownBefore({ after }: Strand, tree: Tree, shown: ReadonlySet<string>): Message | undefined {
  let message = after
  while (message !== undefined && !shown.has(message.id)) message = tree.parent(message)
  return message
}

function branchHeadOf({ messages }: Strand, tree: Tree, after: Message | undefined): string {
  const from =
    after === undefined
      ? 'Another beginning of the conversation.'
      : `Follows <a href="${linkTo(after.id)}">${escapeHtml(previewOf([after]))}</a>`
  return `<details class="branch"><summary><b>${placeOf(messages[0]!, tree)}</b> ${escapeHtml(previewOf(messages))}<span>${counted(messages.length, 'message')}</span></summary><p class="from">${from}</p><div class="strand">\n`
}

function footOf({ id, namespace }: SessionInfo): string {
  return `<footer class="foot">Session ${escapeHtml(id)} of ${escapeHtml(namespace)}, exported by foldlog. Times are in UTC.</footer>
</main>
</div>
<script>${SCRIPT}</script>
</body>
</html>
`
}
