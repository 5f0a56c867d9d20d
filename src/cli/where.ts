/**
 * `--where key=value`: which infos are meant, by the names and values that `--json` prints. Pure.
 */
import { isArray, type Json, type JsonObject } from '../json.ts'
import type { SessionInfo } from '../message.ts'

/** A condition on an info; undefined if `text` is none. The key may name a field, or what is in `vars` or `metadata`. */
export function conditionOf(text: string): ((info: SessionInfo) => boolean) | undefined {
  const at = text.indexOf('=')
  if (at < 1) return undefined
  const path = text.slice(0, at).trim().split('.')
  const wanted = text.slice(at + 1)
  return (info) => isValue(valueAt(info, path) ?? valueAt(info.vars, path) ?? valueAt(info.metadata, path), wanted)
}

function valueAt(object: object, path: readonly string[]): Json | undefined {
  let value: Json | undefined = object as JsonObject
  for (const name of path) {
    if (typeof value !== 'object' || value === null || isArray(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

/** Of a list one value is enough. A field that is not there is as good as an empty one. */
function isValue(value: Json | undefined, wanted: string): boolean {
  if (value === undefined) return wanted === ''
  if (isArray(value)) return value.some((each) => isValue(each, wanted))
  return typeof value === 'object' && value !== null ? JSON.stringify(value) === wanted : String(value) === wanted
}
