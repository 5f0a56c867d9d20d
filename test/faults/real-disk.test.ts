/**
 * Disks that are full, read-only, limited and failing, by what the kernel itself offers: small file systems, limits, modes,
 * and system calls that strace lets fail in a process of its own.
 */
import { chmodSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isFoldlogError } from '../../src/errors.ts'
import type { Session } from '../../src/session.ts'
import { Child, OtherProcess } from '../support/child.ts'
import { needs, run } from '../support/machine.ts'
import { LoopDisk, tmpfs } from '../support/mounts.ts'
import { anew, idsOf, logPath, open, temp } from '../support/temp.ts'

/** Adds messages until one is refused; answers the ids of the others and the refusal. */
async function addUntilRefused(session: Session, size: number): Promise<{ ids: string[]; error: unknown }> {
  const ids: string[] = []
  for (;;) {
    try {
      ids.push((await session.add({ id: `m${ids.length}`, text: 'x'.repeat(size) })).id)
    } catch (error) {
      return { ids, error }
    }
  }
}

test.for([200, 4000, 60_000])(
  'row 10, row 11: a full disk refuses lines of %i bytes, loses none, and goes on when there is room again',
  async (size, context) => {
    needs(context, 'root', 'mount')
    const root = tmpfs(1 << 20)
    const filler = join(root, 'filler')
    const { store } = await open(root)
    const session = await store.create({ id: 'full' })
    writeFileSync(filler, 'x'.repeat(600_000))
    const { ids, error } = await addUntilRefused(session, size)
    expect(isFoldlogError(error, 'STORAGE_FULL') && error.eventIds).toHaveLength(1)
    const { size: sizeBytes } = statSync(logPath(root, 'full'))
    for (let i = 0; i < 20; i++) {
      await expect(session.add({ id: 'refused', text: 'x'.repeat(size) })).rejects.toMatchObject({
        code: 'STORAGE_FULL',
      })
    }
    // What of the first fragment fits is all that a full disk takes.
    expect(statSync(logPath(root, 'full')).size).toBe(sizeBytes)
    expect(idsOf(await session.messages())).toEqual(ids)

    unlinkSync(filler)
    await session.add({ id: 'later', text: 'there is room again' })
    const fresh = await anew(root, 'full')
    expect(idsOf(fresh.messages)).toEqual([...ids, 'later'])
    expect(fresh.damage.length).toBeLessThanOrEqual(1)
    expect(fresh.damage.every(({ kind }) => kind === 'torn')).toBe(true)
  },
)

test('row 12: a file that may not grow over the limit is a full disk, and a quota is, too', async (context) => {
  needs(context, 'strace')
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 'limited' })
  const limited = new OtherProcess(root, {}, ['sh', '-c', 'ulimit -f 128; exec "$0" "$@"'])
  await limited.do('add', 'limited', { id: 'small', text: 'fits' })
  await expect(limited.do('add', 'limited', { id: 'big', text: 'x'.repeat(200_000) })).rejects.toThrow('STORAGE_FULL')
  // Not even a byte fits now: the fragment is sealed by who may write again.
  await limited.end()
  await (await store.get('limited'))!.add({ id: 'after', text: 'fits' })

  const overQuota = new OtherProcess(root, {}, strace('write', 'error=EDQUOT', logPath(root, 'limited')))
  await expect(overQuota.do('add', 'limited', { id: 'quota', text: 'no' })).rejects.toThrow('STORAGE_FULL')
  await overQuota.end()
  const fresh = await anew(root, 'limited')
  expect(idsOf(fresh.messages)).toEqual(['small', 'after'])
  expect(fresh.damage.map(({ kind }) => kind)).toEqual(['torn'])
})

/** Starts a process whose calls on a path are struck: `inject=<calls>:<how>`. */
function strace(calls: string, how: string, path: string): string[] {
  return [
    'env',
    'UV_USE_IO_URING=0',
    // strace counts the calls of each thread.
    'UV_THREADPOOL_SIZE=1',
    'strace',
    '-f',
    '-qqq',
    '-o',
    '/dev/null',
    '-P',
    path,
    '-e',
    `trace=${calls}`,
    '-e',
    `inject=${calls}:${how}`,
  ]
}

const INJECTED: readonly {
  readonly row: string
  readonly what: string
  readonly calls: string
  readonly how: string
  /** What an add that is struck fails with; none if it must not fail. */
  readonly code?: string
}[] = [
  { row: 'row 13', what: 'a write that is interrupted', calls: 'write,pwrite64', how: 'error=EINTR:when=1+2' },
  { row: 'row 14', what: 'a sync that fails', calls: 'fdatasync', how: 'error=EIO:when=2+3', code: 'STORAGE_FAILED' },
  {
    row: 'row 10',
    what: 'a write without room',
    calls: 'write,pwrite64',
    how: 'error=ENOSPC:when=2+3',
    code: 'STORAGE_FULL',
  },
  {
    row: 'row 10',
    what: 'a write that fails',
    calls: 'write,pwrite64',
    how: 'error=EIO:when=2+3',
    code: 'STORAGE_FAILED',
  },
  // The kernel says that 7 bytes are written, and none are: libuv goes on behind them.
  { row: 'row 16', what: 'a write that is short', calls: 'write,pwrite64', how: 'retval=7:when=2+3' },
  {
    row: 'row 15',
    what: 'a disk that turns read-only',
    calls: 'write,pwrite64',
    how: 'error=EROFS:when=3+2',
    code: 'STORAGE_DENIED',
  },
]

