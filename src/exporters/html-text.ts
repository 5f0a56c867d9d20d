/**
 * Foreign text → HTML, escaped by construction: everything that is written comes out of `escapeHtml` or is a tag of this file's own. Pure.
 *
 * Of Markdown it knows what answers of models use: paragraphs, headings, lists, quotes, tables, code, emphasis, and links to `http:`, `https:` and
 * `mailto:`. Everything else is shown as it was written. The time it takes grows with the text, whatever the text is.
 */

// oxlint-disable-next-line no-control-regex -- these are what is looked for
const COLORS = /\u001B\[[\d;]*m/g
/** C0 but tab and line feed, DEL, C1, and what turns the direction of text around. */
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const UNSAFE = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
/** How deep quotes and lists are followed; below that they are text. */
const MAX_DEPTH = 8
/** A block longer than this is no prose. */
const MAX_INLINE = 20_000
const SAFE_URL = /^(?:https?:\/\/|mailto:)[^\s\p{Cc}]+$/iu

const FENCE = /^( *)(`{3,}(?=[^`]*$)|~{3,}) *([\w+#.-]*)/
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/
const RULE = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/
const ITEM = /^( *)([-*+]|\d{1,9}[.)])(?: +|$)/
const QUOTE = /^ {0,3}> ?/
const DELIMITERS = /^ *\|?(?: *:?-+:? *\|)+(?: *:?-+:? *)?$/

/** Text with no meaning but its own, in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  const safe = text.toWellFormed().replaceAll(/\r\n?/g, '\n').replaceAll(COLORS, '').replaceAll(UNSAFE, '\uFFFD')
  return safe.replaceAll(/[&<>"']/g, (char) => ENTITIES[char]!)
}

/** A link; nothing but text where it leads elsewhere than to the web or to somebody's mail. `label` is HTML. */
export function anchor(url: string, label: string): string {
  if (!SAFE_URL.test(url)) return label
  return `<a href="${escapeHtml(url)}" rel="noopener noreferrer nofollow">${label}</a>`
}

/** A block of code. */
export function codeBlock(text: string, language = ''): string {
  const lang = language === '' ? '' : ` data-lang="${escapeHtml(language)}"`
  return `<pre${lang} tabindex="0"><code>${escapeHtml(text)}</code></pre>`
}

/** What a model wrote, as the Markdown it means. */
export function markdownHtml(text: string): string {
  return blocks(linesOf(text), 0)
}

/** What a person wrote, as it was typed: only fences are code, and addresses are links. */
export function typedHtml(text: string): string {
  const lines = linesOf(text)
  const out: string[] = []
  let plain: string[] = []
  const flush = (): void => {
    const typed = plain.join('\n').replace(/^\n+/, '').trimEnd()
    if (typed !== '') out.push(`<p class="typed">${linked(typed)}</p>`)
    plain = []
  }
  for (let i = 0; i < lines.length;) {
    const fence = fenceAt(lines, i)
    if (fence === undefined) plain.push(lines[i++]!)
    else {
      flush()
      out.push(codeBlock(fence.text, fence.language))
      i = fence.end
    }
  }
  flush()
  return out.join('')
}

function linesOf(text: string): string[] {
  return text.replaceAll(/\r\n?/g, '\n').replaceAll('\t', '    ').split('\n')
}

function blocks(lines: readonly string[], depth: number): string {
  const out: string[] = []
  for (let i = 0; i < lines.length;) {
    if (lines[i]!.trim() === '') i++
    else {
      const { end, html } = block(lines, i, depth)
      out.push(html)
      i = end
    }
  }
  return out.join('')
}

interface Made {
  readonly html: string
  /** The line after it. */
  readonly end: number
}

function block(lines: readonly string[], start: number, depth: number): Made {
  const line = lines[start]!
  const fence = fenceAt(lines, start)
  if (fence !== undefined) return { html: codeBlock(fence.text, fence.language), end: fence.end }
  const heading = HEADING.exec(line)
  if (heading !== null) {
    const level = Math.min(6, heading[1]!.length + 2)
    return { html: `<h${level}>${inlines(withoutEnd(heading[2]!, ' #'))}</h${level}>`, end: start + 1 }
  }
  if (RULE.test(line)) return { html: '<hr>', end: start + 1 }
  if (depth < MAX_DEPTH && QUOTE.test(line)) return quote(lines, start, depth)
  if (depth < MAX_DEPTH && ITEM.test(line)) return list(lines, start, depth)
  if (isTable(lines, start)) return table(lines, start)
  return paragraph(lines, start, depth)
}

function fenceAt(
  lines: readonly string[],
  start: number,
): (Omit<Made, 'html'> & { text: string; language: string }) | undefined {
  const [, indent, marker, language = ''] = FENCE.exec(lines[start]!) ?? []
  if (indent === undefined || marker === undefined) return undefined
  const closing = new RegExp(`^ *${marker[0]!}{${marker.length},} *$`)
  let end = start + 1
  while (end < lines.length && !closing.test(lines[end]!)) end++
  const text = lines.slice(start + 1, end).map((line) => line.replace(new RegExp(`^ {0,${indent.length}}`), ''))
  return { text: text.join('\n'), language, end: Math.min(end + 1, lines.length) }
}

function quote(lines: readonly string[], start: number, depth: number): Made {
  let end = start
  while (end < lines.length && QUOTE.test(lines[end]!)) end++
  const inner = lines.slice(start, end).map((line) => line.replace(QUOTE, ''))
  return { html: `<blockquote>${blocks(inner, depth + 1)}</blockquote>`, end }
}

function list(lines: readonly string[], start: number, depth: number): Made {
  const [, indent = '', marker = ''] = ITEM.exec(lines[start]!)!
  const isOrdered = /\d/.test(marker)
  const items: string[] = []
  let end = start
  while (end < lines.length) {
    const [whole, own, next] = ITEM.exec(lines[end]!) ?? []
    const isSibling = whole !== undefined && Math.abs(own!.length - indent.length) < 2 && /\d/.test(next!) === isOrdered
    if (!isSibling) break
    const first = lines[end]!.slice(whole.length)
    const inner = [first]
    const least = own!.length + 2
    for (end++; end < lines.length && belongs(lines, end, least); end++) inner.push(dedented(lines[end]!, whole.length))
    items.push(`<li>${item(inner, depth)}</li>`)
  }
  const from = isOrdered ? Number.parseInt(marker, 10) : 1
  const tag = isOrdered ? 'ol' : 'ul'
  return { html: `<${tag}${from === 1 ? '' : ` start="${from}"`}>${items.join('')}</${tag}>`, end }
}

/** Whether a line goes on with an item: it is indented, or blank with something indented after it. */
function belongs(lines: readonly string[], at: number, least: number): boolean {
  const line = lines[at]!
  if (line.trim() !== '') return indentOf(line) >= least
  const next = lines.slice(at + 1, at + 4).find((each) => each.trim() !== '')
  return next !== undefined && indentOf(next) >= least
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}

function dedented(line: string, width: number): string {
  return line.slice(Math.min(width, indentOf(line)))
}

/** An item of one paragraph is that text alone. */
function item([first = '', ...rest]: readonly string[], depth: number): string {
  const task = /^\[([ xX])\] /.exec(first)
  const mark = task === null ? '' : `${task[1] === ' ' ? '☐' : '☑'} `
  const text = first.slice(task?.[0].length ?? 0)
  const isPlain = !FENCE.test(text) && !ITEM.test(text) && !HEADING.test(text) && !QUOTE.test(text)
  if (!isPlain) return mark + blocks([text, ...rest], depth + 1)
  const end = rest.findIndex((line) => line.trim() === '' || isStart(line))
  const own = [text, ...(end < 0 ? rest : rest.slice(0, end))].join('\n')
  return mark + inlines(own.trim()) + (end < 0 ? '' : blocks(rest.slice(end), depth + 1))
}

function isStart(line: string): boolean {
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line)
}

