/**
 * Takes fields out of foreign JSON without trusting its shape: what is not of the expected type is not there.
 *
 * Everything in this file is pure.
 */
import { isArray, type Json, type JsonObject } from '../json.ts'

/** Later than any session: a stamp past it is a broken one. Ids end a year later, so that more can follow. */
export const LAST_TIME: number = Date.UTC(5999, 0, 1)
/** A date and a time of day, and nothing that says where. */
const WITHOUT_ZONE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?$/

/** A text that is not empty. */
export function textField(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** An object, not a list. */
export function objectField(object: JsonObject, name: string): JsonObject | undefined {
  return asObject(object[name])
}

/** A number that is not negative. */
export function countField(object: JsonObject, name: string): number | undefined {
  const value = object[name]
  return typeof value === 'number' && value >= 0 ? value : undefined
}

/** Whether the field is `true`, not merely something. */
export function isSet(object: JsonObject, name: string): boolean {
  return object[name] === true
}

/** An ISO date in whole milliseconds since the epoch. One without a zone is taken to be in UTC: it is the same time for everybody. */
export function timeField(object: JsonObject, name: string): number | undefined {
  const value = textField(object, name)
  if (value === undefined || !/^\d{4}-\d{2}-\d{2}/.test(value)) return undefined
  const time = Date.parse(WITHOUT_ZONE.test(value) ? `${value}Z` : value)
  return time >= 0 && time < LAST_TIME ? Math.floor(time) : undefined
}

/** A number of milliseconds since the epoch, whole. */
export function msField(object: JsonObject, name: string): number | undefined {
  const value = countField(object, name)
  return value !== undefined && value < LAST_TIME ? Math.floor(value) : undefined
}

/** The fields that are not named. */
export function restOf(object: JsonObject, known: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !known.has(name)))
}

/** The value if it is an object, not a list. */
export function asObject(value: Json | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !isArray(value) ? value : undefined
}

/** A number of seconds since the epoch, in whole milliseconds since it; 0 is none. */
export function secondsField(object: JsonObject, name: string): number | undefined {
  const value = object[name]
  return typeof value === 'number' && value > 0 && value * 1000 < LAST_TIME ? Math.floor(value * 1000) : undefined
}

/** A list. */
export function listField(object: JsonObject, name: string): readonly Json[] | undefined {
  const value = object[name]
  return value !== undefined && isArray(value) ? value : undefined
}

/** The fields that are not in `known` and say something: `null`, and texts, lists and objects that are empty, do not. */
export function fieldsBut(object: JsonObject, known: ReadonlySet<string>): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => !known.has(name) && !isEmpty(value)))
}

function isEmpty(value: Json): boolean {
  if (typeof value === 'object') return value === null || Object.keys(value).length === 0
  return value === ''
}
