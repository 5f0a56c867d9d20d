/**
 * `foldlog export`: a session as a document or for another tool, to stdout or into a file, and what the target could not hold.
 */
import { statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname, extname, join, relative, sep } from 'node:path'
import { isMissing, storageError } from '../backends/file/failure.ts'
import { isFoldlogError } from '../errors.ts'
import type { ExportOptions, Loss, Report } from '../exporters/index.ts'
import type { ReadStored } from '../inline.ts'
import { storedNameOf } from '../files.ts'
import type { FilePart } from '../message.ts'
import { encodeName } from '../name.ts'
import type { Session } from '../session.ts'
import type { Store } from '../store.ts'
import { EXIT, Failure, shellLine, type Call, type Exit } from './call.ts'
import { tellDamage } from './damage.ts'
import { pointNamed, pointOf } from './point.ts'
import { nearest } from './suggest.ts'
import { find, type Found } from './root.ts'
import { branchOf } from './show.ts'

const FORMATS = ['md', 'html', 'jsonl', 'pi', 'openai-chat'] as const
type Format = (typeof FORMATS)[number]

/** By the extension of the file that is written. */
const EXTENSIONS: ReadonlyMap<string, Format> = new Map([
  ['.md', 'md'],
  ['.markdown', 'md'],
  ['.html', 'html'],
  ['.htm', 'html'],
  ['.jsonl', 'jsonl'],
])

/** So many characters a comment on GitHub may have. */
const MAX_COMMENT = 65_536

export async function exportSession(call: Call): Promise<Exit> {
  const format = formatOf(call)
  pointNamed(call)
  await using found = await find(call)
  const session = await found.session()
  const losses: Loss[] = []
  const chunks = await chunksOf(call, format, found, session, (loss) => losses.push(loss))
  const path = call.text('output')
  const chars = path === undefined ? await print(call, chunks) : await write(call, path, chunks)
  if (format === 'md' && path === undefined && chars > MAX_COMMENT) {
    const size = chars.toLocaleString('en')
    call.out.say(`these are ${size} characters; a comment on GitHub may have ${MAX_COMMENT.toLocaleString('en')}`)
  }
  await tellLosses(call, format, losses)
  return await tellDamage(call, session)
}

/** What the target does not hold, or holds in another way. */
async function tellLosses(call: Call, format: Format, losses: readonly Loss[]): Promise<void> {
  if (losses.length === 0) return
  const { countLosses } = await import('../exporters/index.ts')
  call.out.say(`not in ${format} as it was in the session:`)
  for (const { count, kind, reason, what } of countLosses(losses)) {
    call.out.detail(`${count.toLocaleString('en')} ${what} ${kind}: ${reason}`)
  }
}

function formatOf(call: Call): Format {
  const flags = FORMATS.filter((each) => call.flag(each))
  const named = [call.text('format'), ...flags].filter((each) => each !== undefined)
  if (new Set(named).size > 1)
    throw new Failure(EXIT.usage, `it is one format at a time: ${named.join(', ')}`, call.help())
  const [name = EXTENSIONS.get(extname(call.text('output') ?? '').toLowerCase()) ?? 'md'] = named
  const format = FORMATS.find((each) => each === name)
  if (format !== undefined) return format
  const near = nearest(name.toLowerCase(), FORMATS)
  const hint = near === undefined ? call.help() : call.again('export', '--format', near)
  throw new Failure(EXIT.usage, `there is no format ${name}: it is one of ${FORMATS.join(', ')}`, hint)
}

