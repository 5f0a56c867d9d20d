import { readFileSync, writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isCustomType, isValidData } from '../src/event.ts'
import type { Json, JsonObject } from '../src/json.ts'
import { eventsOf, encodeLine, type Line } from '../src/line.ts'
import { dataSchemas, lineSchema } from '../src/schemas.ts'
import { chaos, conversations, eventId, line, lineOf, rounds } from './support/events.ts'

const FILE = new URL('../docs/schema/line.schema.json', import.meta.url)
const ROOT = lineSchema as Schema

/** What the schema of a line is made of; `fits` throws on anything else, so that nothing is passed over. */
interface Schema {
  readonly [keyword: string]: unknown
}

/** Whether a value fits a schema, as far as the schema of a line needs it. */
function fits(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, rule]) => {
    const check = KEYWORDS[keyword]
    if (check === undefined) throw new Error(`the keyword ${keyword} is not known here: add it`)
    return check(rule, value)
  })
}

const KEYWORDS: { readonly [keyword: string]: (rule: unknown, value: unknown) => boolean } = {
  $schema: () => true,
  $defs: () => true,
  $ref: (rule, value) =>
    fits((ROOT['$defs'] as Record<string, Schema>)[(rule as string).slice('#/$defs/'.length)]!, value),
  type: (rule, value) => [rule].flat().some((type) => isOfType(type as string, value)),
  const: (rule, value) => value === rule,
  enum: (rule, value) => (rule as unknown[]).includes(value),
  format: (_, value) => typeof value !== 'string' || /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value),
  pattern: (rule, value) => typeof value !== 'string' || new RegExp(rule as string, 'u').test(value),
  minLength: (rule, value) => typeof value !== 'string' || value.length >= (rule as number),
  maxLength: (rule, value) => typeof value !== 'string' || value.length <= (rule as number),
  minimum: (rule, value) => typeof value !== 'number' || value >= (rule as number),
  maximum: (rule, value) => typeof value !== 'number' || value <= (rule as number),
  minItems: (rule, value) => !Array.isArray(value) || value.length >= (rule as number),
  items: (rule, value) => !Array.isArray(value) || value.every((item) => fits(rule as Schema, item)),
  required: (rule, value) => !isObject(value) || (rule as string[]).every((name) => Object.hasOwn(value, name)),
  properties: (rule, value) =>
    !isObject(value) ||
    Object.entries(rule as Record<string, Schema>).every(
      ([name, each]) => !Object.hasOwn(value, name) || fits(each, value[name]),
    ),
  not: (rule, value) => !fits(rule as Schema, value),
  allOf: (rule, value) => (rule as Schema[]).every((each) => fits(each, value)),
  anyOf: (rule, value) => (rule as Schema[]).some((each) => fits(each, value)),
  oneOf: (rule, value) => (rule as Schema[]).filter((each) => fits(each, value)).length === 1,
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'object') return isObject(value)
  if (type === 'array') return Array.isArray(value)
  if (type === 'null') return value === null
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

function written(each: Line): unknown {
  return JSON.parse(encodeLine(each))
}

const hasEffect = (type: string, data: Json): boolean =>
  Object.hasOwn(dataSchemas, type) ? isValidData(type, data) : isCustomType(type)

describe('the JSON Schema of a line', () => {
  test('in the documentation is the one that the code makes (UPDATE_SCHEMA=1 writes it)', () => {
    const text = `${JSON.stringify(lineSchema, undefined, 2)}\n`
    if (process.env['UPDATE_SCHEMA'] === '1') writeFileSync(FILE, text)
    expect(readFileSync(FILE, 'utf8')).toBe(text)
  })

  test('is frozen', () => {
    expect(Object.isFrozen(lineSchema) && Object.isFrozen(ROOT['$defs'])).toBe(true)
  })

  test('fits every line that writers write', () => {
    fc.assert(
      fc.property(conversations, (lines) => {
        for (const each of lines) expect(fits(ROOT, written(each))).toBe(true)
      }),
      rounds(0.2),
    )
  })

  test('fits exactly the lines whose events have an effect', () => {
    fc.assert(
      fc.property(chaos, (lines) => {
        for (const each of lines) {
          const isGood = eventsOf(each).every(({ type, data }) => hasEffect(type, data))
          expect([each, fits(ROOT, written(each))]).toEqual([each, isGood])
        }
      }),
      rounds(0.2),
    )
  })

  test('fits a line of each kind, and none that lacks something or has it wrong', () => {
    const good = written(line(eventId(1), 'todo.added', { text: 'x' }, { key: 'k', redacted: true })) as JsonObject
    expect(fits(ROOT, good)).toBe(true)
    const guarded = { ...good, if: { at: 10, after: eventId(0) }, kept: [eventId(0)] }
    expect(fits(ROOT, guarded)).toBe(true)
    const bad: JsonObject[] = [
      { v: 2 },
      { id: 'x' },
      { id: eventId(1).toLowerCase() },
      { time: 'yesterday' },
      { key: 1 },
      { redacted: false },
      { type: 'undotted' },
      { type: 'turn.exploded' },
      { type: 'message.exploded' },
      { if: { at: -1, after: eventId(0) } },
      { kept: ['x'] },
      { type: 'log.batch' },
      { type: 'log.batch', data: [] },
      { type: 'log.kept', data: {} },
    ]
    for (const patch of bad) expect([patch, fits(ROOT, { ...good, ...patch })]).toEqual([patch, false])
    for (const name of ['v', 'id', 'type', 'time', 'data']) {
      const { [name]: _, ...rest } = good
      expect([name, fits(ROOT, rest)]).toEqual([name, false])
    }
    for (const data of [{ of: eventId(0) }]) {
      for (const type of ['log.kept', 'log.void']) expect(fits(ROOT, { ...good, type, data })).toBe(true)
    }
    expect(fits(ROOT, { ...good, type: 'session.deleted', data: {} })).toBe(true)
    const events = [1, 2].map((at) => ({ id: eventId(at), type: 'todo.added', data: at }))
    expect(fits(ROOT, written(lineOf(events)))).toBe(true)
    const broken = events.map((event) => ({ ...event, type: 'message.created' }))
    expect(fits(ROOT, written(lineOf(broken)))).toBe(false)
  })
})