function isTable(lines: readonly string[], start: number): boolean {
  const next = lines[start + 1]
  return lines[start]!.includes('|') && next !== undefined && next.length < 2000 && DELIMITERS.test(next)
}

function table(lines: readonly string[], start: number): Made {
  const head = cellsOf(lines[start]!)
  let end = start + 2
  while (end < lines.length && lines[end]!.includes('|')) end++
  const rows = lines.slice(start + 2, end).map((line) => cellsOf(line).slice(0, head.length))
  const body = rows.map((cells) => rowHtml(cells, 'td')).join('')
  return {
    html: `<div class="wide"><table><thead>${rowHtml(head, 'th')}</thead><tbody>${body}</tbody></table></div>`,
    end,
  }
}

function rowHtml(cells: readonly string[], tag: 'td' | 'th'): string {
  return `<tr>${cells.map((cell) => `<${tag}>${inlines(cell)}</${tag}>`).join('')}</tr>`
}

function cellsOf(line: string): string[] {
  const inner = line.trim().replace(/^\|/, '').replace(/\|$/, '')
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll(String.raw`\|`, '|'))
}

function paragraph(lines: readonly string[], start: number, depth: number): Made {
  let end = start + 1
  for (; end < lines.length; end++) {
    const line = lines[end]!
    if (line.trim() === '' || (depth < MAX_DEPTH && interrupts(line))) break
  }
  const text = lines.slice(start, end).map((line) => line.trim())
  return { html: `<p>${inlines(text.join('\n'))}</p>`, end }
}

/** A number that begins a line of a paragraph is no list, unless it is 1. */
function interrupts(line: string): boolean {
  const marker = ITEM.exec(line)?.[2] ?? ''
  return isStart(line) && (!/\d/.test(marker) || (marker.length === 2 && marker.startsWith('1')))
}

