/** What is read of a line without parsing it is what parsing it gives, or nothing. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { factsOf } from '../src/body.ts'
import type { MessageData } from '../src/event.ts'
import { decodeLine } from '../src/line.ts'
import { effectOf } from '../src/log-state.ts'
import { MessageScanner } from '../src/message-scanner.ts'
import { rounds } from './support/events.ts'

const ID = '01M7Z75J5JPP5YX4M5SDMVF75J'
const NEXT = '01M7Z75K4TS06SNDNZMYGT738M'
const TIME = '2026-11-21T14:11:37.778Z'
const NOWHERE = { file: '', line: 0, offset: 0 }

const lineOf = (data: string, id = ID): string =>
  `{"v":1,"id":"${id}","type":"message.created","time":"${TIME}","data":${data}}`

/** Reads a line both ways; true if the scanner took it. */
function check(text: string | Buffer, scanner = new MessageScanner()): boolean {
  const bytes = Buffer.concat([Buffer.from(text as string), Buffer.from('\n')])
  const message = scanner.scan(bytes, 0)
  if (message === undefined) return false
  expect(scanner.end).toBe(bytes.length - 1)
  const { lines, damage } = decodeLine(bytes.subarray(0, -1), NOWHERE)
  expect({ count: lines.length, damage }).toEqual({ count: 1, damage: [] })
  const [line] = lines
  expect(Object.keys(line!)).toEqual(['v', 'id', 'type', 'time', 'data'])
  expect(effectOf(line!, line!)).toBe(true)
  expect([message.id, message.type]).toEqual([line!.id, line!.type])
  const data = line!.data as unknown as MessageData
  const { id, turnId, role, status, after, usage, parts, parentId } = data
  expect(parentId).toBeUndefined()
  expect(message.data).toEqual({
    id,
    turnId,
    role,
    status,
    parts: parts.map(bare),
    ...(after === undefined ? {} : { after }),
    ...(usage === undefined ? {} : { usage }),
  })
  expect(factsOf(message.data)).toEqual(factsOf(data))
  return true
}

function bare({ id, type, ...rest }: MessageData['parts'][number]): object {
  const { callId } = rest as { readonly callId?: string }
  return callId === undefined ? { id, type, text: '' } : { id, type, callId }
}

const text = fc.oneof(
  fc.constantFrom('', 'plain', 'größe 日本 😀', 'a\n"b"\\c\t\u0001\u2028', '\ud800'),
  fc.string({ unit: 'binary' }),
)
const name = fc.constantFrom('m1', ID, NEXT, 'call_1', 'ß', 'a"b', 'p1', 'p2', '')
const count = fc.oneof(fc.nat(), fc.constantFrom(0, 0.5, 1e21, 1e-7, 123_456_789_012_345_680, -1, -0, 5e-324))
const shared = { metadata: fc.dictionary(text, fc.jsonValue()), providerMetadata: fc.jsonValue() }
const callFields = { callId: name, name: text }
/** An object with its fields in the order given, some of them left out. */
const record = <T extends object>(
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
  required: readonly string[],
): fc.Arbitrary<object> => fc.record(fields, { requiredKeys: required as never })
const part = fc.oneof(
  record({ id: name, type: fc.constant('text'), text, ...shared }, ['id', 'type', 'text']),
  record({ id: name, type: fc.constant('reasoning'), text, signature: text, encrypted: text, ...shared }, [
    'id',
    'type',
    'text',
  ]),
  record(
    {
      id: name,
      type: fc.constant('tool-call'),
      ...callFields,
      input: fc.jsonValue(),
      rawInput: text,
      ...shared,
    },
    ['id', 'type', 'callId', 'name', 'input'],
  ),
  record(
    {
      id: name,
      type: fc.constant('tool-result'),
      ...callFields,
      title: text,
      output: fc.jsonValue(),
      ...shared,
    },
    ['id', 'type', 'callId', 'name'],
  ),
  record(
    {
      id: name,
      type: fc.constantFrom('file', 'data', 'text', 'tool-call', 'hologram'),
      text,
      name: text,
      data: fc.jsonValue(),
      status: text,
    },
    ['type'],
  ),
)
const data = record(
  {
    id: name,
    turnId: name,
    parentId: fc.constantFrom(null, ID),
    after: name,
    role: fc.constantFrom('user', 'assistant', 'tool', 'system', 'nobody'),
    status: fc.constantFrom('completed', 'in_progress', 'pending', 'incomplete', 'failed', 'cancelled', 'other'),
    author: text,
    finishReason: text,
    model: text,
    usage: record({ inputTokens: count, outputTokens: count, costUsd: count, others: count }, []),
    source: fc.constant({ format: 'pi', id: 'x' }),
    metadata: shared.metadata,
    parts: fc.array(part, { maxLength: 3 }),
  },
  ['id', 'turnId', 'role', 'status', 'parts'],
)
/** What somebody may put into a line, or into the place of some of it. */
const PIECES =
  '" \\ , : { } [ ] 0 - . e 1e5 01 1. -1 null true \\u12 \\ud800 \\q \t "id":"x", ,"id":"y" ,"role":"user" "parts":[] "text":1 {} [[]] é \u0000 \u007f ,"key":"k" ,"usage":{"inputTokens":-1} {"v":1,"id":"'.split(
    ' ',
  )
