/** The infos cache: whatever is in its place, a listing is the one that the logs give. */
import * as fc from 'fast-check'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Backend } from '../src/backend.ts'
import { memoryBackend } from '../src/backends/memory.ts'
import {
  decodeIndex,
  decodeInfo,
  decodeRows,
  encodeInfos,
  entryOf,
  HEADER_BYTES,
  indexEnd,
  Part,
} from '../src/infos-cache.ts'
import type { Entry, FoldedInfo, Index } from '../src/infos-cache.ts'
import { Bus } from '../src/bus.ts'
import { useEngine } from '../src/engine.ts'
import type { ListOptions } from '../src/infos.ts'
import type { InfoRow } from '../src/infos-rows.ts'
import type { SessionInfo } from '../src/message.ts'
import type { Store } from '../src/store.ts'
import { PATIENT, rounds } from './support/rounds.ts'
import { open, temp } from './support/temp.ts'

const NAMESPACE = 'default'

/** A backend whose logs are settled at once, and what was asked of it. */
function counted(): { readonly backend: Backend; readonly asked: { logs: string[]; bytes: number } } {
  const backend = memoryBackend()
  onTestFinished(() => backend.close())
  const asked = { logs: [] as string[], bytes: 0 }
  const read = backend.read.bind(backend)
  const load = backend.infos.load.bind(backend.infos)
  backend.read = (key, options) => (asked.logs.push(key.sessionId), read(key, options))
  backend.infos.load = async (...args) => {
    const bytes = await load(...args)
    asked.bytes += bytes?.length ?? 0
    return bytes
  }
  return { backend, asked }
}

/** Sessions of every kind that a listing tells apart, the cache of them, and the listing. */
async function filled(backend: Backend, count: number) {
  const { store } = await open(backend)
  for (let i = 0; i < count; i++) {
    const session = await store.create({
      id: `s${i}`,
      title: `Größe ${i}`,
      ...(i % 3 === 1 ? { parent: { sessionId: 's0' } } : {}),
      ...(i % 4 === 2 ? { archived: true } : {}),
    })
    await session.add({ text: `text ${i}` })
  }
  const infos = await all(store)
  await store.close()
  return { infos, cache: Buffer.from((await backend.infos.load(NAMESPACE))!) }
}

/** An entry as an object of its own. */
function plain(entry: Entry): Entry {
  const { id, version, isSettled, updated, created, isArchived, parentId, folded: read, stored } = entry
  const { info, resume, cursor, isStraight } = read ?? {}
  const folded = info === undefined ? undefined : ({ info, resume, cursor, isStraight } as FoldedInfo)
  return { id, version, isSettled, updated, created, isArchived, parentId, folded, stored }
}

/** The index at the beginning of a cache. */
function indexOf(cache: Uint8Array): Index | undefined {
  return decodeIndex(cache.subarray(0, indexEnd(cache.subarray(0, HEADER_BYTES)) ?? 0))
}

/** The rows of a cache. */
function rowsOf(cache: Uint8Array): readonly InfoRow[] | undefined {
  const { entries, rows } = indexOf(cache)!
  const stored = decodeRows(new Part(0, cache), rows, entries.length)
  return stored && entries.map(({ id, updated }, row) => stored.at(row, id, NAMESPACE, updated)!)
}

/** What a list shows of an info. */
function shown({ id, namespace, title, preview, status, messageCount, branchCount, usage, damage, time }: InfoRow) {
  const { inputTokens = 0, outputTokens = 0, totalTokens = 0 } = usage
  const name = (title ?? '').trim() === '' ? { title, preview } : { title }
  return {
    ...name,
    id,
    namespace,
    status,
    messageCount,
    branchCount,
    damage,
    updated: time.updated,
    inputTokens,
    outputTokens,
    totalTokens,
  }
}

async function all(store: Store, options: ListOptions = { archived: 'all' }): Promise<readonly SessionInfo[]> {
  const infos: SessionInfo[] = []
  for (let cursor: string | undefined; ;) {
    const page = await store.list(cursor === undefined ? options : { ...options, cursor })
    infos.push(...page.items)
    if (page.next === undefined) return infos
    cursor = page.next
  }
}

