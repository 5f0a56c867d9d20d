/**
 * Rewrites and what brings lines back: what pack and redact have removed stays removed.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readOutbox, tidyOutbox } from '../../src/backends/file/outbox.ts'
import { newId } from '../../src/id.ts'
import type { Session } from '../../src/session.ts'
import { MAIN, run, type Ended } from '../cli/run.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, logPath, open, temp, textsOf } from '../support/temp.ts'
import { Repository } from './repository.ts'
import { ENVIRONMENT } from '../support/git.ts'

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

/** A repository whose branch `other` has a batch and two messages as they were, and `main` redacted. */
async function returning() {
  const { repository, store, session } = await grown()
  await foldlog(repository, 'git', 'install')
  await session.add(['first', SECRET, 'third'].map((text, i) => ({ id: `m${i}`, text })))
  const head = await session.add({ id: 'single', text: SECRET })
  await store.fork('s', { id: 'fork' })
  repository.commit('base')
  repository.git('checkout', '--quiet', '-b', 'other')
  await session.add({ id: 'theirs', text: 'theirs' }, { expectedHead: head.id })
  repository.commit('append')
  repository.git('checkout', '--quiet', 'main')
  await store.redact({ text: SECRET })
  await session.add({ id: 'ours', text: 'ours' })
  repository.commit('redact')
  return { repository, store }
}

/** The kinds of findings of all sessions. */
async function findings(repository: Repository): Promise<unknown[]> {
  const { stdout } = await foldlog(repository, 'fsck', '--json')
  const reports = stdout.trimEnd().split('\n')
  return reports
    .flatMap((line) => (JSON.parse(line) as { findings: { kind: string }[] }).findings)
    .map(({ kind }) => kind)
}

test('g6: of a batch, too, and beside guarded lines, what a merge brings back is told and goes again', async () => {
  const { repository } = await returning()
  repository.git('-c', 'core.hooksPath=/dev/null', 'merge', '--quiet', '--no-edit', 'other')
  expect(repository.read('s.jsonl')).toContain(SECRET)
  expect(await findings(repository)).toEqual(['returned', 'returned'])
  const { code, stdout } = await foldlog(repository, 'git', 'post-merge', '--json')
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { namespace: 'default', logs: [{ sessionId: 's' }] }])
  expect(repository.read('s.jsonl')).not.toContain(SECRET)
  expect(await findings(repository)).toEqual([])
  const texts = textsOf((await anew(repository.root, 's')).messages)
  expect(texts.slice(2)).toEqual(['first', '[redacted]', 'third', '[redacted]', 'theirs', 'ours'])
  expect(await foldlog(repository, 'git', 'post-merge', '--json')).toMatchObject({ code: 0, stdout: '', stderr: '' })
})

test('g6: a hook that is killed leaves what the next one or fsck finds', PATIENT, async () => {
  const { repository } = await returning()
  repository.git('-c', 'core.hooksPath=/dev/null', 'merge', '--quiet', '--no-edit', 'other')
  const merged = repository.read('s.jsonl')
  const ids = idsOf((await anew(repository.root, 's')).messages)
  for (let round = 0; round < rounds(60); round++) {
    repository.write('s.jsonl', merged)
    const timeout = 80 + Math.floor(Math.random() * 250)
    const where = { cwd: repository.tree, env: ENVIRONMENT, timeout, killSignal: 'SIGKILL' as const }
    spawnSync(process.execPath, [MAIN, 'git', 'post-merge'], where)
    const files = (): string[] => readdirSync(join(repository.root, 'default')).filter((name) => name.startsWith('s.'))
    const isBack = files().some((name) => repository.read(name).includes(SECRET))
    expect((await findings(repository)).includes('returned')).toBe(isBack)
    await foldlog(repository, 'git', 'post-merge')
    expect(files().filter((name) => repository.read(name).includes(SECRET))).toEqual([])
    expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(ids)
  }
})

