/**
 * Lines on their way into a log, and what has to be in files before they are written.
 */
import type { AppendResult, Backend, NewLine, SessionKey } from './backend.ts'
import { isFoldlogError } from './errors.ts'
import { lazy } from './lazy.ts'
import { encodeLine, MAX_INLINE_CHARS, type Line } from './line.ts'

const bulk = lazy(() => import('./bulk.ts'))

/** A line and its text. */
export interface Encoded extends NewLine {
  readonly line: Line
  /** Something in it may be so big that it has to be moved to files: {@link slimmed} sees to that. The text may be empty then. */
  readonly isBulky: boolean
}

/** The text of a line. Throws `TOO_LARGE` where nothing can be moved out of it, and what the line cannot be written for. */
export function encoded(backend: Backend, line: Line): Encoded {
  const { id } = line
  const { files } = backend.capabilities
  try {
    const text = encodeLine(line)
    return { id, text, line, isBulky: files && text.length > MAX_INLINE_CHARS }
  } catch (error) {
    if (files && isFoldlogError(error, 'TOO_LARGE')) return { id, text: '', line, isBulky: true }
    throw error
  }
}

/** The line as it is to be written, with what is big in it stored. */
export async function slimmed(backend: Backend, namespace: string, given: Encoded): Promise<Encoded> {
  if (!given.isBulky) return given
  const { slimLine } = await bulk()
  const line = await slimLine(backend, namespace, given.line)
  const text = line === given.line && given.text !== '' ? given.text : encodeLine(line)
  return { id: line.id, text, line, isBulky: false }
}

/** The list with one more: an array that grows from nothing has room for 17 at once. */
export function withOne<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item]
  list.push(item)
  return list
}

/** Creates a log of these lines. Resolves with them as they were written. Rejects with `ALREADY_EXISTS`. */
export async function writeNew(
  backend: Backend,
  key: SessionKey,
  lines: readonly Line[],
): Promise<AppendResult & { readonly news: readonly Encoded[] }> {
  const news: Encoded[] = []
  for (const line of lines) {
    const text = encoded(backend, line)
    news.push(text.isBulky ? await slimmed(backend, key.namespace, text) : text)
  }
  // Alone, because a backend may keep them until they are on the disk.
  const texts = news.map(({ id, text }) => ({ id, text }))
  return { news, ...(await backend.append(key, texts, { expect: 'absent' })) }
}

/** A line on its way into the backend, and who waits for it. */
export class Pending implements NewLine {
  readonly id: string
  text: string
  line: Line
  readonly #result: () => unknown
  readonly #resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void

  constructor(
    line: Line,
    text: string,
    result: () => unknown,
    resolve: (result: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.id = line.id
    this.text = text
    this.line = line
    this.#result = result
    this.#resolve = resolve
    this.reject = reject
  }

  /** Moves what is big in it to files. */
  async slim(backend: Backend, namespace: string): Promise<void> {
    const { id, line, text } = this
    const slim = await slimmed(backend, namespace, { id, line, text, isBulky: true })
    this.line = slim.line
    this.text = slim.text
  }

  /** Answers whoever waits, now that the line is folded. */
  finish(): void {
    try {
      this.#resolve(this.#result())
    } catch (error) {
      this.reject(error)
    }
  }
}
