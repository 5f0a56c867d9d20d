/**
 * Two backends as one: everything is done to both, and answers that differ are an assertion error.
 *
 * Compared are the ids and bytes of lines (of guarded lines all but the guard), what exists, listings and error codes. Cursors and versions are each
 * backend's own, so the mirror issues pairs of them. One thing is done at a time, so that both see the same order.
 */
import assert from 'node:assert/strict'
import type {
  AppendOptions,
  AppendResult,
  Backend,
  Capabilities,
  Cursor,
  DraftBytes,
  DraftPlace,
  Drafts,
  Head,
  LineBatch,
  LookOptions,
  NewLine,
  ReadOptions,
  SessionKey,
  StoredFile,
  StoredLine,
  WatchEvents,
} from '../backend.ts'
import { FoldlogError } from '../errors.ts'
import { unguarded } from './lines.ts'

/** A backend that is `model` and `other` at once. Give the trusted one first: it is what answers come from. */
export function mirrorBackend(model: Backend, other: Backend): Backend {
  return new Mirror(model, other)
}

type Answer<T> = { readonly value: T } | { readonly error: unknown }

class Mirror implements Backend {
  readonly root: string
  readonly capabilities: Capabilities
  readonly files: Backend['files']
  readonly infos: Backend['infos']
  readonly drafts?: Drafts
  readonly #model: Backend
  readonly #other: Backend
  #last: Promise<unknown> = Promise.resolve()

  constructor(model: Backend, other: Backend) {
    this.#model = model
    this.#other = other
    this.root = `mirror:${model.root}|${other.root}`
    this.capabilities = weaker(model.capabilities, other.capabilities)
    this.files = {
      put: (...args) => this.#both('files.put', (backend) => backend.files.put(...args)).then(() => undefined),
      get: (...args) => this.#same('files.get', (backend) => backend.files.get(...args).then(toBuffer)),
      write: async (namespace, chunks, nameOf) => {
        const bytes = await concat(chunks)
        await this.#both('files.write', (backend) => backend.files.write(namespace, once(bytes), nameOf))
      },
      read: (namespace, name) => this.#readFile(namespace, name),
      list: async (...args) => {
        const [first, second] = await this.#both('files.list', (backend) => backend.files.list(...args))
        assert.deepEqual(namesOf(second), namesOf(first), 'lists of attachments differ')
        return first
      },
    }
    this.infos = {
      load: (...args) => this.#same('infos.load', (backend) => backend.infos.load(...args).then(toBuffer)),
      save: (...args) => this.#both('infos.save', (backend) => backend.infos.save(...args)).then(() => undefined),
    }
    if (model.drafts !== undefined && other.drafts !== undefined) this.drafts = this.#drafts()
  }

