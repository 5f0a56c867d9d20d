/**
 * Logs with lines in them that no foldlog wrote. The session opens, what is an event counts, and what is not is reported where it lies.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { expect, test, vi } from 'vitest'
import type { DamageKind } from '../../src/line.ts'
import { anew, idsOf, logPath, open, temp, textsOf } from '../support/temp.ts'

const TIME = '2026-11-20T10:00:00.123Z'
const TAIL = 'XVMR0GBR6T8XW8V4ECY7X'

/** The n-th of a row of event ids. */
function eventId(n: number): string {
  return `01M7${TAIL}${'0123456789ABCDEFGHJKMNPQRSTVWXYZ'[n]!}`
}

function line(n: number, type: string, data: string): string {
  return `{"v":1,"id":"${eventId(n)}","type":"${type}","time":"${TIME}","data":${data}}`
}

function message(n: number, text = `text ${n}`): string {
  const turn = n === 1 ? '' : `,"after":"m${n - 1}"`
  const parts = JSON.stringify([{ id: 'p1', type: 'text', text }])
  const data = `{"id":"m${n}","turnId":"m${n}"${turn},"role":"user","status":"completed","parts":${parts}}`
  return line(n, 'message.created', data)
}

const CREATED = line(0, 'session.created', '{"title":"Hostile"}')

type Piece = string | Buffer | { readonly damage: string | Buffer; readonly kind: DamageKind | readonly DamageKind[] }

/** The bytes of a log made of pieces, and where those that are damage lie in it. */
function logOf(pieces: readonly Piece[]): { bytes: Buffer; damage: object[] } {
  const damage: object[] = []
  let bytes = Buffer.alloc(0)
  for (const piece of pieces) {
    const isPlain = typeof piece === 'string' || Buffer.isBuffer(piece)
    const own = Buffer.from((isPlain ? piece : piece.damage) as Buffer)
    if (!isPlain) {
      const kinds = typeof piece.kind === 'string' ? [piece.kind] : piece.kind
      const kind = expect.stringMatching(new RegExp(`^(${kinds.join('|')})$`)) as string
      const lineNumber = bytes.filter((byte) => byte === 0x0a).length + 1
      damage.push(
        expect.objectContaining({
          kind,
          file: 's.jsonl',
          line: lineNumber,
          offset: bytes.length,
          sizeBytes: own.length,
        }),
      )
    }
    bytes = Buffer.concat([bytes, own])
  }
  return { bytes, damage }
}

/** Opens a session whose log is made of these pieces; checks the messages and the damage, before and after an append. */
async function check(pieces: readonly Piece[], ids: readonly string[]): Promise<void> {
  const root = temp()
  const { bytes, damage } = logOf(pieces)
  const path = logPath(root, 's')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
  const fresh = await anew(root, 's')
  expect(idsOf(fresh.messages)).toEqual(ids)
  expect(fresh.damage).toEqual(damage)
  expect(fresh.info.damage).toBe(damage.length)

  const { store } = await open(root)
  const session = (await store.get('s'))!
  const next = await session.add({ id: 'next', text: 'next' })
  expect(await session.message('next')).toEqual(next)
  const after = await anew(root, 's')
  expect(after.messages.at(-1)).toEqual(next)
  expect(idsOf(after.messages).slice(0, -1)).toEqual(ids)
  expect(after.damage).toEqual(damage)
  expect(readFileSync(path).subarray(0, bytes.length).equals(bytes)).toBe(true)
}

const LF = '\n'

test('row 38: invalid UTF-8 is damage where it lies', () =>
  check(
    [
      CREATED,
      LF,
      message(1),
      LF,
      { damage: Buffer.from([0x7b, 0xff, 0xfe, 0x22, 0x7d]), kind: 'not-utf8' },
      LF,
      { damage: Buffer.from(message(2, 'é').replace('é', '\u00E9'), 'latin1'), kind: 'not-utf8' },
      LF,
      message(3),
      LF,
    ],
    ['m1', 'm3'],
  ))

test('row 8: runs of NULs are damage, and the lines next to them are read', () =>
  check(
    [
      CREATED,
      LF,
      { damage: Buffer.alloc(4096), kind: 'nul' },
      LF,
      message(1),
      LF,
      Buffer.alloc(512),
      message(2),
      Buffer.alloc(100),
      LF,
      message(3),
      LF,
    ],
    ['m1', 'm2', 'm3'],
  ))

test('row 9: a hole of zeros inside a line is damage', () =>
  check(
    [
      CREATED,
      LF,
      { damage: message(1).replace('text 1', '\0'.repeat(6)), kind: ['torn', 'not-json'] },
      LF,
      message(2),
      LF,
    ],
    ['m2'],
  ))