async function chunksOf(
  call: Call,
  format: Format,
  found: Found,
  session: Session,
  report: Report,
): Promise<AsyncIterable<string>> {
  const { exportHtml, exportLog, exportMarkdown, exportOpenAIChat, exportPi } = await import('../exporters/index.ts')
  const point = await pointOf(call, session)
  if (format === 'jsonl') {
    if (call.text('branch') !== undefined)
      throw new Failure(EXIT.usage, 'a log holds all branches: --branch is for other formats', call.help())
    return exportLog(found.root.backend, found.key, point === undefined ? {} : { at: point })
  }
  const view = point === undefined ? session : await session.at(point)
  const branch = await branchOf(call, view)
  const store = await found.root.store(found.key.namespace)
  const options: ExportOptions = { files: readerOf(store), ...(branch === undefined ? {} : { branch }) }
  switch (format) {
    case 'md': {
      const maxChars = call.flag('full') ? { maxChars: Infinity } : {}
      return exportMarkdown(view, { ...options, link: linksFrom(call, found), ...maxChars })
    }
    case 'html':
      return exportHtml(view, options)
    case 'pi':
      return exportPi(view, { ...options, report })
    case 'openai-chat':
      return exportOpenAIChat(view, { ...options, report })
  }
}

/** Stored bytes; those that are damaged are as good as none, and fsck tells them. */
function readerOf(store: Store): ReadStored {
  return async (file, mediaType) => {
    try {
      return await store.getFile(file, mediaType)
    } catch (error) {
      if (isFoldlogError(error, 'STORAGE_FAILED') || isFoldlogError(error, 'INVALID_OPTION')) return undefined
      throw error
    }
  }
}

/** The way to a stored file from where the document will lie: beside the file that is written, else here. */
function linksFrom(call: Call, { key, root }: Found): (part: FilePart) => string | undefined {
  const output = call.text('output')
  const here = output === undefined ? '.' : dirname(output)
  const folder = relative(here, join(root.path, encodeName(key.namespace)))
    .split(sep)
    .join('/')
  return (part) => {
    const name = storedNameOf(part)
    return name === undefined ? undefined : encodeURI(`${folder}/files/${name}`)
  }
}

async function print(call: Call, chunks: AsyncIterable<string>): Promise<number> {
  let chars = 0
  for await (const chunk of chunks) {
    await call.out.bytes(Buffer.from(chunk))
    chars += chunk.length
  }
  return chars
}

/** Writes a file that was not there; with --force one that replaces what was, once it is whole. */
async function write(call: Call, path: string, chunks: AsyncIterable<string>): Promise<number> {
  const isForced = call.flag('force')
  const target = isForced ? `${path}.${process.pid}.tmp` : path
  let chars = 0
  try {
    const file = await open(target, 'wx')
    try {
      for await (const chunk of chunks) {
        await file.write(chunk)
        chars += chunk.length
      }
      await file.close()
      if (isForced) await rename(target, path)
    } catch (error) {
      await file.close()
      // Half of an export looks like a whole one.
      await rm(target, { force: true })
      throw error
    }
  } catch (error) {
    if (isMissing(error)) {
      throw new Failure(
        EXIT.notFound,
        `cannot write ${path}: there is no directory ${dirname(path)}: make it, or name another`,
        shellLine('mkdir', '-p', dirname(path)),
      )
    }
    if (isDirectory(path)) throw new Failure(EXIT.notFound, `${path} is a directory: name a file in it`)
    if ((error as { code?: unknown }).code === 'EEXIST') {
      const again = call.again('export', ...sameWords(call), '--force')
      throw new Failure(
        EXIT.notFound,
        `${path} is there already, and was left as it is: replace it with --force`,
        again,
      )
    }
    if (isFoldlogError(error) || error instanceof Failure) throw error
    throw storageError(error, 'write', { path })
  }
  call.out.say(`wrote ${path}, ${chars.toLocaleString('en')} characters`)
  return chars
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}

/** The options as they were given. */
function sameWords(call: Call): string[] {
  const texts = ['format', 'output', 'branch', 'at'].map((name) => [name, call.text(name)] as const)
  const flags = ['md', 'html', 'full'].filter((name) => call.flag(name))
  return [
    ...texts.flatMap(([name, text]) => (text === undefined ? [] : [`--${name}`, text])),
    ...flags.map((name) => `--${name}`),
  ]
}