/** What the sessions themselves say, put in order and filtered by hand. */
async function expected(store: Store, ids: Iterable<string>, options: ListOptions): Promise<readonly SessionInfo[]> {
  const { archived = false, parentId, where = () => true, order = 'updated' } = options
  const infos = await Promise.all([...ids].map(async (id) => (await store.get(id))!.info))
  return infos
    .filter(({ time }) => archived === 'all' || (time.archived !== undefined) === archived)
    .filter(({ parent }) => parentId === undefined || parent?.sessionId === parentId)
    .filter(where)
    .toSorted((a, b) => b.time[order] - a.time[order] || (a.id < b.id ? 1 : -1))
}

test('what was encoded is decoded, in the order given, and only from its own bytes', () => {
  const info = fc.record({
    id: fc.string({ unit: 'grapheme' }),
    title: fc.string({ unit: 'grapheme' }),
    parent: fc.option(fc.record({ sessionId: fc.string() }), { nil: undefined }),
    updated: fc.nat(),
    archived: fc.option(fc.nat(), { nil: undefined }),
    preview: fc.string({ unit: 'grapheme' }),
    status: fc.constantFrom('idle', 'running', 'awaiting', 'failed'),
    messageCount: fc.nat(),
    branchCount: fc.nat(),
    damage: fc.nat(),
    usage: fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat(), totalTokens: fc.nat() }, { requiredKeys: [] }),
  })
  fc.assert(
    fc.property(fc.array(info), fc.boolean(), (infos, isSettled) => {
      const entries = infos.map(({ updated, archived, parent, ...fields }, i): Entry => {
        const time = { created: i, updated, ...(archived === undefined ? {} : { archived }) }
        // Only what the cache looks at.
        const made = {
          namespace: NAMESPACE,
          time,
          ...fields,
          ...(i % 3 === 0 ? { title: undefined } : {}),
          ...(parent === undefined ? {} : { parent }),
        } as SessionInfo
        if (made.title === undefined) delete (made as { title?: string }).title
        return entryOf(fields.id, `version "${i}"`, isSettled, {
          info: made,
          resume: undefined,
          cursor: undefined,
          isStraight: updated % 2 === 0,
        })
      })
      const bytes = encodeInfos(NAMESPACE, entries, undefined, undefined)
      const part = new Part(0, bytes)
      const { entries: again, rows: block } = indexOf(bytes)!
      const rows = decodeRows(part, block, again.length)
      expect(rowsOf(bytes)!.map(shown)).toEqual(entries.map(({ folded }) => shown(folded!.info)))
      for (const entry of again) entry.folded = decodeInfo(NAMESPACE, entry, part)
      expect(again.map((entry) => ({ ...plain(entry), stored: undefined }))).toEqual(entries)
      const unread = again.map((entry) => ({ ...plain(entry), folded: undefined }))
      expect(encodeInfos(NAMESPACE, unread, part, rows)).toEqual(bytes)
      expect(unread.map((entry) => decodeInfo('other', entry, part))).toEqual(unread.map(() => undefined))
    }),
    { numRuns: rounds(300) },
  )
})

test('a changed byte of the cache makes an index, the rows or an info none, never another one', async () => {
  const { cache } = await filled(counted().backend, 4)
  const infosOf = (bytes: Buffer): readonly (SessionInfo | undefined)[] | undefined => {
    const part = new Part(0, bytes)
    return indexOf(bytes)?.entries.map((entry) => decodeInfo(NAMESPACE, entry, part)?.info)
  }
  const infos = infosOf(cache)!
  const rows = rowsOf(cache)!
  expect(infos).toHaveLength(4)
  expect(rows.map(shown)).toEqual(infos.map((info) => shown(info!)))
  let [withoutIndex, withoutRows, withoutInfo] = [0, 0, 0]
  for (let at = 0; at < cache.length; at++) {
    const bytes = Buffer.from(cache)
    bytes[at]! ^= 1 << (at % 8)
    const found = infosOf(bytes)
    if (found === undefined) withoutIndex++
    else if (found.includes(undefined)) withoutInfo++
    for (const [i, info] of (found ?? []).entries()) if (info !== undefined) expect(info).toEqual(infos[i])
    if (found === undefined) continue
    const shownNow = rowsOf(bytes)
    if (shownNow === undefined) withoutRows++
    else expect(shownNow).toEqual(rows)
  }
  const end = indexEnd(cache)!
  const { sizeBytes } = indexOf(cache)!.rows
  expect(withoutIndex).toBeGreaterThan(end - 10)
  expect(withoutRows).toBeGreaterThanOrEqual(sizeBytes - 1)
  expect(withoutInfo).toBeGreaterThanOrEqual(cache.length - end - sizeBytes - infos.length)
})