test('g6: a log that this version cannot rewrite holds up no other one, and is told', async () => {
  const { repository } = await returning()
  repository.git('-c', 'core.hooksPath=/dev/null', 'merge', '--quiet', '--no-edit', 'other')
  const newer = repository.read('s.jsonl')
  repository.write('newer.jsonl', `${newer}{"v":2,"id":"${newId()}","type":"message.folded","time":"","data":{}}\n`)
  const ran = await foldlog(repository, 'git', 'post-merge', '--json')
  expect(ran.code).toBe(1)
  expect(ran.stdout).toContain('"sessionId":"newer","problem":{"code":"UNSUPPORTED"')
  expect(ran.stderr).toContain('came back to default/newer with a merge and are still there')
})

test('restore and redact write to a shared root as all do, without being told that it is one', async () => {
  const repository = Repository.fresh()
  const { store } = await open(repository.root, { shared: true })
  const session = await store.create({ id: 's' })
  await session.add({ id: 'a', text: 'a' })
  repository.commit('a')
  await session.add({ id: 'b', text: SECRET })
  await store.close()
  const files = (): string[] => readdirSync(join(repository.root, 'default')).filter((name) => name.startsWith('s.'))
  repository.git('reset', '--quiet', '--hard')
  const [own] = files()
  const before = repository.read(own!)
  expect((await foldlog(repository, 'restore', '--yes')).code).toBe(0)
  expect([files().length, repository.read(own!)]).toEqual([2, before])
  expect((await foldlog(repository, 'redact', 's', '--text', SECRET, '--yes')).code).toBe(0)
  expect([files().length, repository.read(own!)]).toEqual([3, before])
  expect(files().every((name) => /^s\.01\w{24}\.jsonl$/.test(name))).toBe(true)
  expect(textsOf((await anew(repository.root, 's')).messages)).toEqual(['a', '[redacted]'])
})

test('restore --shared creates a session of which nothing is left as a shared one', async () => {
  const repository = Repository.fresh()
  const { store } = await open(repository.root, { shared: true })
  await (await store.create({ id: 's' })).add({ id: 'a', text: 'a' })
  repository.git('clean', '--force', '--quiet', '-d')
  expect((await foldlog(repository, 'restore', '--shared', '--yes')).code).toBe(0)
  expect(repository.has('s.jsonl')).toBe(false)
  expect(idsOf((await anew(repository.root, 's')).messages)).toEqual(['a'])
})

test('every verb that rewrites or restores prints an object that names its session, with --json', async () => {
  const { repository, store } = await grown()
  const longer = await store.create({ id: 'sa' })
  await longer.add({ text: SECRET })
  const printed = async (...words: readonly string[]): Promise<Record<string, unknown>[]> => {
    const { stdout } = await foldlog(repository, ...words, '--json')
    return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Record<string, unknown>]))
  }
  const key = { namespace: 'default', sessionId: 's' }
  expect(await printed('pack', 's')).toMatchObject([{ ...key, dryRun: true, supersededCount: 3 }])
  expect(await printed('repair', 's', '--yes')).toMatchObject([{ ...key, dryRun: false, damage: [] }])
  expect(await printed('fsck', 's')).toMatchObject([{ ...key, damage: [], leftovers: [] }])
  expect(await printed('redact', '--text', SECRET)).toMatchObject([
    { namespace: 'default', dryRun: true, logs: [{ sessionId: 'sa' }], files: [], remaining: [] },
  ])
  expect(await printed('git', 'install')).toMatchObject([{ root: '.sessions' }])
  expect(await printed('git', 'pre-commit')).toEqual([])
  repository.git('clean', '--force', '--quiet', '-d')
  repository.git('reset', '--quiet', '--hard')
  const missing = { isRestored: false, lines: [expect.any(String), expect.any(String)] }
  expect(await printed('restore')).toMatchObject([{ ...key }, { ...key, sessionId: 'sa', ...missing }])
  // The id of one session is the beginning of another one's, too.
  expect(await printed('restore', 's', '--yes')).toMatchObject([{ ...key, isRestored: true }])
  expect(await printed('restore', 'S')).toMatchObject([{ sessionId: 'sa' }])
})
