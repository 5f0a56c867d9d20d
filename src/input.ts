/**
 * What callers pass, checked at the edge: plain JavaScript has no types to keep mistakes out, and a field that is written under a wrong name
 * is lost. Readers are lenient with what they find in files; writers are not. Pure.
 */
import { FoldlogError } from './errors.ts'

/** The fields a session can be created with. */
export const INIT_FIELDS: ReadonlySet<string> = new Set([
  'title',
  'project',
  'cwd',
  'model',
  'provider',
  'parent',
  'rootId',
  'vars',
  'metadata',
  'labels',
  'source',
  'archived',
])

/** The fields of a session that can be set. */
export const INFO_FIELDS: ReadonlySet<string> = new Set([...INIT_FIELDS, 'head'])

/** The fields of a message that `update` can change. */
export const PATCH_FIELDS: ReadonlySet<string> = new Set([
  'role',
  'status',
  'author',
  'to',
  'audience',
  'statusMessage',
  'error',
  'finishReason',
  'lease',
  'model',
  'provider',
  'usage',
  'source',
  'metadata',
])

/** The fields of a message that is added. A message as it was read may be given: its `time` and `after` are made anew. */
export const MESSAGE_FIELDS: ReadonlySet<string> = new Set([
  ...PATCH_FIELDS,
  'id',
  'turnId',
  'parentId',
  'text',
  'parts',
  'time',
  'after',
])

/** Throws `INVALID_EVENT` unless `value` is an object with no other fields than these. */
export function assertFields(value: unknown, fields: ReadonlySet<string>, what: string): void {
  assertObject(value, what)
  for (const name of Object.keys(value)) {
    if (fields.has(name)) continue
    throw new FoldlogError(
      'INVALID_EVENT',
      `${what}: ${name} is not one of its fields: use metadata for fields of your own`,
      {
        field: name,
      },
    )
  }
}

/** Throws `INVALID_EVENT` unless `value` is an object and no array. */
export function assertObject(value: unknown, what: string): asserts value is object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
  throw new FoldlogError('INVALID_EVENT', `${what} must be an object, not ${nameOf(value)}`, { field: what })
}

/** Throws `INVALID_OPTION` unless `value` is one of these. */
export function assertOneOf(value: unknown, allowed: readonly unknown[], what: string): void {
  if (allowed.includes(value)) return
  const names = allowed.map((each) => JSON.stringify(each)).join(', ')
  throw new FoldlogError('INVALID_OPTION', `${what} must be one of ${names}, not ${nameOf(value)}`, { field: what })
}

/** Throws `INVALID_OPTION` unless `value` is a whole number not under `least`, or infinity. */
export function assertCount(value: unknown, least: number, what: string): void {
  if (value === Infinity || (Number.isInteger(value) && (value as number) >= least)) return
  const message = `${what} must be a whole number not under ${least}, not ${nameOf(value)}`
  throw new FoldlogError('INVALID_OPTION', message, { field: what })
}

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'string' || typeof value === 'number' || value === null ? JSON.stringify(value) : typeof value
}