  async append(key: SessionKey, lines: readonly NewLine[], options: AppendOptions = {}): Promise<AppendResult> {
    const { after, expect } = options
    const [afters, expected] = [splitOr(after, key), splitOr(expect === 'absent' ? undefined : expect, key)]
    const results = await this.#both('append', async (backend) => {
      const at = backend === this.#model ? 0 : 1
      const place = expected[at] ?? expect
      return backend.append(key, lines, {
        ...(afters[at] === undefined ? {} : { after: afters[at] }),
        ...(place === undefined ? {} : { expect: place }),
      })
    })
    const [first, second] = results
    return first.cursor === undefined || second.cursor === undefined
      ? {}
      : { cursor: join(first.cursor, second.cursor) }
  }

  async *read(key: SessionKey, { after: place, ...rest }: ReadOptions = {}): AsyncGenerator<LineBatch> {
    const [one, two] = splitOr(place, key)
    const [first, second] = await this.#both('read', (backend) => {
      const after = backend === this.#model ? one : two
      return collect(backend.read(key, after === undefined ? rest : { ...rest, after }))
    })
    assert.deepEqual(second.lines.map(textOf), first.lines.map(textOf), `read of ${key.sessionId} differs`)
    const lines = first.lines.map((line, index): StoredLine => {
      const { bytes, file, offset } = line
      return { bytes, file, offset, line: line.line, cursor: join(line.cursor, second.lines[index]!.cursor) }
    })
    if (first.cursor !== undefined && second.cursor !== undefined)
      yield { lines, cursor: join(first.cursor, second.cursor) }
  }

  async head(key: SessionKey, options?: LookOptions): Promise<Head | undefined> {
    const [first, second] = await this.#both('head', (backend) => backend.head(key, options))
    assert.equal(second?.sessionId, first?.sessionId, `head of ${key.sessionId} differs`)
    return first === undefined || second === undefined ? undefined : joinHeads(first, second)
  }

  async list(namespace: string): Promise<readonly Head[]> {
    const [first, second] = await this.#both('list', (backend) => backend.list(namespace))
    const others = new Map(second.map((head) => [head.sessionId, head]))
    assert.deepEqual(
      [...others.keys()].sort(),
      first.map((head) => head.sessionId).sort(),
      `lists of ${namespace} differ`,
    )
    return first.map((head) => joinHeads(head, others.get(head.sessionId)!))
  }

  async namespaces(): Promise<readonly string[]> {
    return this.#same('namespaces', async (backend) => [...(await backend.namespaces())].sort())
  }

  async remove(key: SessionKey): Promise<boolean> {
    return this.#same('remove', (backend) => backend.remove(key))
  }

  async purge(key: SessionKey): Promise<boolean> {
    return this.#same('purge', (backend) => backend.purge(key))
  }

  async watch(namespace: string | undefined, events: WatchEvents): Promise<() => Promise<void>> {
    const stops = await this.#both('watch', (backend) => backend.watch(namespace, events))
    return async () => {
      for (const stop of stops) await stop()
    }
  }

  async flush(): Promise<void> {
    await this.#both('flush', (backend) => backend.flush())
  }

  async check(): Promise<void> {
    await this.#both('check', (backend) => backend.check())
  }

  release(key: SessionKey): void {
    this.#model.release(key)
    this.#other.release(key)
  }

  async close(): Promise<void> {
    await this.#both('close', (backend) => backend.close())
  }

  #drafts(): Drafts {
    return {
      open: async (...args) => {
        const both = await this.#both('drafts.open', (backend) => backend.drafts!.open(...args))
        return {
          write: (bytes) => both.forEach((draft) => draft.write(bytes)),
          close: () => both.forEach((draft) => draft.close()),
        }
      },
      list: (key) => this.#same('drafts.list', async (backend) => [...(await backend.drafts!.list(key))].sort()),
      read: async (key, messageId, from) => {
        const [first, second] = await this.#both('drafts.read', (backend) =>
          backend.drafts!.read(key, messageId, backend === this.#model ? placeIn(from, 0) : placeIn(from, 1)),
        )
        assert.deepEqual(contentOf(second), contentOf(first), `the draft of ${messageId} differs`)
        if (first === undefined || second === undefined) return undefined
        const version = joinTexts(first.place.version, second.place.version)
        return { ...first, place: { version, offset: first.place.offset } }
      },
      remove: (...args) => this.#same('drafts.remove', (backend) => backend.drafts!.remove(...args)),
    }
  }

  async *#readFile(namespace: string, name: string): AsyncGenerator<Uint8Array> {
    yield await this.#same('files.read', (backend) => concat(backend.files.read(namespace, name)))
  }

  async #same<T>(what: string, call: (backend: Backend) => Promise<T>): Promise<T> {
    const [first, second] = await this.#both(what, call)
    assert.deepEqual(second, first, `${what} differs`)
    return first
  }

  /** The answers of both. Rejects as the model does; an assertion error if the other one does not reject alike. */
  #both<T>(what: string, call: (backend: Backend) => Promise<T>): Promise<readonly [T, T]> {
    const work = async (): Promise<readonly [T, T]> => {
      const first = await answerOf(call(this.#model))
      const second = await answerOf(call(this.#other))
      assert.equal(codeOf(second), codeOf(first), `${what}: one is rejected otherwise than the other`)
      if ('error' in first) throw first.error
      if ('error' in second) throw second.error
      return [first.value, second.value]
    }
    const result = this.#last.then(work)
    this.#last = result.catch(() => {
      // Its own caller is told.
    })
    return result
  }
}