test('I5: a cache that is cut, spliced, garbled or foreign gives the listing of the logs', PATIENT, async () => {
  const { backend } = counted()
  const { infos, cache } = await filled(backend, 12)
  const place = fc.nat(cache.length)
  const garbled = fc.oneof(
    place.map((end) => cache.subarray(0, end)),
    fc.tuple(place, place).map(([from, to]) => Buffer.concat([cache.subarray(0, from), cache.subarray(to)])),
    fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([at, bytes]) => {
      const changed = Buffer.from(cache)
      changed.set(bytes.subarray(0, cache.length - at), at)
      return changed
    }),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc
      .constantFrom(
        '{"foldlog":"infos","v":1}\n',
        '{"foldlog":"infos","v":4,"index":[3,0],"rows":[3,0]}\n[]\n[]\n',
        '\n',
      )
      .map((text) => Buffer.from(text)),
  )
  await fc.assert(
    fc.asyncProperty(garbled, fc.integer({ min: 1, max: 13 }), async (bytes, limit) => {
      await backend.infos.save(NAMESPACE, bytes)
      const { store } = await open(backend)
      expect(await all(store, { archived: 'all', limit })).toEqual(infos)
      await store.close()
    }),
    { numRuns: rounds(500) },
  )
})

test('I5: an index that is whole but not true of its infos or its logs is believed for nothing', async () => {
  const { backend } = counted()
  const { infos, cache } = await filled(backend, 6)
  const { entries, rows } = indexOf(cache)!
  const stored = decodeRows(new Part(0, cache), rows, entries.length)
  for (const entry of entries) entry.folded = decodeInfo(NAMESPACE, entry, new Part(0, cache))
  const [one, two] = [plain(entries[0]!), plain(entries[1]!)]
  const swapped = [{ ...one, stored: two.stored }, { ...two, stored: one.stored }, ...entries.slice(2)]
  const renamed = [{ ...one, id: 'nobody' }, ...entries.slice(1)]
  const outside = entries.map((entry) => ({ ...plain(entry), version: `${entry.version}0` }))
  for (const forged of [swapped, renamed, outside]) {
    await backend.infos.save(NAMESPACE, encodeInfos(NAMESPACE, forged, new Part(0, cache), stored))
    const { store } = await open(backend)
    expect(await all(store)).toEqual(infos)
    await store.close()
  }
})

test('a listing from a valid cache reads no log, and of the cache little more than what it gives', async () => {
  const { backend, asked } = counted()
  const { infos, cache } = await filled(backend, 60)
  asked.logs.length = asked.bytes = 0
  const { store } = await open(backend)
  const page = await store.list({ archived: 'all', limit: 5 })
  expect(page.items).toEqual(infos.slice(0, 5))
  expect(asked.logs).toEqual([])
  expect(asked.bytes).toBeLessThan(indexEnd(cache)! + HEADER_BYTES + (cache.length - indexEnd(cache)!) / 5)
  expect(await all(store, { archived: 'all', where: ({ id }) => id.endsWith('7') })).toEqual(
    infos.filter(({ id }) => id.endsWith('7')),
  )
  expect(asked.logs).toEqual([])
})

