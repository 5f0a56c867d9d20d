/**
 * The schemas of what is on disk, for those who check logs with tools of their own: `foldlog/schemas`.
 *
 * They are made of the one description that the library itself uses (data-schemas.ts); docs/schema/line.schema.json is the JSON Schema as a file. This
 * file alone knows zod, which takes longer to load than everything else: who only reads and writes sessions does without.
 */
import { z } from 'zod'
import { dataSchemasOf, type SchemaBuilder } from './data-schemas.ts'
import { RESERVED_WORDS, TYPE_PATTERN, type CoreType } from './event.ts'
import { deepFreeze } from './json.ts'

const BUILDER: SchemaBuilder<z.ZodType> = {
  string: z.string,
  number: z.number,
  boolean: z.boolean,
  undefined: z.undefined,
  literal: z.literal,
  enum: (values) => z.enum(values),
  custom: z.custom,
  looseObject: z.looseObject,
  array: z.array,
  discriminatedUnion: (tag, options, others) => {
    // Each of them is an object that has the tag.
    const known = z.discriminatedUnion(tag, Object.values(options) as [z.ZodObject])
    return others === undefined ? known : z.union([known, others])
  },
}
const { data, json, jsonObject, knownParts, named, unknownPartType } = dataSchemasOf(BUILDER)

/** The zod schema of each core type's data. They accept unknown fields. */
export const dataSchemas: { readonly [T in CoreType]: z.ZodType } = data

/** The JSON Schema (draft 2020-12) of one line of a log. Frozen. */
export const lineSchema: object = deepFreeze(lineJsonSchema())

/** The JSON Schema of a line as writers write it, docs/format.md §2 and §3. Readers take more, §7. */
function lineJsonSchema(): object {
  const eventId = z.string().regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/)
  const reference = z.looseObject({ of: eventId })
  const customType = new RegExp(`^(?!(?:${[...RESERVED_WORDS].join('|')})\\.)${TYPE_PATTERN.source.slice(1)}`)
  const event = z.union([
    ...Object.entries(dataSchemas).map(([type, its]) => content(z.literal(type), its)),
    content(z.literal('session.deleted'), json),
    content(z.string().max(128).regex(customType), json),
  ])
  const inner = z.intersection(z.looseObject({ id: eventId }), event)
  const head = z.looseObject({
    v: z.literal(1),
    id: eventId,
    type: z.string(),
    time: z.string(),
    key: z.string().optional(),
    if: z.looseObject({ at: z.int().nonnegative(), after: eventId.optional() }).optional(),
    kept: z.array(eventId).optional(),
    redacted: z.literal(true).optional(),
    data: json,
  })
  const keeping = [
    content(z.literal('log.batch'), z.array(inner).min(1)),
    content(z.enum(['log.kept', 'log.void']), reference),
    content(z.literal('log.redacted'), z.looseObject({ ids: z.array(eventId), why: z.string() })),
  ]
  const names = z.registry<{ readonly id: string }>()
  for (const [id, schema] of Object.entries({ eventId, event, ...named })) names.add(schema, { id })
  for (const [type, schema] of Object.entries(knownParts)) names.add(schema, { id: `part.${type}` })
  // What zod checks with code has to be said by hand.
  const said = new Map<unknown, object>([
    [head.shape.time, { format: 'date-time' }],
    [jsonObject, { type: 'object' }],
    [unknownPartType, { not: { enum: Object.keys(knownParts) } }],
  ])
  return z.toJSONSchema(z.intersection(head, z.union([event, ...keeping])), {
    metadata: names,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (JSON.stringify(jsonSchema.additionalProperties) === '{}') delete jsonSchema.additionalProperties
      if (zodSchema instanceof z.ZodUndefined) jsonSchema.not = {}
      Object.assign(jsonSchema, said.get(zodSchema))
    },
  })
}

function content(type: z.ZodType, its: z.ZodType): z.ZodType {
  return z.looseObject({ type, data: its })
}
