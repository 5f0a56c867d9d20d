/**
 * redact: what goes, what stays, and that it stays gone.
 */
import { execFileSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fileBackend } from '../../src/backends/file/index.ts'
import { memoryBackend } from '../../src/backends/memory.ts'
import { isFoldlogError } from '../../src/errors.ts'
import { isValidData } from '../../src/event.ts'
import type { Json } from '../../src/json.ts'
import { newId } from '../../src/id.ts'
import { eventsOf, decodeLine, encodeLine } from '../../src/line.ts'
import { LineSet } from '../../src/lines.ts'
import { redactedBytes } from '../../src/redacted.ts'
import { run } from '../cli/run.ts'
import { chaos, deliver, seeds } from '../support/events.ts'
import { anew, logPath, open, temp, textsOf } from '../support/temp.ts'

const SECRET = 'the very secret words'

/** Everything in a root, as one text. */
function allBytes(root: string): string {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n')
}

test('g11: by event: the content is gone from log, fork, attachments and caches, and an event says so', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const picture = await store.putFile(Buffer.from(`picture of ${SECRET}`), 'image/png')
  const shared = await store.putFile(Buffer.from('a shared picture'), 'image/png')
  await session.add({ text: 'before' })
  const parts = [{ type: 'file', ...picture } as const, { type: 'file', ...shared } as const]
  const message = await session.add({ role: 'assistant', text: `I say ${SECRET}`, author: SECRET, parts })
  await session.add({ role: 'user', text: 'after', parts: [{ type: 'file', ...shared }] })
  const fork = await store.fork('one', { id: 'two' })
  await store.list()
  await store.namespace('other').create({ id: 'three' })
  const eventId = (await anew(root, 'one')).events.find(({ data }) => (data as { id?: string }).id === message.id)!.id
  const other = await open(root)
  await other.store.list()
  await other.store.close()
  expect(allBytes(root)).toContain(SECRET)

  const dry = await store.redact({ events: [eventId] }, { dryRun: true })
  expect(allBytes(root)).toContain(SECRET)
  const done = await store.redact({ events: [eventId] })
  expect(done).toMatchObject({ logs: dry.logs, files: dry.files, remaining: [] })
  expect(done.logs).toEqual(['one', 'two'].map((sessionId) => ({ sessionId, events: [eventId] })))
  expect(done.files).toEqual([`${picture.file.slice('sha256-'.length)}.png`])
  expect(done.caches).toEqual(['.cache/infos.jsonl'])
  expect(allBytes(root)).not.toContain(SECRET)
  expect(await store.getFile(shared.file, 'image/png')).toBeDefined()

  for (const id of ['one', 'two']) {
    const { events, messages, info } = await anew(root, id)
    expect(textsOf(messages)).toEqual(['before', '[redacted]', 'after'])
    expect(messages[1]).toMatchObject({ id: message.id, role: 'assistant', turnId: message.turnId })
    expect(info.messageCount).toBe(3)
    expect(events.filter(({ redacted }) => redacted === true).map((event) => event.id)).toEqual([eventId])
    const audit = events.filter(({ type }) => type === 'log.redacted')
    expect(audit.map(({ data }) => data)).toEqual([{ ids: [eventId], why: 'event' }])
    for await (const report of store.fsck(id)) expect(report).toMatchObject({ damage: [], findings: [] })
  }
  expect(textsOf(await session.messages())).toEqual(['before', '[redacted]', 'after'])
  expect((await fork.findings()).length).toBe(0)
  await session.add({ text: 'goes on' })
  expect((await store.redact({ returned: true })).logs).toEqual([])
})

test('who knew a session before it was redacted elsewhere does not write into the cache what it said', async () => {
  const root = temp()
  const { store } = await open(root)
  await (await store.create({ id: 'one' })).add({ text: SECRET })
  const { store: other } = await open(fileBackend(root))
  await other.list()
  await store.redact({ text: SECRET })
  await store.list()
  await store.close()
  expect(allBytes(root)).not.toContain(SECRET)
  await other.create({ id: 'two' })
  await other.close()
  expect(allBytes(root)).toContain('infos')
  expect(allBytes(root)).not.toContain(SECRET)
})

test.each(['é', '🜁 "one"'])('by event: the caches say nothing more of a session that is called %s', async (id) => {
  const root = temp()
  const first = await open(root)
  const session = await first.store.create({ id, title: 'a title' })
  await session.set({ title: SECRET })
  await session.add({ text: 'a question' })
  const eventId = (await anew(root, id)).events.find(({ type }) => type === 'session.updated')!.id
  await first.store.list()
  await first.store.close()
  expect(allBytes(root).split(SECRET)).toHaveLength(4)
  const { store } = await open(root)
  expect(await store.redact({ events: [eventId] })).toMatchObject({ caches: ['.cache/infos.jsonl'] })
  expect(allBytes(root)).not.toContain(SECRET)
})