test('what lists show comes from a valid cache without an info, and from the logs where there is none', async () => {
  const { backend, asked } = counted()
  const { infos, cache } = await filled(backend, 60)
  const { at, sizeBytes } = indexOf(cache)!.rows
  const broken = Buffer.from(cache)
  broken[at + 5]! ^= 1
  for (const [bytes, isWhole] of [
    [cache, true] as const,
    [broken, false] as const,
    [Buffer.from(''), false] as const,
  ]) {
    await backend.infos.save(NAMESPACE, bytes)
    asked.logs.length = asked.bytes = 0
    const engine = useEngine(backend, {}, new Bus(), undefined)
    const rows = await engine.namespace(NAMESPACE).rows({ archived: 'all' })
    expect(rows.map(shown)).toEqual(infos.map(shown))
    if (isWhole) expect(asked.bytes).toBeLessThanOrEqual(at + sizeBytes + HEADER_BYTES)
    if (isWhole) expect(asked.logs).toEqual([])
    await engine.release()
  }
  // What was folded anew was saved.
  expect(rowsOf(Buffer.from((await backend.infos.load(NAMESPACE))!))!.map(shown)).toEqual(infos.map(shown))
})

test('rows that cannot be read any more are made of the infos when the cache is saved', async () => {
  const { backend } = counted()
  const { infos, cache } = await filled(backend, 5)
  const broken = Buffer.from(cache)
  broken[indexOf(cache)!.rows.at + 5]! ^= 1
  await backend.infos.save(NAMESPACE, broken)
  const { store } = await open(backend)
  await (await store.create({ id: 'new', title: 'New' })).add({ text: 'hello' })
  await store.list({ limit: 1 })
  await store.close()
  const saved = rowsOf(Buffer.from((await backend.infos.load(NAMESPACE))!))!
  expect(saved.slice(1).map(shown)).toEqual(infos.map(shown))
  expect(saved[0]).toMatchObject({ id: 'new', title: 'New', messageCount: 1 })
})

test('what was not read of the cache is kept when it is saved, and what was damaged is folded again once', async () => {
  const { backend, asked } = counted()
  const { infos, cache } = await filled(backend, 20)
  const broken = Buffer.from(cache)
  broken[cache.length - 5]! ^= 1
  await backend.infos.save(NAMESPACE, broken)
  const { store } = await open(backend)
  await (await store.create({ id: 'new' })).add({ text: 'hello' })
  await store.list({ limit: 2 })
  await store.close()
  asked.logs.length = 0
  for (const reads of [1, 0]) {
    const { store: again } = await open(backend)
    expect((await all(again)).slice(1)).toEqual(infos)
    await again.close()
    expect(new Set(asked.logs).size).toBe(reads)
    asked.logs.length = 0
  }
})

test('two processes that save the cache in turn see each other, page by page', async () => {
  const root = temp()
  const { store: one } = await open(root)
  for (let i = 0; i < 12; i++) await one.create({ id: `s${i}` })
  await all(one)
  await one.close()
  const { store: reader } = await open(root)
  const first = await reader.list({ limit: 3 })
  // Another one replaces the cache by one that holds other infos at other places.
  const { store: writer } = await open(root)
  for (let i = 0; i < 40; i++) await writer.create({ id: `t${i}`, title: 'x'.repeat(i * 10) })
  await writer.delete('s0')
  await all(writer)
  await writer.close()
  const rest: string[] = []
  for (let cursor = first.next; cursor !== undefined;) {
    const page: Awaited<ReturnType<Store['list']>> = await reader.list({ limit: 3, cursor })
    rest.push(...page.items.map(({ id }) => id))
    cursor = page.next
  }
  const ids = Array.from({ length: 12 }, (_, i) => `s${11 - i}`)
  expect(rest).toEqual(ids.slice(3).filter((id) => id !== 's0'))
  await (await reader.get('s5'))!.set({ title: 'read by the one' })
  await reader.close()
  const { store: last } = await open(root)
  expect(await all(last)).toEqual(
    await expected(
      last,
      (await all(last)).map(({ id }) => id),
      { archived: 'all' },
    ),
  )
  expect(await all(last)).toHaveLength(51)
  expect((await last.list({ limit: 1 })).items[0]).toMatchObject({ id: 's5', title: 'read by the one' })
})