/** What may begin inside a line. Each begins with a character of its own and ends at the first thing that can end it. */
const LINK = /(!?)\[((?:[^[\]\\]|\\.)*)\]\( *<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?: +"[^"]*")? *\)/y
const STRONG: Readonly<Record<string, RegExp>> = {
  '*': /\*\*(?=\S)((?:[^*]|\*(?!\*))+)(?<=\S)\*\*/y,
  _: /__(?=\S)((?:[^_]|_(?!_))+)(?<=\S)__(?!\w)/y,
}
const EMPHASIS: Readonly<Record<string, RegExp>> = {
  '*': /\*(?=[^\s*])([^*]+)(?<=\S)\*(?!\*)/y,
  _: /_(?=[^\s_])([^_]+)(?<=\S)_(?!\w)/y,
}
const STRUCK = /~~(?=\S)([^~]+)(?<=\S)~~/y
const ADDRESS = /<?(https?:\/\/[^\s<>"'`]+)>?/y
const ESCAPE = /\\([!-/:-@[-`{-~])/y
const SPECIAL = /[\\`*_~[!<h]/g

function inlines(text: string, depth = 0): string {
  if (text.length > MAX_INLINE || depth > MAX_DEPTH) return escapeHtml(text)
  const noRun = new Set<number>()
  let out = ''
  let done = 0
  for (let i = nextSpecial(text, 0); i < text.length;) {
    const made = codeSpan(text, i, noRun) ?? inline(text, i, depth)
    if (made !== undefined) {
      out += escapeHtml(text.slice(done, i)) + made.html
      done = made.end
    }
    i = nextSpecial(text, made?.end ?? i + 1)
  }
  return out + escapeHtml(text.slice(done))
}

function nextSpecial(text: string, from: number): number {
  SPECIAL.lastIndex = from
  return SPECIAL.exec(text)?.index ?? text.length
}

function inline(text: string, at: number, depth: number): Made | undefined {
  const isInWord = /\w/.test(text[at - 1] ?? '')
  const char = text.charAt(at)
  switch (char) {
    case '\\':
      return matched(ESCAPE, text, at, ([, escaped]) => escapeHtml(escaped!))
    case '[':
    case '!':
      return matched(LINK, text, at, ([, image, label, url]) => linkHtml(image !== '', label!, url!, depth))
    case '*':
    case '_':
      if (isInWord && char === '_') return undefined
      return (
        matched(STRONG[char]!, text, at, ([, inner]) => `<strong>${inlines(inner!, depth + 1)}</strong>`) ??
        matched(EMPHASIS[char]!, text, at, ([, inner]) => `<em>${inlines(inner!, depth + 1)}</em>`)
      )
    case '~':
      return matched(STRUCK, text, at, ([, inner]) => `<s>${inlines(inner!, depth + 1)}</s>`)
    case '<':
    case 'h':
      return isInWord ? undefined : address(text, at)
    default:
      return undefined
  }
}

function linkHtml(isImage: boolean, label: string, url: string, depth: number): string {
  const text = inlines(label, Math.max(depth + 1, MAX_DEPTH))
  // An image would be fetched from wherever it says.
  if (isImage) return SAFE_URL.test(url) ? anchor(url, `[image: ${text}]`) : `[image: ${text}]`
  return SAFE_URL.test(url) ? anchor(url, text) : `${text} <span class="target">(${escapeHtml(url)})</span>`
}

function matched(
  pattern: RegExp,
  text: string,
  at: number,
  html: (match: RegExpExecArray) => string,
): Made | undefined {
  pattern.lastIndex = at
  const match = pattern.exec(text)
  return match === null ? undefined : { html: html(match), end: at + match[0].length }
}

function codeSpan(text: string, at: number, noRun: Set<number>): Made | undefined {
  if (text[at] !== '`') return undefined
  const [run] = /^`+/.exec(text.slice(at, at + 100))!
  const inner = at + run.length
  if (noRun.has(run.length)) return { html: run, end: inner }
  for (let i = text.indexOf(run, inner); i >= 0; i = text.indexOf(run, i)) {
    let end = i + run.length
    while (text[end] === '`') end++
    if (end - i === run.length) return { html: `<code>${escapeHtml(text.slice(inner, i).trim())}</code>`, end }
    i = end
  }
  noRun.add(run.length)
  return { html: run, end: inner }
}

/** An address in the text, without the punctuation that follows it. */
function address(text: string, at: number): Made | undefined {
  return matched(ADDRESS, text, at, ([whole, url]) => {
    if (whole.startsWith('<') && whole.endsWith('>')) return anchor(url!, escapeHtml(url!))
    const bare = withoutEnd(url!, '.,:;!?)]*_~')
    const rest = whole.slice(whole.indexOf(url!) + bare.length)
    return (whole.startsWith('<') ? '&lt;' : '') + anchor(bare, escapeHtml(bare)) + escapeHtml(rest)
  })
}

/** Text without those of `chars` that it ends with. */
function withoutEnd(text: string, chars: string): string {
  let end = text.length
  while (end > 0 && chars.includes(text[end - 1]!)) end--
  return text.slice(0, end)
}

/** Text with its addresses as links and nothing else changed. */
function linked(text: string): string {
  let out = ''
  let done = 0
  for (const { index } of text.matchAll(/\bhttps?:\/\//g)) {
    const made = index < done ? undefined : address(text, index)
    if (made === undefined) continue
    out += escapeHtml(text.slice(done, index)) + made.html
    done = made.end
  }
  return out + escapeHtml(text.slice(done))
}