for (const { row, what, calls, how, code } of INJECTED)
  test(`${row}: ${what}, under strace (${how})`, { timeout: 60_000 }, async (context) => {
    needs(context, 'strace')
    const root = temp()
    const { store } = await open(root)
    await store.create({ id: 'struck' })
    const other = new OtherProcess(root, { fsync: 'always' }, strace(calls, how, logPath(root, 'struck')))
    const failures: string[] = []
    for (let i = 0; i < 12; i++) {
      const input = { id: `m${i}`, text: 'x'.repeat(i * 500) }
      for (let tries = 0; ; tries++) {
        try {
          await other.do('add', 'struck', input)
          break
        } catch (error) {
          failures.push((error as Error).message)
          // The same handle goes on: nothing is opened again.
          expect(tries).toBeLessThan(3)
        }
      }
    }
    await other.end()
    expect([...new Set(failures)]).toEqual(code === undefined ? [] : [`add: ${code}`])
    const fresh = await anew(root, 'struck')
    expect(idsOf(fresh.messages)).toEqual(Array.from({ length: 12 }, (_, i) => `m${i}`))
  })

test('row 15: a file system in which the kernel finds an error is read and not written to', async (context) => {
  needs(context, 'root', 'loop')
  const disk = new LoopDisk()
  const root = `${disk.folder}/root`
  const { store } = await open(root)
  const session = await store.create({ id: 'turns' })
  const { id } = await session.add({ text: 'before' })
  disk.fail()
  for (let i = 0; i < 3; i++) {
    await expect(session.add({ text: 'while' })).rejects.toMatchObject({ code: 'STORAGE_DENIED' })
    expect(idsOf(await session.messages())).toEqual([id])
  }
  expect(idsOf((await anew(root, 'turns')).messages)).toEqual([id])
})

test('row 17: a process without descriptors is refused, and goes on as soon as there are some', async () => {
  const root = temp()
  const other = new OtherProcess(root)
  await other.do('create', { id: 'first' })
  run('prlimit', `--pid=${other.pid}`, '--nofile=100:')
  const created: string[] = []
  let code = ''
  while (code === '' && created.length < 300) {
    try {
      created.push(await other.do<string>('create', { id: `s${created.length}` }))
    } catch (error) {
      code = (error as Error).message
    }
  }
  expect(code).toBe('create: STORAGE_FAILED')
  run('prlimit', `--pid=${other.pid}`, '--nofile=400:')
  for (const id of created.slice(-3)) await other.do('add', id, { id: 'still', text: 'works' })
  for (const id of created.slice(-3)) expect(idsOf((await anew(root, id)).messages)).toEqual(['still'])
  await other.end()
})

test('row 18: a store that may only be read is read, and an append names the file', async (context) => {
  needs(context, 'root')
  const root = temp()
  const { store } = await open(root)
  await (await store.create({ id: 'locked' })).add({ id: 'm', text: 'there' })
  await store.close()
  const path = logPath(root, 'locked')
  chmodSync(path, 0o444)
  for (const folder of [root, join(root, 'default')]) chmodSync(folder, 0o555)
  const nobody = new OtherProcess(root, {}, ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'])
  expect(idsOf(await nobody.do<{ id: string }[]>('messages', 'locked'))).toEqual(['m'])
  const bytes = readFileSync(path)
  await expect(nobody.do('add', 'locked', { text: 'no' })).rejects.toThrow('STORAGE_DENIED')
  await expect(nobody.do('create', { id: 'no' })).rejects.toThrow('STORAGE_DENIED')
  await expect(nobody.do('delete', 'locked')).rejects.toThrow('STORAGE_DENIED')
  expect(readFileSync(path)).toEqual(bytes)
  await nobody.end()
})

test('row 58: a process that runs out of memory loses nothing it acknowledged', { timeout: 60_000 }, async () => {
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 'hungry' })
  const launch = { script: 'writer', nodeOptions: ['--max-old-space-size=40'], isQuiet: true }
  const writer = new Child(launch, root, 'hungry', '1000000', '300000')
  await writer.line()
  writer.say('go')
  await writer.gone()
  const acknowledged = writer.lines.slice(1)
  expect(acknowledged).not.toContain('done')
  const { messages } = await anew(root, 'hungry')
  expect(idsOf(messages).slice(0, acknowledged.length)).toEqual(acknowledged)
  expect(messages.length - acknowledged.length).toBeLessThanOrEqual(1)
})
