/**
 * Checks made once from zod schemas: the same verdict as `safeParse` in a fraction of its time, because nothing is copied and
 * nothing is said about what is wrong.
 *
 * The schemas stay the one source of truth: a check is made by walking their definitions, and what is not understood here is left
 * to zod. test/check.test.ts compares the two. Meant for data as JSON.parse makes it. Everything in this file is pure.
 */

/** Whether a value fits. */
export type Check = (value: unknown) => boolean

/** What is used of a zod schema. */
export interface Schema {
  readonly _zod: { readonly def: object }
  readonly '~standard': { readonly validate: (value: unknown) => object }
}

/** What definitions may say. Which of it a type of schema has is said by {@link MAKERS}. */
interface Definition {
  readonly type: string
  readonly shape: Readonly<Record<string, Schema>>
  readonly catchall: Schema
  readonly innerType: Schema
  readonly element: Schema
  readonly options: readonly Schema[]
  readonly discriminator?: string
  readonly inclusive?: boolean
  readonly entries: Readonly<Record<string, unknown>>
  readonly values: readonly unknown[]
  readonly fn: (value: unknown) => unknown
  readonly checks: readonly { readonly _zod: { readonly def: object } }[]
}
/** The same of what is checked beyond the type. */
interface Constraint {
  readonly check: string
  readonly minimum: number
  readonly value: number
  readonly inclusive: boolean
  readonly fn: (value: unknown) => unknown
}

/** Undefined: not understood. */
type Made = Check | undefined

/** Says nothing about which values fit. */
const IRRELEVANT: readonly string[] = ['type', 'check', 'error', 'abort', 'when']

/** By type of schema: what of its definition its maker takes into account. */
const MAKERS: Readonly<Record<string, readonly [reads: readonly string[], make: (def: Definition) => Made]>> = {
  boolean: [[], () => (value) => typeof value === 'boolean'],
  undefined: [[], () => (value) => value === undefined],
  custom: [
    ['fn'],
    ({ fn }) =>
      (value) =>
        Boolean(fn(value)),
  ],
  literal: [['values'], ({ values }) => oneOf(values)],
  enum: [['entries'], ({ entries }) => oneOf(Object.values(entries))],
  string: [['checks'], ({ checks }) => constrained((value) => typeof value === 'string', checks)],
  number: [['checks'], ({ checks }) => constrained(Number.isFinite, checks)],
  optional: [['innerType'], ({ innerType }) => orElse(undefined, checkOf(innerType))],
  nullable: [['innerType'], ({ innerType }) => orElse(null, checkOf(innerType))],
  array: [['element'], ({ element }) => arrayOf(checkOf(element))],
  object: [['shape', 'catchall'], objectOf],
  union: [['options', 'discriminator', 'inclusive'], unionOf],
}

/** A check that takes exactly what a schema takes. */
export function checkOf(schema: Schema): Check {
  // Definitions are what zod gives to those who walk its schemas.
  const def = schema._zod.def as Definition
  const [reads, make] = MAKERS[def.type] ?? []
  const made = reads !== undefined && saysOnly(def, reads) ? make?.(def) : undefined
  return made ?? ((value) => !('issues' in schema['~standard'].validate(value)))
}

function saysOnly(def: object, reads: readonly string[]): boolean {
  return Object.entries(def).every(
    ([name, value]) => value === undefined || reads.includes(name) || IRRELEVANT.includes(name),
  )
}

function oneOf(values: readonly unknown[]): Check {
  if (values.length > 1) return (value) => values.includes(value)
  const [only] = values
  return (value) => value === only
}

function orElse(extra: undefined | null, check: Check): Check {
  return (value) => value === extra || check(value)
}

function arrayOf(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return false
    for (let i = 0; i < value.length; i++) if (!check(value[i])) return false
    return true
  }
}

/** The type, then each constraint on top of it. */
function constrained(check: Check, constraints: Definition['checks'] = []): Made {
  let all: Made = check
  for (const { _zod } of constraints) {
    const more: Made = constraint(_zod.def as Constraint)
    const before: Made = all
    all = before === undefined || more === undefined ? undefined : (value) => before(value) && more(value)
  }
  return all
}

function constraint(def: Constraint): Made {
  const { check, minimum, value: least, inclusive, fn } = def
  if (check === 'min_length' && saysOnly(def, ['minimum'])) return (value) => (value as string).length >= minimum
  if (check === 'greater_than' && inclusive && saysOnly(def, ['value', 'inclusive'])) {
    return (value) => (value as number) >= least
  }
  return check === 'custom' && saysOnly(def, ['fn']) ? (value) => Boolean(fn(value)) : undefined
}

/** Walks the fields that a value has, which are few, and not those it may have, which are many. */
function objectOf({ shape, catchall }: Definition): Made {
  if ((catchall?._zod.def as Definition | undefined)?.type !== 'unknown') return undefined
  const fields = new Map(Object.entries(shape).map(([name, schema]) => [name, fieldOf(checkOf(schema))]))
  const required = [...fields.values()].filter(({ isRequired }) => isRequired).length
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    let found = 0
    for (const name in value) {
      const field = fields.get(name)
      if (field === undefined) continue
      if (!field.check((value as Readonly<Record<string, unknown>>)[name])) return false
      if (field.isRequired) found++
    }
    return found === required
  }
}

function fieldOf(check: Check): { readonly check: Check; readonly isRequired: boolean } {
  return { check, isRequired: !check(undefined) }
}

function unionOf({ options, discriminator, inclusive }: Definition): Made {
  if (discriminator !== undefined) return discriminated(discriminator, options)
  if (inclusive === false) return undefined
  const checks = options.map(checkOf)
  return (value) => {
    for (let i = 0; i < checks.length; i++) if (checks[i]!(value)) return true
    return false
  }
}

/** Looks only at the option that a value says it is. */
function discriminated(discriminator: string, options: readonly Schema[]): Made {
  const byTag = new Map<unknown, Check>()
  for (const option of options) {
    const tag = (option._zod.def as Definition).shape?.[discriminator]?._zod.def as Definition | undefined
    if (tag?.type !== 'literal') return undefined
    const check = checkOf(option)
    for (const value of tag.values) byTag.set(value, check)
  }
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
    return byTag.get((value as Readonly<Record<string, unknown>>)[discriminator])?.(value) === true
  }
}
