/**
 * What the data of the core events has to look like: the one description, of which check.ts makes checks and schemas.ts zod schemas.
 *
 * Unknown fields fit everywhere, because what an older version does not know a newer one may have
 * written. Pure.
 */
import type { CoreType } from './event.ts'
import type { Part } from './message.ts'

/** What any schema can be made into. */
export interface Schema<S> {
  optional(): S
  nullable(): S
}

/** The words that the description is written with, which are those of zod. `S` is what they make. `error` tells what was expected. */
export interface SchemaBuilder<S> {
  string(): S & {
    nonempty(): S
    /** `abort`: where this fails, nothing else of the value is told. */
    refine(fits: (text: string) => boolean, options: { readonly abort: true; readonly error: string }): S
  }
  number(): S & { nonnegative(): S }
  boolean(): S
  undefined(): S
  literal(value: string): S
  enum(values: readonly string[]): S
  custom(fits: (value: unknown) => boolean, error: string): S
  looseObject(fields: Readonly<Record<string, S>>): S
  array(element: S): S
  /** Each schema by what it has as its tag, and that of all other tags. */
  discriminatedUnion(tag: string, options: Readonly<Record<string, S>>, others?: S): S
}

/** What is made of the description. */
export interface DataSchemas<S> {
  /** The data of each core type. */
  readonly data: { readonly [T in CoreType]: S }
  readonly knownParts: { readonly [T in Part['type']]: S }
  /** What else has a name in the JSON Schema. */
  readonly named: Readonly<Record<string, S>>
  /** Any value. */
  readonly json: S
  readonly jsonObject: S
  /** The type of a part that this version does not know. */
  readonly unknownPartType: S
}

/** The description, made with the words of `z`. */
export function dataSchemasOf<S extends Schema<S>>(z: SchemaBuilder<S>): DataSchemas<S> {
  const common = commonSchemas(z)
  const { id, json, jsonObject } = common
  const knownParts = partSchemas(z, common)
  // A part of a type this version does not know is kept, and left out of the model's view.
  const unknownPartType = z
    .string()
    .refine((type) => !Object.hasOwn(knownParts, type), { abort: true, error: 'expected an unknown type' })
  const part = z.discriminatedUnion('type', knownParts, z.looseObject({ id, type: unknownPartType }))
  const infoPatch = infoSchema(z, common)
  const message = messageSchema(z, common, part)
  const messagePatch = patchSchema(z, common)
  const data = {
    'session.created': infoPatch,
    'session.updated': infoPatch,
    'message.created': message,
    'message.updated': messagePatch,
    'message.deleted': z.looseObject({ ids: z.array(id) }),
    'part.updated': z.looseObject({ messageId: id, partId: id, part: part.nullable() }),
  }
  const { status, role, audience, source, usage, errorInfo, lease, parent } = common
  const shared = { status, role, audience, source, usage, errorInfo, lease, parent }
  const named = { infoPatch, message, messagePatch, part, ...shared }
  return { data, named, knownParts, json, jsonObject, unknownPartType }
}

// No return types where they would repeat the fields.