test('of a batch only what says it goes; its key still answers with all of it', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const inputs = ['first', SECRET, 'third'].map((text, i) => ({ id: `m${i}`, text }))
  await session.add(inputs, { key: 'k' })
  await store.redact({ text: SECRET }, { sessionId: 'one' })
  expect(allBytes(root)).not.toContain(SECRET)
  expect(textsOf((await anew(root, 'one')).messages)).toEqual(['first', '[redacted]', 'third'])
  expect(textsOf(await session.add(inputs, { key: 'k' }))).toEqual(['first', '[redacted]', 'third'])
})

test('by text: found in decoded strings, names and attachments, in one session or in all', async () => {
  const root = temp()
  const { store } = await open(root)
  const [one, two] = [await store.create({ id: 'one' }), await store.create({ id: 'two', title: `about ${SECRET}` })]
  const note = await store.putFile(Buffer.from(`a note with ${SECRET}`), 'text/plain')
  await one.add({
    parts: [{ type: 'tool-call', callId: 'c', name: 'look', input: { [SECRET]: 1 } }],
    role: 'assistant',
  })
  await one.add({ role: 'tool', parts: [{ type: 'tool-result', callId: 'c', name: 'look', output: 'fine' }] })
  await two.add({ parts: [{ type: 'file', ...note }] })
  await two.append('todo.added', { text: SECRET })
  appendFileSync(logPath(root, 'two'), `{"v":1,"id":"${newId()}","torn ${SECRET}\n`)
  // As another program may have written it.
  const escaped = JSON.stringify(SECRET).replace('very', String.raw`\u0076ery`)
  appendFileSync(logPath(root, 'two'), `{"v":1,"id":"${newId()}","type":"todo.added","time":"","data":[${escaped}]}\n`)
  expect((await store.redact({ text: SECRET }, { sessionId: 'one' })).logs.map((log) => log.sessionId)).toEqual(['one'])
  expect(allBytes(root)).toContain(SECRET)
  expect(await store.getFile(note.file, 'text/plain')).toBeDefined()
  const { logs, files } = await store.redact({ text: SECRET })
  expect(logs.map(({ events, sessionId }) => [sessionId, events.length])).toEqual([['two', 4]])
  expect(files).toHaveLength(1)
  expect(allBytes(root)).not.toContain(SECRET)
  expect(allBytes(root)).not.toContain(String.raw`\u0076ery`)
  const { context, damage } = { context: await one.context(), damage: await two.damage() }
  expect(context.map(({ role }) => role)).toEqual(['assistant', 'tool'])
  expect(damage).toEqual([])
  expect((await store.get('two'))!.info.title).toBeUndefined()
})

test('by pattern and by the shape of secrets', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  const token = ['gh', 'p_', 'aB3'.repeat(12)].join('')
  await session.add([{ text: `token ${token}` }, { text: 'order 4411-77' }, { text: 'nothing' }])
  await store.redact({ pattern: /\d{4}-\d\d/g })
  expect(textsOf(await session.messages())).toEqual([`token ${token}`, '[redacted]', 'nothing'])
  await store.redact({ secrets: true })
  expect(textsOf(await session.messages())).toEqual(['[redacted]', '[redacted]', 'nothing'])
  expect(allBytes(root)).not.toContain(token)
})

test('g6: what a merge brings back is hidden and reported, and removed again', async () => {
  const [root, clone] = [temp(), temp()]
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  await session.add([
    { id: 'a', text: `first ${SECRET}` },
    { id: 'b', text: 'second' },
  ])
  await session.add({ id: 'c', text: SECRET })
  cpSync(root, clone, { recursive: true })
  const theirs = await open(clone)
  await (await theirs.store.get('one'))!.add({ id: 'd', text: 'from the clone' })
  await store.redact({ text: SECRET })
  await theirs.store.close()
  // The union that git makes of the two, with the lines of the other side first.
  const [ours, others] = [root, clone].map((each) => readFileSync(logPath(each, 'one'), 'utf8'))
  writeFileSync(logPath(root, 'one'), others! + ours!)

  const { messages } = await anew(root, 'one')
  expect(textsOf(messages).map(String).sort()).toEqual(['[redacted]', '[redacted]', 'from the clone', 'second'])
  expect((await session.findings()).map(({ kind }) => kind)).toEqual(['returned', 'returned'])
  for await (const { findings } of store.fsck('one')) {
    expect(findings.map(({ kind }) => kind)).toEqual(['returned', 'returned'])
  }
  const audits = allBytes(root).split('log.redacted').length
  expect((await store.redact({ returned: true })).logs).toMatchObject([{ sessionId: 'one' }])
  expect(allBytes(root)).not.toContain(SECRET)
  expect(allBytes(root).split('log.redacted').length).toBe(audits)
  for await (const { findings } of store.fsck('one')) expect(findings).toEqual([])
})