type Step = readonly [
  kind: 'create' | 'add' | 'archive' | 'adopt' | 'delete' | 'list' | 'rows' | 'reopen' | 'lose',
  n: number,
]

test('I5: whatever happens, a listing with the cache equals the one without', PATIENT, async () => {
  const step = fc.tuple(
    fc.constantFrom<Step[0]>(
      'create',
      'create',
      'create',
      'add',
      'archive',
      'adopt',
      'delete',
      'list',
      'rows',
      'reopen',
      'lose',
    ),
    fc.nat(9),
  )
  const options = fc.record(
    {
      archived: fc.constantFrom<boolean | 'all'>(true, false, 'all'),
      parentId: fc.constantFrom('s0', 's1'),
      where: fc.constant(({ messageCount }: SessionInfo) => messageCount > 0),
      order: fc.constantFrom<'updated' | 'created'>('updated', 'created'),
      limit: fc.integer({ min: 1, max: 4 }),
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), options, fc.boolean(), async (steps, listing, isOnDisk) => {
      const place = isOnDisk ? temp() : memoryBackend()
      const ids = new Set<string>()
      // The one changes, the other one, which is opened anew now and then, lists.
      const { store: writer } = await open(place)
      let { store: reader, bus } = await open(place)
      const { archived = false, parentId, limit = Infinity } = listing
      const meant = { archived, ...(parentId === undefined ? {} : { parentId }) }
      for (const [kind, n] of steps) {
        const id = `s${n}`
        if (kind === 'list') expect(await all(reader, listing)).toEqual(await expected(writer, ids, listing))
        else if (kind === 'rows') {
          const engine = useEngine(place, {}, bus, undefined)
          const rows = await engine.namespace(NAMESPACE).rows({ ...meant, limit })
          await engine.release()
          expect(rows.map(shown)).toEqual((await expected(writer, ids, meant)).slice(0, limit).map(shown))
        } else if (kind === 'reopen') {
          await reader.close()
          ;({ store: reader, bus } = await open(place))
        } else if (kind === 'lose' && isOnDisk)
          rmSync(join(writer.root, NAMESPACE, '.cache'), { recursive: true, force: true })
        else if (kind === 'create') ids.add((await writer.ensure(id)).info.id)
        else if (!ids.has(id)) continue
        else if (kind === 'delete') ids.delete((await writer.delete(id)) ? id : '')
        else if (kind === 'add') await (await writer.get(id))!.add({ text: 'more' })
        else if (kind === 'archive') await (await writer.get(id))!.set({ archived: n % 2 === 0 })
        else if (kind === 'adopt') await (await writer.get(id))!.set({ parent: { sessionId: `s${n % 2}` } })
      }
      expect(await all(reader, listing)).toEqual(await expected(writer, ids, listing))
      for (const store of [reader, writer]) await store.close()
      const { store: last } = await open(place)
      expect(await all(last, listing)).toEqual(await expected(last, ids, listing))
      await last.close()
    }),
    { numRuns: rounds(300) },
  )
})

test('a folder, a file or nothing where the cache should be costs time only', async () => {
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 's' })
  const infos = await all(store)
  await store.close()
  const folder = join(root, NAMESPACE, '.cache')
  for (const put of [
    () => mkdirSync(join(folder, 'infos.jsonl'), { recursive: true }),
    () => (mkdirSync(folder), writeFileSync(join(folder, 'infos.jsonl'), '')),
    () => undefined,
  ]) {
    rmSync(folder, { recursive: true, force: true })
    put()
    const { store: again } = await open(root)
    expect(await all(again)).toEqual(infos)
    await again.close()
  }
  expect(readFileSync(join(folder, 'infos.jsonl'), 'utf8')).toMatch(/^\{"foldlog":"infos","v":4,/)
})

test('a namespace that cannot be looked at any more does not fail the closing of a store', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ title: 'Kept' })
  await store.list()
  await session.add({ text: 'more' })
  rmSync(join(root, 'default'), { recursive: true })
  writeFileSync(join(root, 'default'), 'no directory')
  await expect(store.list()).rejects.toMatchObject({ code: 'NOT_A_LOG' })
  await store.close()
})