function commonSchemas<S extends Schema<S>>(z: SchemaBuilder<S>) {
  const id = z.string().nonempty()
  const count = z.number().nonnegative()
  // JSON.parse has already made sure that it is JSON; walking it again would only cost time.
  const json = z.custom((value) => value !== undefined, 'expected a value')
  const jsonObject = z.custom(
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'expected an object',
  )
  const status = z.enum(['pending', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled'])
  const role = z.enum(['system', 'user', 'assistant', 'tool'])
  const audience = z.enum(['user', 'model'])
  const errorInfo = z.looseObject({ message: z.string(), code: z.string().optional() })
  const source = z.looseObject({ format: z.string(), id: z.string() })
  const lease = z.looseObject({ owner: z.string(), until: z.number() })
  const parent = z.looseObject({ sessionId: id, messageId: id.optional(), callId: id.optional() })
  const usage = z.looseObject({
    inputTokens: count.optional(),
    outputTokens: count.optional(),
    reasoningTokens: count.optional(),
    cachedInputTokens: count.optional(),
    cacheWriteTokens: count.optional(),
    totalTokens: count.optional(),
    costUsd: count.optional(),
  })
  return { id, count, json, jsonObject, status, role, audience, errorInfo, source, lease, parent, usage }
}

type Common<S extends Schema<S>> = ReturnType<typeof commonSchemas<S>>

function partSchemas<S extends Schema<S>>(
  z: SchemaBuilder<S>,
  { count, errorInfo, id, json, jsonObject, status }: Common<S>,
): DataSchemas<S>['knownParts'] {
  const partBase = {
    id,
    status: status.optional(),
    statusMessage: z.string().optional(),
    author: z.string().optional(),
    scope: z.literal('turn').optional(),
    providerMetadata: json.optional(),
    metadata: jsonObject.optional(),
  }
  const part = (type: string, fields: Readonly<Record<string, S>>): S =>
    z.looseObject({ ...partBase, type: z.literal(type), ...fields })
  const text = part('text', { text: z.string() })
  const file = part('file', {
    mediaType: z.string(),
    name: z.string().optional(),
    url: z.string().optional(),
    data: z.string().optional(),
    file: z.string().optional(),
    sizeBytes: count.optional(),
    width: count.optional(),
    height: count.optional(),
  })
  const call = { callId: id, name: z.string() }
  return {
    text,
    reasoning: part('reasoning', {
      text: z.string(),
      signature: z.string().optional(),
      encrypted: z.string().optional(),
    }),
    file,
    'tool-call': part('tool-call', {
      ...call,
      input: json,
      rawInput: z.string().optional(),
      approval: z.enum(['requested', 'approved', 'denied']).optional(),
    }),
    'tool-result': part('tool-result', {
      ...call,
      title: z.string().optional(),
      output: json.optional(),
      content: z.array(z.discriminatedUnion('type', { text, file })).optional(),
      error: errorInfo.optional(),
    }),
    data: part('data', { name: z.string(), data: json }),
    compaction: part('compaction', {
      text: z.string(),
      from: id.optional(),
      keep: z.array(id).optional(),
      replacement: z.array(jsonObject).optional(),
      tokensBefore: count.optional(),
    }),
  }
}

function infoSchema<S extends Schema<S>>(z: SchemaBuilder<S>, { id, jsonObject, parent, source }: Common<S>): S {
  return z.looseObject({
    title: z.string().nullable().optional(),
    project: z.string().nullable().optional(),
    cwd: z.string().nullable().optional(),
    model: z.string().nullable().optional(),
    provider: z.string().nullable().optional(),
    parent: parent.nullable().optional(),
    rootId: id.nullable().optional(),
    vars: jsonObject.nullable().optional(),
    metadata: jsonObject.nullable().optional(),
    labels: z.array(z.string()).nullable().optional(),
    source: source.nullable().optional(),
    head: id.nullable().optional(),
    archived: z.boolean().nullable().optional(),
  })
}

function messageSchema<S extends Schema<S>>(
  z: SchemaBuilder<S>,
  { audience, errorInfo, id, jsonObject, lease, role, source, status, usage }: Common<S>,
  part: S,
): S {
  return z.looseObject({
    id,
    turnId: id,
    parentId: id.nullable().optional(),
    after: id.optional(),
    role,
    status,
    author: z.string().optional(),
    to: z.string().optional(),
    audience: audience.optional(),
    statusMessage: z.string().optional(),
    error: errorInfo.optional(),
    finishReason: z.string().optional(),
    lease: lease.optional(),
    model: z.string().optional(),
    provider: z.string().optional(),
    usage: usage.optional(),
    source: source.optional(),
    metadata: jsonObject.optional(),
    parts: z.array(part),
  })
}

function patchSchema<S extends Schema<S>>(
  z: SchemaBuilder<S>,
  { audience, errorInfo, id, jsonObject, lease, role, source, status, usage }: Common<S>,
): S {
  return z.looseObject({
    id,
    role: role.optional(),
    status: status.optional(),
    author: z.string().nullable().optional(),
    to: z.string().nullable().optional(),
    audience: audience.nullable().optional(),
    statusMessage: z.string().nullable().optional(),
    error: errorInfo.nullable().optional(),
    finishReason: z.string().nullable().optional(),
    lease: lease.nullable().optional(),
    model: z.string().nullable().optional(),
    provider: z.string().nullable().optional(),
    usage: usage.nullable().optional(),
    source: source.nullable().optional(),
    metadata: jsonObject.nullable().optional(),
    parts: z.undefined().optional(),
  })
}