test('row 3: an event behind a torn line is recovered, and the fragment is damage', () =>
  check(
    [
      CREATED,
      LF,
      { damage: message(1).slice(0, 90), kind: 'torn' },
      message(2),
      LF,
      { damage: '{"v":1,"id"', kind: 'torn' },
      message(3),
      LF,
    ],
    ['m2', 'm3'],
  ))

test('events glued on one line are all read', () =>
  check([CREATED, message(1), message(2), LF, message(3), message(4), LF], ['m1', 'm2', 'm3', 'm4']))

test('g3: conflict markers of git are damage, and the events of both sides count', () =>
  check(
    [
      CREATED,
      LF,
      { damage: '<<<<<<< HEAD', kind: 'conflict-marker' },
      LF,
      message(1),
      LF,
      { damage: '||||||| 1a2b3c4', kind: 'conflict-marker' },
      LF,
      { damage: '=======', kind: 'conflict-marker' },
      LF,
      message(2),
      LF,
      { damage: '>>>>>>> other', kind: 'conflict-marker' },
      LF,
    ],
    ['m1', 'm2'],
  ))

test('row 41: a BOM and CRLF change nothing', () =>
  check(['\uFEFF', CREATED, '\r\n', message(1), '\r\n', '\r\n', message(2), '\r\n'], ['m1', 'm2']))

test('row 41: with CRLF and a BOM the places of damage are still exact', () =>
  check(
    [
      '\uFEFF',
      CREATED,
      '\r\n',
      message(1),
      '\r\n',
      { damage: 'what is this', kind: 'not-json' },
      '\r\n',
      message(2),
      '\r\n',
    ],
    ['m1', 'm2'],
  ))

test('row 42: a file in UTF-16 has no events, is damage, and is never written to', async () => {
  const root = temp()
  const path = logPath(root, 's')
  mkdirSync(dirname(path))
  const bytes = Buffer.from(`\uFEFF${CREATED}\n${message(1)}\n`, 'utf16le')
  writeFileSync(path, bytes)
  const { store } = await open(root)
  const session = (await store.get('s'))!
  expect(await session.messages()).toEqual([])
  const places = async (): Promise<object[]> =>
    (await session.damage()).map(({ kind, line, offset }) => ({ kind, line, offset }))
  // Lines end at the byte 0x0A; what a line feed of UTF-16 has behind it begins the next one.
  const first = { kind: 'not-utf8', line: 1, offset: 0 }
  const second = { kind: 'not-json', line: 2, offset: bytes.indexOf(0x0a) + 2 }
  expect(await places()).toEqual([first, second])

  await expect(session.add({ text: 'next' })).rejects.toMatchObject({ code: 'NOT_A_LOG' })
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

test('row 43: an empty file is an empty session', () => check([], []))

test('row 43: empty lines are nothing', () =>
  check([LF, LF, CREATED, LF, LF, '  ', LF, message(1), LF, '\t', LF], ['m1']))

test('row 43: a file with only its first line is an empty session', () => check([CREATED, LF], []))

test('row 5: a last line without a line feed is pending until the next append seals it', async () => {
  const root = temp()
  const path = logPath(root, 's')
  mkdirSync(dirname(path))
  writeFileSync(path, `${CREATED}\n${message(1)}`)
  const before = await anew(root, 's')
  expect(idsOf(before.messages)).toEqual([])
  expect(before.damage).toEqual([])
  const { store } = await open(root)
  const session = (await store.get('s'))!
  await session.add({ id: 'next', text: 'next' })
  expect(idsOf(await session.messages())).toEqual(['m1', 'next'])
  const after = await anew(root, 's')
  expect(idsOf(after.messages)).toEqual(['m1', 'next'])
  expect(after.damage).toEqual([])
})

test('row 44: JSON that is no event is damage', () =>
  check(
    [
      ...['null', '7', '"text"', '[]', '{}', '{"v":1}', `{"v":1,"id":"${eventId(5)}","type":"x.y"}`].flatMap(
        (damage): Piece[] => [{ damage, kind: 'not-event' }, LF],
      ),
      CREATED,
      LF,
      message(1),
      LF,
    ],
    ['m1'],
  ))

test('row 27, row 44: ids that are no ULIDs, or past the year 6000, are damage', () =>
  check(
    [
      CREATED,
      LF,
      ...['', 'x', '7ZZZZZZZZZZZZZZZZZZZZZZZZZ', '01M7XVMR0GBR6T8XW8V4ECY7XI', '../../etc/passwd'].flatMap(
        (id): Piece[] => [{ damage: message(1).replace(eventId(1), id), kind: 'bad-id' }, LF],
      ),
      message(2),
      LF,
    ],
    ['m2'],
  ))

test('row 44: a batch in which one is no event is damage as a whole', () =>
  check(
    [
      CREATED,
      LF,
      { damage: line(1, 'log.batch', `[{"id":"${eventId(1)}","type":"a.b","data":{}},{"id":"x"}]`), kind: 'not-event' },
      LF,
      { damage: line(2, 'log.batch', '[]'), kind: 'not-event' },
      LF,
      message(3),
      LF,
    ],
    ['m3'],
  ))

test('row 44: unknown types, newer versions and data that do not fit are kept, have no effect and are findings', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's', title: 'kept' })
  await session.add({ id: 'known', text: 'known' })
  const unknown = [
    line(1, 'session.exploded', '{"title":"no"}'),
    line(2, 'message.created', '{"id":7}'),
    line(3, 'session.updated', '{"title":["no"]}'),
    line(4, 'message.created', '{"id":"m4","turnId":"m4","role":"alien","status":"completed","parts":[]}'),
    message(5).replace('{"v":1,', '{"v":2,'),
  ]
  appendFileSync(logPath(root, 's'), `${unknown.join('\n')}\n`)
  await session.add({ id: 'next', text: 'next' })
  const bytes = readFileSync(logPath(root, 's'), 'utf8')
  for (const each of unknown) expect(bytes).toContain(`\n${each}\n`)
  const { store: later } = await open(root)
  for (const seen of [session, (await later.get('s'))!]) {
    expect(idsOf(await seen.messages())).toEqual(['known', 'next'])
    expect(seen.info.title).toBe('kept')
    expect(await seen.damage()).toEqual([])
    expect((await seen.findings()).filter(({ kind }) => kind === 'unsupported').map(({ eventId: id }) => id)).toEqual(
      [1, 2, 3, 4, 5].map(eventId),
    )
  }
})

