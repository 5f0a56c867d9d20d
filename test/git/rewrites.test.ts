/**
 * Rewrites and what brings lines back: what pack and redact have removed stays removed.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readOutbox, tidyOutbox } from '../../src/backends/file/outbox.ts'
import type { Session } from '../../src/session.ts'
import { run, type Ended } from '../cli/run.ts'
import { anew, logPath, open, temp, textsOf } from '../support/temp.ts'
import { ENVIRONMENT, Repository } from './repository.ts'

/** Runs `foldlog` in the work tree. */
function foldlog(repository: Repository, ...words: readonly string[]): Promise<Ended> {
  return run([...words], { cwd: repository.tree, env: ENVIRONMENT })
}

/** A committed session that an answer was then written to as it grew, with titles. */
async function grown() {
  const repository = Repository.fresh()
  const { store, heard } = await open(repository.root)
  const session = await store.create({ id: 's' })
  await session.add({ id: 'q', text: 'question' })
  repository.commit('question')
  await grow(session)
  return { repository, store, session, heard }
}

async function grow(session: Session): Promise<void> {
  for (const text of ['Ye', 'Yeste', 'Yesterday']) {
    await session.add({ id: 'a', role: 'assistant', text })
    await session.set({ title: text })
  }
}

test('g7: what pack took out is not missing, whichever process packed', async () => {
  const { repository, session } = await grown()
  await session.pack()
  expect((await foldlog(repository, 'restore')).stderr).toBe('nothing is missing\n')
  await grow(session)
  expect(
    JSON.parse((await foldlog(repository, 'pack', 's', '--yes', '--json')).stdout).supersededCount,
  ).toBeGreaterThan(2)
  const packed = repository.read('s.jsonl')
  const kept = readOutbox(join(repository.root, 'default')).map(({ text }) => text)
  expect(kept.toSorted()).toEqual(
    repository
      .lines('s.jsonl')
      .filter((line) => kept.includes(line))
      .toSorted(),
  )
  const restored = await foldlog(repository, 'restore', '--yes')
  expect([restored.stderr, repository.read('s.jsonl')]).toEqual(['nothing is missing\n', packed])
})

test('g7: what git throws away after a pack comes back as it was packed', async () => {
  const { repository, session } = await grown()
  await session.pack()
  const before = await anew(repository.root, 's')
  const packed = repository.lines('s.jsonl')
  repository.git('reset', '--quiet', '--hard')
  await foldlog(repository, 'restore', '--yes')
  expect(repository.lines('s.jsonl').toSorted()).toEqual(packed.toSorted())
  expect((await anew(repository.root, 's')).messages).toEqual(before.messages)
})

test('g7: session.restore does not undo a pack of another process, and brings back what a reset took', async () => {
  const { repository, session, heard } = await grown()
  const whole = repository.read('s.jsonl')
  await foldlog(repository, 'pack', 's', '--yes')
  await session.messages()
  const packed = repository.read('s.jsonl')
  const [told] = heard.of('session.rewound')
  expect(told!.missing.length).toBeGreaterThan(2)
  for (const missing of [told!.missing, structuredClone(told!.missing)]) {
    expect(await session.restore(missing)).toBe(0)
    expect(repository.read('s.jsonl')).toBe(packed)
  }
  // Where what superseded them is gone as well, they say something.
  repository.git('reset', '--quiet', '--hard')
  await session.messages()
  const missing = heard.of('session.rewound').flatMap((event) => event.missing)
  await session.restore(missing)
  expect(repository.lines('s.jsonl').toSorted()).toEqual(whole.trimEnd().split('\n').toSorted())
})

test('session.restore does not undo a pack outside a work tree either', async () => {
  const root = temp()
  const { store, heard } = await open(root)
  const session = await store.create({ id: 's' })
  await grow(session)
  await run(['pack', 's', '--yes', '--root', root])
  await session.messages()
  const packed = readFileSync(logPath(root, 's'), 'utf8')
  const missing = heard.of('session.rewound').flatMap((event) => event.missing)
  expect(missing.length).toBeGreaterThan(2)
  expect(await session.restore(missing)).toBe(0)
  expect(readFileSync(logPath(root, 's'), 'utf8')).toBe(packed)
})

const SECRET = 'the very secret words'

/** What lies in the outboxes of the default namespace. */
function outboxText(repository: Repository): string {
  return readFileSync(join(repository.root, 'default/.cache/outbox'), 'utf8')
}

test('g11: what was redacted and is thrown away comes back redacted, with all the rest of its batch', async () => {
  const { repository, store, session } = await grown()
  const before = (await session.messages()).length
  await session.add(['first', SECRET, 'third'].map((text, i) => ({ id: `m${i}`, text })))
  await session.add({ id: 'single', text: SECRET })
  await session.add({ id: 'tiny', text: 'x', author: SECRET })
  await store.redact({ text: SECRET })
  expect(outboxText(repository)).not.toContain(SECRET)
  const lines = repository.lines('s.jsonl')
  repository.git('reset', '--quiet', '--hard')
  expect((await foldlog(repository, 'restore', '--yes')).code).toBe(0)
  expect(repository.lines('s.jsonl').toSorted()).toEqual(lines.toSorted())
  const texts = textsOf((await anew(repository.root, 's')).messages).slice(before)
  expect(texts).toEqual(['first', '[redacted]', 'third', '[redacted]', '[redacted]'])
})

test('g11: a secret that is in the outbox alone is found and told, however it is escaped', async () => {
  const { repository, store, session } = await grown()
  const [quoted, path] = ['pass"word\t1', 'etc/pass/word']
  await session.add({ id: 'm', text: `${quoted} and ${path}` })
  repository.git('reset', '--quiet', '--hard')
  // As another program may have written it, whole and cut off.
  const line = readOutbox(join(repository.root, 'default')).at(-1)!.text
  const escaped = line.replaceAll('/', String.raw`\/`).replaceAll('word', String.raw`\u0077ord`)
  const text = outboxText(repository).replace(line, escaped)
  writeFileSync(join(repository.root, 'default/.cache/outbox'), `${text}\ns ${escaped.slice(0, -9)}`)
  const dry = await foldlog(repository, 'redact', '--text', path)
  expect([dry.code, dry.stdout]).toEqual([0, 'default/.cache/outbox\n'])
  expect(dry.stderr).toMatch(/^0 events .*, 1 cache; nothing was changed/)
  expect((await store.redact({ text: path }, { dryRun: true })).caches).toEqual(['.cache/outbox'])
  expect(outboxText(repository)).toContain(escaped)
  expect((await foldlog(repository, 'redact', '--pattern', 'pass"w.rd', '--yes')).stderr).toContain('1 cache')
  expect(outboxText(repository)).not.toContain('ord')
  expect((await store.redact({ text: path })).caches).toEqual([])
  await foldlog(repository, 'restore', '--yes')
  expect(textsOf((await anew(repository.root, 's')).messages)).toContain('[redacted]')
})

test('g11: what is redacted while the outbox is tidied stays redacted', async () => {
  const { repository, store, session } = await grown()
  await session.add({ id: 'm', text: SECRET })
  await tidyOutbox(join(repository.root, 'default'), async () => {
    await store.redact({ text: SECRET })
    return new Set()
  })
  expect(outboxText(repository)).not.toContain(SECRET)
  repository.git('reset', '--quiet', '--hard')
  await foldlog(repository, 'restore', '--yes')
  expect(textsOf((await anew(repository.root, 's')).messages)).toContain('[redacted]')
})