const edit = fc.record({ at: fc.nat(), remove: fc.nat(3), piece: fc.constantFrom('', ' ', '\n', ...PIECES) })

function edited(line: string, edits: readonly { at: number; remove: number; piece: string }[]): string {
  return edits.reduce((all, { at, remove, piece }) => {
    const from = at % (all.length + 1)
    return `${all.slice(0, from)}${piece}${all.slice(from + remove)}`
  }, line)
}

describe('a line that creates a message', () => {
  const parts = '"parts":[{"id":"p1","type":"text","text":"größe \\"\\u00e9\\n"}]'
  const own = `"id":"${ID}","turnId":"${ID}"`
  test.each([
    ['a question', `{${own},"role":"user","status":"completed",${parts}}`],
    ['what goes on from another', `{${own},"after":"${NEXT}","role":"user","status":"completed",${parts}}`],
    ['nothing in it', `{${own},"role":"user","status":"pending","parts":[]}`],
    [
      'usage',
      `{${own},"role":"assistant","status":"completed","model":"m","usage":{"inputTokens":12,"costUsd":0.0125},${parts}}`,
    ],
    [
      'a call',
      `{${own},"role":"assistant","status":"completed","parts":[{"id":"p1","type":"tool-call","callId":"c","name":"n","input":{"a":[1,-2.5e+3,null,{"b":{}}]}}]}`,
    ],
    [
      'a result',
      `{${own},"role":"tool","status":"completed","parts":[{"id":"p1","type":"tool-result","callId":"c","name":"n","output":"out"}]}`,
    ],
    [
      'thoughts',
      `{${own},"role":"assistant","status":"completed","parts":[{"id":"p1","type":"reasoning","text":"","providerMetadata":[1]}],"metadata":{}}`,
    ],
  ])('with %s is read without parsing it', (_, each) => {
    expect(check(lineOf(each))).toBe(true)
  })

  test.each([
    ['a field twice', `{${own},"role":"user","role":"tool","status":"completed",${parts}}`],
    ['a name that is escaped', `{${own},"\\u0072ole":"user","status":"completed",${parts}}`],
    ['white space', `{${own}, "role":"user","status":"completed",${parts}}`],
    ['a parent', `{${own},"parentId":null,"role":"user","status":"completed",${parts}}`],
    ['no text', `{${own},"role":"user","status":"completed","parts":[{"id":"p1","type":"text"}]}`],
    ['a number that is none', `{${own},"role":"user","status":"completed","usage":{"inputTokens":012},${parts}}`],
    ['a count below zero', `{${own},"role":"user","status":"completed","usage":{"inputTokens":-1},${parts}}`],
    ['no JSON at its end', `{${own},"role":"user","status":"completed",${parts}},`],
    ['an id that is not ASCII', `{"id":"é","turnId":"${ID}","role":"user","status":"completed",${parts}}`],
    [
      'a call that is named twice',
      `{${own},"role":"tool","status":"completed","parts":[{"id":"p1","type":"tool-result","callId":"c","callId":"d","name":"n"}]}`,
    ],
    [
      'much inside each other',
      `{${own},"role":"user","status":"completed","metadata":{"a":${'['.repeat(300)}${']'.repeat(300)}},${parts}}`,
    ],
  ])('with %s has to be parsed', (_, each) => {
    expect(check(lineOf(each))).toBe(false)
  })

  test('of any shape, and edited anywhere, is read as parsing reads it or has to be parsed', () => {
    let scanned = 0
    const scanner = new MessageScanner()
    fc.assert(
      fc.property(data, fc.array(edit, { maxLength: 2 }), (value, edits) => {
        const line = lineOf(JSON.stringify(value))
        if (check(line, scanner)) scanned++
        check(edited(line, edits), scanner)
      }),
      rounds(20),
    )
    expect(scanned).toBeGreaterThan(0)
  })

  test('with any byte in the place of any other is read as parsing reads it or has to be parsed', () => {
    const parsed = [
      `{${own},"after":"${NEXT}","role":"assistant","status":"completed","usage":{"inputTokens":10,"costUsd":0.5},"parts":[{"id":"p1","type":"tool-call","callId":"c","name":"n","input":{"a":[1,"b\\u00e9"]}}]}`,
    ]
    const bytes = Buffer.from(lineOf(parsed[0]!))
    const scanner = new MessageScanner()
    let scanned = 0
    for (let at = 0; at < bytes.length; at++) {
      for (let byte = 0; byte < 0x80; byte++) {
        const changed = Buffer.from(bytes)
        changed[at] = byte
        if (byte !== 0x0a && check(changed, scanner)) scanned++
      }
    }
    expect(scanned).toBeGreaterThan(bytes.length)
  })
})