test('two clones that redact the same event write the same bytes', async () => {
  const [root, clone] = [temp(), temp()]
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  await session.add([{ text: 'fine' }, { text: SECRET, metadata: { why: SECRET } }], { key: 'k' })
  cpSync(root, clone, { recursive: true })
  const theirs = await open(clone)
  for (const each of [store, theirs.store]) await each.redact({ text: SECRET })
  const lines = [root, clone].map((each) => readFileSync(logPath(each, 'one'), 'utf8').split('\n').slice(0, 2))
  expect(lines[0]).toEqual(lines[1])
})

test('segments are redacted where they are', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  await session.add({ text: SECRET })
  await store.close()
  const segment = join(root, 'default', `one.${newId()}.jsonl`)
  renameSync(logPath(root, 'one'), segment)
  const again = await open(root)
  await again.store.redact({ text: SECRET })
  expect(allBytes(root)).not.toContain(SECRET)
  expect(readFileSync(segment, 'utf8')).toContain('"redacted":true')
  expect(textsOf((await anew(root, 'one')).messages)).toEqual(['[redacted]'])
})

test('a redaction that was killed before it rewrote is known to fsck and ended by the next one', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  await session.add({ text: SECRET })
  const { id } = (await anew(root, 'one')).events.at(-1)!
  const audit = newId()
  const data = { ids: [id], why: 'event' }
  const head = { v: 1, id: audit, time: '2026-11-20T10:00:00.123Z' }
  appendFileSync(logPath(root, 'one'), `${encodeLine({ ...head, type: 'log.redacted', data })}\n`)
  for await (const { findings } of store.fsck('one')) {
    expect(findings).toMatchObject([{ kind: 'returned', eventId: id }])
  }
  await store.redact({ returned: true })
  expect(allBytes(root)).not.toContain(SECRET)
})

test('what is left of any event is valid, and however it is mixed with the originals it beats them', () => {
  fc.assert(
    fc.property(chaos, seeds, (lines, order) => {
      const whole = lines.filter(({ redacted, v }) => redacted !== true && v === 1)
      const unique = [...new Map(whole.map((line) => [line.id, line])).values()]
      const place = { file: '', line: 1, offset: 0 }
      const ids = new Set(unique.flatMap(eventsOf).map(({ id }) => id))
      const pairs = unique.map((line) => {
        const bytes = Buffer.from(encodeLine(line))
        const left = redactedBytes(bytes, decodeLine(bytes, place).lines[0]!, ids)
        const [read] = decodeLine(left, place).lines
        expect(redactedBytes(left, read!, ids)).toBe(left)
        for (const [i, { type, data }] of eventsOf(read!).entries()) {
          if (isValidData(type, eventsOf(line)[i]!.data)) expect(isValidData(type, data)).toBe(true)
        }
        return { line, read: read! }
      })
      const set = new LineSet()
      for (const line of deliver(
        pairs.flatMap((pair) => [pair.line, pair.read]),
        order,
      ))
        set.add(line)
      for (const { id, redacted } of set.events()) expect([id, redacted]).toEqual([id, true])
    }),
  )
})

test('the hook sees every event before it is written, and may not change where it belongs', async () => {
  const root = temp()
  const seen: string[] = []
  const { store } = await open(root, {
    redact: ({ type, data }) => {
      seen.push(type)
      return JSON.parse(JSON.stringify(data).replaceAll(SECRET, '[removed]')) as typeof data
    },
  })
  const session = await store.create({ id: 'one', title: SECRET })
  const [message] = await session.add([{ text: `I say ${SECRET}` }, { text: 'fine' }])
  await session.update(message!.id, { author: SECRET })
  const own = await session.append('todo.added', { text: SECRET })
  await session.set({ model: SECRET })
  await store.fork('one', { id: 'two', title: SECRET })
  const id = newId()
  await store.merge('one', [{ id, type: 'todo.added', time: new Date().toISOString(), data: SECRET }])
  expect(allBytes(root)).not.toContain(SECRET)
  expect(message!.parts).toMatchObject([{ text: 'I say [removed]' }])
  expect(own.data).toEqual({ text: '[removed]' })
  expect(session.info).toMatchObject({ title: '[removed]', model: '[removed]' })
  expect(new Set(seen)).toEqual(
    new Set(['session.created', 'message.created', 'message.updated', 'todo.added', 'session.updated']),
  )
  const strict = await open(temp(), {
    redact: ({ type, data }) => (type === 'message.created' ? { ...(data as object), id: 'other' } : data),
  })
  const refusing = await strict.store.create({ id: 'one' })
  const error = await refusing.add({ text: 'x' }).catch((reason: unknown) => reason)
  expect(isFoldlogError(error, 'INVALID_EVENT')).toBe(true)
})

