/**
 * Foreign text inside a Markdown document, so that it stays where it is put: nothing in it is HTML, ends a fence that is not its own,
 * leaves one open, becomes a heading above the document's, or calls somebody by `@name`. Pure.
 *
 * What is code by CommonMark's rules is left as it is. Where the rules would have to be followed across lines to know, the text is taken
 * for no code: at worst an escape is seen.
 */

// oxlint-disable-next-line no-control-regex -- these are what is looked for
const CONTROLS = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/g
/** Zero width: keeps GitHub from notifying people and linking issues. */
const GAP = '&#8203;'
const MENTION = /(^|[^\w/&])@(?=\w)/g
const ISSUE = /(^|[^\w/&])#(?=\d)/g
const FENCE = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})/
const HEADING = /^( {0,3})(#{1,6})(?=[ \t]|$)/
const DEEP_FENCE = /^( {4,})(`{3,})[^`]*$/
const MAX_DEEP_LINES = 2000
/** How far headings of messages are moved down, below the document's own. */
const LEVELS = 3

/** Text as a block of code. `language` is a plain word. */
export function fenced(text: string, language = ''): string {
  let lines = clean(text)
  while (lines.endsWith('\n')) lines = lines.slice(0, -1)
  let longest = 2
  for (const [run] of lines.matchAll(/`+/g)) longest = Math.max(longest, run.length)
  const fence = '`'.repeat(longest + 1)
  return `${fence}${language}\n${lines}\n${fence}`
}

/** Text of a message, as Markdown that it may be. */
export function prose(text: string): string {
  const lines = clean(text).trim().split('\n')
  const out: string[] = []
  /** Whether a run of backticks may be open since an earlier line of the paragraph. */
  let isOpen = false
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!
    const code = codeLines(lines, i, isOpen)
    if (code > 0) {
      for (const end = i + code; i < end; i++) out.push(lines[i]!)
      i--
      isOpen = false
    } else {
      if (line.trim() === '') isOpen = false
      const shown = inlines(demoted(line), isOpen)
      isOpen ||= shown.isOpen
      out.push(shown.text)
    }
  }
  // A fence that is open at the end would go on in what follows.
  return [...out, ...(openFence(lines) ?? [])].join('\n')
}

/** How many lines from here on are a block of code, by whatever way they are read. */
function codeLines(lines: readonly string[], start: number, isOpen: boolean): number {
  const marker = FENCE.exec(lines[start]!)?.[2]
  if (marker === undefined) return deepCodeLines(lines, start, isOpen)
  let end = start + 1
  while (end < lines.length && !closes(lines[end]!, marker)) end++
  return Math.min(end + 1, lines.length) - start
}

/**
 * As `codeLines`, of a fence that is one only if it stands in a list. Otherwise these lines are an indented block, or one span of code in a
 * paragraph, so it is code in any case, if nothing in it looks like its end.
 */
function deepCodeLines(lines: readonly string[], start: number, isOpen: boolean): number {
  const [, indent, marker] = DEEP_FENCE.exec(lines[start]!) ?? []
  if (indent === undefined || marker === undefined || isOpen) return 0
  const mayHaveBlanks = start === 0 || lines[start - 1]!.trim() === ''
  for (let i = start + 1; i < Math.min(lines.length, start + MAX_DEEP_LINES); i++) {
    const line = lines[i]!
    if (line === indent + marker) return i + 1 - start
    const fits = line.trim() === '' ? mayHaveBlanks : line.startsWith(indent) && !line.includes('```')
    if (!fits) return 0
  }
  return 0
}

/** What closes the fence that is open at the end. */
function openFence(lines: readonly string[]): readonly string[] | undefined {
  let fence: string | undefined
  for (const line of lines) {
    if (fence === undefined) fence = FENCE.exec(line)?.[2]
    else if (closes(line, fence)) fence = undefined
  }
  return fence === undefined ? undefined : [fence]
}

/** Text on one line with no meaning but its own. */
export function literal(text: string): string {
  const flat = clean(text).trim().replaceAll(/\s+/g, ' ')
  return unlinked(
    flat
      .replaceAll(/[\\`*_[\]~]/g, String.raw`\$&`)
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;'),
  )
}

/** Text inside HTML. */
export function html(text: string): string {
  const flat = clean(text).trim().replaceAll(/\s+/g, ' ')
  return unlinked(flat.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'))
}

function clean(text: string): string {
  return text.toWellFormed().replaceAll(/\r\n?/g, '\n').replaceAll(CONTROLS, '\uFFFD')
}

function closes(line: string, fence: string): boolean {
  const marker = /^ {0,3}(`{3,}|~{3,})[ \t]*$/.exec(line)?.[1]
  return marker !== undefined && marker[0] === fence[0] && marker.length >= fence.length
}

function demoted(line: string): string {
  return line.replace(HEADING, (_, indent: string, marks: string) => {
    return indent + '#'.repeat(Math.min(6, marks.length + LEVELS))
  })
}

/** A line without HTML and mentions outside its code. */
function inlines(line: string, wasOpen: boolean): { readonly text: string; readonly isOpen: boolean } {
  let out = ''
  let plain = ''
  let isOpen = false
  for (let i = 0; i < line.length;) {
    if (line[i] === '\\') {
      plain += line.slice(i, i + 2)
      i += 2
      continue
    }
    if (line[i] !== '`') {
      plain += line[i++]
      continue
    }
    const run = line.slice(i, afterRun(line, i))
    // One that is open since an earlier line may end anywhere, and then every other one is something else.
    const end = wasOpen ? -1 : closing(line, i + run.length, run.length)
    if (end < 0) {
      isOpen = true
      plain += run
      i += run.length
    } else {
      out += unlinked(escaped(plain)) + line.slice(i, end)
      plain = ''
      i = end
    }
  }
  return { text: out + unlinked(escaped(plain)), isOpen }
}

/** Where a run of just so many backticks ends; -1 if there is none. */
function closing(line: string, from: number, length: number): number {
  for (let i = line.indexOf('`', from); i >= 0; i = line.indexOf('`', i)) {
    const end = afterRun(line, i)
    if (end - i === length) return end
    i = end
  }
  return -1
}

function afterRun(line: string, start: number): number {
  let end = start
  while (line[end] === '`') end++
  return end
}

/** Every `<` that could begin HTML, but of addresses, and every image, which would be fetched from wherever it says: it is a link. */
function escaped(text: string): string {
  return text.replaceAll(/<(?!https?:\/\/[^\s<>`]*>)/gi, '&lt;').replaceAll('![', String.raw`\![`)
}

function unlinked(text: string): string {
  return text.replaceAll(MENTION, `$1@${GAP}`).replaceAll(ISSUE, `$1#${GAP}`)
}
