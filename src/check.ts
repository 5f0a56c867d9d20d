/**
 * Schemas that only tell whether a value fits, and where it does not: the verdict of zod's `safeParse` in a fraction of its time, because nothing is
 * copied, and without zod itself, which takes longer to load than most sessions to read.
 *
 * They are made of the one description in data-schemas.ts, as the zod schemas are; test/check.test.ts compares the two. Meant for data as JSON.parse
 * makes it. Everything in this file is pure.
 */
import type { Schema, SchemaBuilder } from './data-schemas.ts'

type Check = (value: unknown) => boolean

/** The first field that does not fit. */
export interface Misfit {
  readonly path: readonly string[]
  /** What was expected there. */
  readonly error: string
}

/** Where a value that does not fit is wrong, given the way to it. */
type FindMisfit = (value: unknown, path: readonly string[]) => Misfit

/** What {@link CHECKS} makes of a description. */
export class CheckSchema implements Schema<CheckSchema> {
  /** Whether a value fits. */
  readonly fits: Check
  readonly #find: FindMisfit

  constructor(fits: Check, find: FindMisfit) {
    this.fits = fits
    this.#find = find
  }

  /** What is wrong with a value that does not fit. `path` leads to it. */
  misfit(value: unknown, path: readonly string[] = []): Misfit {
    return this.#find(value, path)
  }

  optional(): CheckSchema {
    const { fits } = this
    return new CheckSchema((value) => value === undefined || fits(value), this.#find)
  }

  nullable(): CheckSchema {
    const { fits } = this
    return new CheckSchema((value) => value === null || fits(value), this.#find)
  }
}

class StringSchema extends CheckSchema {
  constructor() {
    super(isString, NO_STRING)
  }

  nonempty(): CheckSchema {
    return leaf((value) => isString(value) && value !== '', 'expected a string that is not empty')
  }

  refine(fits: (text: string) => boolean, { error }: { readonly error: string }): CheckSchema {
    return new CheckSchema(
      (value) => isString(value) && fits(value),
      (value, path) => (isString(value) ? { path, error } : NO_STRING(value, path)),
    )
  }
}

class NumberSchema extends CheckSchema {
  constructor() {
    super(isNumber, expecting('expected a number'))
  }

  nonnegative(): CheckSchema {
    return leaf((value) => isNumber(value) && value >= 0, 'expected a number that is not negative')
  }
}

/** Makes checks of a description. */
export const CHECKS: SchemaBuilder<CheckSchema> = {
  string: () => new StringSchema(),
  number: () => new NumberSchema(),
  boolean: () => leaf((value) => typeof value === 'boolean', 'expected true or false'),
  undefined: () => leaf((value) => value === undefined, 'expected to be left out'),
  literal: (only) => leaf((value) => value === only, `expected ${JSON.stringify(only)}`),
  enum: (values) => {
    const texts = values.map((value) => JSON.stringify(value))
    return leaf((value) => (values as readonly unknown[]).includes(value), `expected one of ${texts.join(', ')}`)
  },
  custom: leaf,
  looseObject,
  array,
  discriminatedUnion,
}

function leaf(fits: Check, error: string): CheckSchema {
  return new CheckSchema(fits, expecting(error))
}

function expecting(error: string): FindMisfit {
  return (value, path) => ({ path, error: value === undefined ? `${error}, and there is none` : error })
}

const NO_STRING = expecting('expected a string')
const NO_OBJECT = expecting('expected an object')
const NO_LIST = expecting('expected a list')

function isString(value: unknown): value is string {
  return typeof value === 'string'
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

type Fields = Readonly<Record<string, unknown>>

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Walks the fields that a value has, which are few, and not those it may have, which are many. */
function looseObject(schemas: Readonly<Record<string, CheckSchema>>): CheckSchema {
  const all = Object.entries(schemas)
  const fields = new Map(all.map(([name, { fits }]) => [name, { fits, isRequired: !fits(undefined) }]))
  const required = [...fields.values()].filter(({ isRequired }) => isRequired).length
  const fits: Check = (value) => {
    if (!isObject(value)) return false
    let found = 0
    for (const name in value) {
      const field = fields.get(name)
      if (field === undefined) continue
      if (!field.fits(value[name])) return false
      if (field.isRequired) found++
    }
    return found === required
  }
  return new CheckSchema(fits, (value, path) => {
    if (!isObject(value)) return NO_OBJECT(value, path)
    for (const [name, schema] of all) {
      const own = Object.hasOwn(value, name) ? value[name] : undefined
      if (!schema.fits(own)) return schema.misfit(own, [...path, name])
    }
    // A field that is inherited or hidden, which JSON has not.
    return { path, error: 'expected plain fields' }
  })
}

function array(schema: CheckSchema): CheckSchema {
  const { fits } = schema
  const all: Check = (value) => {
    if (!Array.isArray(value)) return false
    for (let i = 0; i < value.length; i++) if (!fits(value[i])) return false
    return true
  }
  return new CheckSchema(all, (value, path) => {
    if (!Array.isArray(value)) return NO_LIST(value, path)
    const at = value.findIndex((each) => !fits(each))
    return schema.misfit(value[at], [...path, String(at)])
  })
}

/** Looks only at the schema that a value says it is of. */
function discriminatedUnion(
  tag: string,
  options: Readonly<Record<string, CheckSchema>>,
  others?: CheckSchema,
): CheckSchema {
  const byTag = new Map<unknown, CheckSchema>(Object.entries(options))
  const known = CHECKS.enum(Object.keys(options))
  const fits: Check = (value) => isObject(value) && (byTag.get(value[tag]) ?? others)?.fits(value) === true
  return new CheckSchema(fits, (value, path) => {
    if (!isObject(value)) return NO_OBJECT(value, path)
    return (byTag.get(value[tag]) ?? others)?.misfit(value, path) ?? known.misfit(value[tag], [...path, tag])
  })
}