test('what to redact must be said in one way, and the memory backend can do it too', async () => {
  const { store } = await open(memoryBackend())
  const session = await store.create()
  await session.add({ text: SECRET })
  for (const choice of [{}, { text: '' }, { text: 'x', secrets: true }, { events: ['x'] }, { pattern: 'x' }]) {
    const error = await store.redact(choice as { text: string }).catch((reason: unknown) => reason)
    expect(isFoldlogError(error, 'INVALID_OPTION'), JSON.stringify(choice)).toBe(true)
  }
  await store.redact({ text: SECRET })
  expect(textsOf(await session.messages())).toEqual(['[redacted]'])
})

test('the command says what it would remove, and that git history and copies keep it', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  await session.add({ text: SECRET })
  const dry = await run(['redact', '--text', SECRET, '--root', root])
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/^default\/one \w{26}\n$/) })
  expect(dry.stderr).toMatch(/nothing was changed: to redact, repeat with --yes\ngit history, .* replace it first\n$/)
  expect(allBytes(root)).toContain(SECRET)
  const [event] = dry.stdout.trimEnd().split(' ').slice(1)
  const done = await run(['redact', 'one', '--event', event!.slice(-8), '--yes', '--root', root])
  expect(done.stderr).toMatch(/^redacted 1 event in 1 log, 0 attachments\ngit history/)
  expect(allBytes(root)).not.toContain(SECRET)
  expect((await run(['redact', '--returned', '--root', root])).stderr).toBe('nothing to redact\n')
  expect((await run(['redact', '--root', root])).code).toBe(2)
  expect((await run(['redact', '--pattern', '(', '--root', root])).code).toBe(2)
  expect(execFileSync('grep', ['-c', 'log.redacted', logPath(root, 'one')], { encoding: 'utf8' })).toBe('1\n')
})

test('what the quarantine keeps is redacted, too', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'one' })
  appendFileSync(logPath(root, 'one'), `${'x'.repeat(300)} ${SECRET}\n`)
  await session.repair()
  expect((await store.redact({ text: SECRET })).caches).toEqual([expect.stringMatching(/^\.cache\/quarantine\/one\./)])
})

test('what the quarantine keeps of a session that is named like the outbox is redacted as well', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'outbox' })
  appendFileSync(logPath(root, 'outbox'), `${'x'.repeat(300)} ${SECRET}\n`)
  await session.repair()
  const { caches } = await store.redact({ text: SECRET })
  expect(caches).toEqual([expect.stringMatching(/^\.cache\/quarantine\/outbox\./)])
})

test('what is restored is seen by the hook', async () => {
  const root = temp()
  const { store } = await open(root, {
    redact: ({ data }) => JSON.parse(JSON.stringify(data).replaceAll(SECRET, '…')) as Json,
  })
  const session = await store.create({ id: 'one' })
  await session.restore([{ id: newId(), type: 'todo.added', time: '2026-11-20T10:00:00.123Z', data: { text: SECRET } }])
  expect(allBytes(root)).not.toContain(SECRET)
})

test('g11: the outbox of git loses what is redacted and nothing else', async () => {
  const root = temp()
  mkdirSync(join(root, '.git'), { recursive: true })
  const { store } = await open(root)
  const [one, other] = [await store.create({ id: 'text' }), await store.create({ id: 'other' })]
  await one.add({ text: SECRET })
  const kept = await other.add({ text: SECRET })
  await store.redact({ text: SECRET }, { sessionId: 'text' })
  const later = await other.add({ text: 'later' })
  const records = readFileSync(join(root, 'default/.cache/outbox'), 'utf8')
    .split('\n')
    .filter((each) => each.trim() !== '')
  const of = (session: string): string[] => records.filter((each) => each.startsWith(`${session} `))
  expect(of('text').some((each) => each.includes(SECRET))).toBe(false)
  expect(of('other')).toHaveLength(3)
  expect(of('other').at(-1)).toContain(later.id)
  expect(of('other')[1]).toContain(kept.id)
})