async function answerOf<T>(promise: Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await promise }
  } catch (error) {
    return { error }
  }
}

function codeOf(answer: Answer<unknown>): string {
  if (!('error' in answer)) return 'resolved'
  return answer.error instanceof FoldlogError ? answer.error.code : `rejected: ${String(answer.error)}`
}

async function concat(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const bytes of chunks) pieces.push(bytes)
  return Buffer.concat(pieces)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function collect(
  batches: AsyncIterable<LineBatch>,
): Promise<{ lines: StoredLine[]; cursor: Cursor | undefined }> {
  const lines: StoredLine[] = []
  let cursor: Cursor | undefined
  for await (const batch of batches) {
    lines.push(...batch.lines)
    cursor = batch.cursor
  }
  return { lines, cursor }
}

function textOf(line: StoredLine): string {
  return unguarded(Buffer.from(line.bytes).toString('latin1'))
}

function namesOf(files: readonly StoredFile[]): string[] {
  return files.map(({ name }) => name).sort()
}

function toBuffer(bytes: Uint8Array | undefined): Buffer | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes)
}

function joinHeads(one: Head, two: Head): Head {
  return { ...one, version: `${one.version}|${two.version}`, isSettled: one.isSettled && two.isSettled }
}

/** What both must have in common of a draft. */
function contentOf(read: DraftBytes | undefined): unknown {
  return read && [Buffer.from(read.bytes), read.place.offset, read.isAlive]
}

/** One's own part of a place in both. */
function placeIn(place: DraftPlace | undefined, index: 0 | 1): DraftPlace | undefined {
  if (place === undefined) return undefined
  const length = Number(place.version.slice(0, place.version.indexOf(':')))
  const rest = place.version.slice(place.version.indexOf(':') + 1)
  return { version: index === 0 ? rest.slice(0, length) : rest.slice(length), offset: place.offset }
}

/** `<length of the first>:<first><second>`: whatever two texts hold, they come apart again. */
function joinTexts(one: string, two: string): string {
  return `${one.length}:${one}${two}`
}

function join(one: Cursor, two: Cursor): Cursor {
  return joinTexts(one, two) as Cursor
}

function splitOr(cursor: Cursor | undefined, key: SessionKey): readonly [Cursor | undefined, Cursor | undefined] {
  if (cursor === undefined) return [undefined, undefined]
  const colon = cursor.indexOf(':')
  const length = colon < 0 ? NaN : Number(cursor.slice(0, colon))
  if (!Number.isInteger(length)) throw new FoldlogError('STALE_CURSOR', `no cursor of a mirror: ${cursor}`, { ...key })
  const rest = cursor.slice(colon + 1)
  return [rest.slice(0, length) as Cursor, rest.slice(length) as Cursor]
}

const DURABILITIES: readonly Capabilities['durability'][] = ['memory', 'process', 'disk', 'quorum']
const WATCHES: readonly Capabilities['watch'][] = ['none', 'poll', 'push']

function weaker(one: Capabilities, two: Capabilities): Capabilities {
  return {
    durability: DURABILITIES[Math.min(DURABILITIES.indexOf(one.durability), DURABILITIES.indexOf(two.durability))]!,
    guards: one.guards === two.guards ? one.guards : 'none',
    watch: WATCHES[Math.min(WATCHES.indexOf(one.watch), WATCHES.indexOf(two.watch))]!,
    files: one.files && two.files,
    infos: one.infos && two.infos,
    shared: one.shared || two.shared,
    maxLineBytes: Math.min(one.maxLineBytes, two.maxLineBytes),
  }
}