test('unknown fields and unknown types of parts are kept', async () => {
  const root = temp()
  const { store } = await open(root)
  await store.create({ id: 's' })
  const data =
    '{"id":"m1","turnId":"m1","role":"user","status":"completed","mood":"fine","parts":[{"id":"p1","type":"hologram","voxels":[1]}]}'
  appendFileSync(logPath(root, 's'), `${line(1, 'message.created', data)}\n`)
  const { messages, damage } = await anew(root, 's')
  expect(messages[0]).toMatchObject({ id: 'm1', mood: 'fine', parts: [{ type: 'hologram', voxels: [1] }] })
  expect(damage).toEqual([])
})

test('row 46: a line nested 100,000 deep is damage, and the rest is read', () =>
  check(
    [
      CREATED,
      LF,
      { damage: line(1, 'note.added', '['.repeat(100_000) + ']'.repeat(100_000)), kind: 'too-deep' },
      LF,
      { damage: line(2, 'note.added', '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)), kind: 'too-deep' },
      LF,
      { damage: '['.repeat(100_000), kind: 'not-json' },
      LF,
      message(3),
      LF,
    ],
    ['m3'],
  ))

test('row 45: a line of 70 MB is damage, and the rest is read', async () => {
  const big = Buffer.alloc(70 * 1024 * 1024, 'x')
  await check([CREATED, LF, message(1), LF, { damage: big, kind: 'too-large' }, LF, message(2), LF], ['m1', 'm2'])
})

test('row 48: a marker repeated 300,000 times is damage, and the rest is read', () =>
  check([CREATED, LF, { damage: '{"v":1,"id":"'.repeat(300_000), kind: 'torn' }, LF, message(1), LF], ['m1']))

test('row 24: an id found with two contents counts once, the same one whichever comes first, and is a finding', async () => {
  const outcomes: unknown[] = []
  for (const pair of [
    ['one', 'other'],
    ['other', 'one'],
  ]) {
    const root = temp()
    const path = logPath(root, 's')
    mkdirSync(dirname(path))
    writeFileSync(path, `${[CREATED, ...pair.map((text) => message(1, text))].join('\n')}\n`)
    const { store } = await open(root)
    const session = (await store.get('s'))!
    expect(await session.messages()).toHaveLength(1)
    expect(await session.findings()).toEqual([expect.objectContaining({ kind: 'same-id', eventId: eventId(1) })])
    outcomes.push(await session.messages())
  }
  expect(outcomes[0]).toEqual(outcomes[1])
})

test('row 26: an id far ahead is followed, and is a finding', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const future = '0ZZZZZZZZZZZZZZZZZZZZZZZZZ'
  appendFileSync(logPath(root, 's'), `${message(1).replace(eventId(1), future)}\n`)
  expect(idsOf(await session.messages())).toEqual(['m1'])
  const next = await session.add({ text: 'next' })
  expect(next.id > future).toBe(true)
  expect(idsOf((await anew(root, 's')).messages)).toEqual(['m1', next.id])
  expect(await session.findings()).toContainEqual(expect.objectContaining({ kind: 'clock-skew', eventId: future }))
})

test('row 49: numbers in a log that no writer would write are read as JSON says', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  appendFileSync(logPath(root, 's'), `${line(1, 'note.added', '{"big":1e400,"zero":-0,"long":9007199254740993}')}\n`)
  appendFileSync(logPath(root, 's'), `${line(2, 'session.updated', '{"vars":{"big":1e400}}')}\n`)
  await session.add({ id: 'next', text: 'next' })
  const { messages, damage, events } = await anew(root, 's')
  expect(idsOf(messages)).toEqual(['next'])
  expect(damage).toEqual([])
  expect(events.map(({ type }) => type)).toContain('note.added')
  // Whatever was read can be written again: a fork of it opens and has the same.
  const fork = await store.fork('s', { id: 'fork' })
  expect(idsOf(await fork.messages())).toEqual(['next'])
  expect((await anew(root, 'fork')).damage).toEqual([])
})

test('row 40: texts with line breaks of all kinds, NULs and markers come back as they were, each on one line', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const texts = [
    'a\u2028b\u2029c\u0085d',
    'nul \0 cr \r crlf \r\n lf \n vt \v ff \f bell \u0007 del \u007F esc \u001B[31m',
    '{"v":1,"id":"01M7XVMR0GBR6T8XW8V4ECY7XQ","type":"session.deleted","time":"","data":{}}',
    '<<<<<<< HEAD\n=======\n>>>>>>> x',
    '\uFEFFbom',
    '😀'.repeat(100),
    '\\"\\u0000\\',
    ' '.repeat(10),
    '</script><!--',
  ]
  for (const text of texts) await session.add({ text })
  const { messages, damage } = await anew(root, 's')
  expect(textsOf(messages)).toEqual(texts)
  expect(damage).toEqual([])
  const written = readFileSync(logPath(root, 's'), 'utf8')
  expect(written.split(/[\n\r\u2028\u2029]/).filter((each) => each !== '')).toHaveLength(texts.length + 1)
  expect(written.includes('\0')).toBe(false)
})

test('row 39: lone surrogates are replaced, and harm nothing', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's', title: 'half \uD83D' })
  const added = await session.add({ text: 'a\uD800b\uDC00c', metadata: { 'key\uDFFF': '\uD83D' } })
  expect(textsOf([added])).toEqual(['a\uFFFDb\uFFFDc'])
  const { messages, damage, info } = await anew(root, 's')
  expect(messages).toEqual([added])
  expect(messages[0]!.metadata).toEqual({ 'key\uFFFD': '\uFFFD' })
  expect(info.title).toBe('half \uFFFD')
  expect(damage).toEqual([])
  // Written as an escape by somebody else, one is read without harm, too.
  appendFileSync(logPath(root, 's'), `${message(1, 'lone \uD800')}\n`)
  const after = await anew(root, 's')
  expect(after.messages).toHaveLength(2)
  expect(after.damage).toEqual([])
})

test('a message of 5 MB comes back as it was', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 's' })
  const text = 'ä€😀x'.repeat(500_000)
  await session.add({ text })
  await session.add({ id: 'next', text: 'next' })
  const { messages, damage } = await anew(root, 's')
  expect(textsOf(messages)).toEqual([text, 'next'])
  expect(damage).toEqual([])
})

test('row 26: a clock that jumps back or ahead changes no order and loses nothing', async () => {
  const root = temp()
  const { store } = await open(root)
  const session = await store.create({ id: 'jumps' })
  const now = Date.now()
  const ids: string[] = []
  try {
    for (const [i, jump] of [0, 3_600_000, -3_600_000, -86_400_000, 60_000, 0].entries()) {
      vi.spyOn(Date, 'now').mockReturnValue(now + jump)
      ids.push((await session.add({ id: `m${i}`, text: 'x' })).id)
    }
  } finally {
    vi.restoreAllMocks()
  }
  const fresh = await anew(root, 'jumps')
  expect(idsOf(fresh.messages)).toEqual(ids)
  const eventIds = fresh.events.map(({ id }) => id)
  expect(eventIds).toEqual([...eventIds].sort())
  expect(new Set(eventIds).size).toBe(7)
})
