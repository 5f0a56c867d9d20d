/**
 * Whose reasoning it is, and the fields of one provider that parts and messages carry along.
 *
 * Signatures and encrypted reasoning are valid for the provider that made them only. The keys are those of the AI SDK's
 * `providerMetadata`, so that parts keep what either side wrote. Everything in this file is pure.
 */
import { isArray, setOwn, type Json, type JsonObject } from '../json.ts'
import type { Message, ReasoningPart } from '../message.ts'

export type Provider = 'anthropic' | 'openai' | 'google'

const PROVIDERS: readonly Provider[] = ['anthropic', 'openai', 'google']

/** Beginnings of `message.provider`; the same models are also sold by others, under their own names for it. */
const NAMES: Readonly<Record<Provider, RegExp>> = {
  anthropic: /^(anthropic|claude)\b|[./-]anthropic\b/i,
  openai: /^(openai|azure|codex|chatgpt)\b/i,
  google: /^(google|gemini|vertex)\b/i,
}

/** Whether `provider` made this reasoning: by the key of its `providerMetadata`, or by the provider of its message. */
export function isOwn(part: ReasoningPart, message: Pick<Message, 'provider'>, provider: Provider): boolean {
  return ownerOf(part, message) === provider
}

/** The provider that made this reasoning; undefined if nothing says so. */
export function ownerOf(part: ReasoningPart, message: Pick<Message, 'provider'>): Provider | undefined {
  const marked = PROVIDERS.filter((each) => fieldsFor(part.providerMetadata, each) !== undefined)
  if (marked.length > 0) return marked.length === 1 ? marked[0] : undefined
  const name = message.provider
  return name === undefined ? undefined : PROVIDERS.find((each) => NAMES[each].test(name))
}

/** What `providerMetadata` of a part, or `metadata` of a message, holds under one key. */
export function fieldsFor(metadata: Json | undefined, key: string): JsonObject | undefined {
  if (metadata === undefined || !isPlain(metadata) || !Object.hasOwn(metadata, key)) return undefined
  const fields = metadata[key]!
  return isPlain(fields) ? fields : undefined
}

/** An object that is no array. */
export function isPlain(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !isArray(value)
}

/** `target` with those of the named fields that are set. Most parts have none, and pay nothing for it. */
export function withFields<T extends object>(target: T, fields: JsonObject | undefined, names: readonly string[]): T {
  if (fields === undefined) return target
  for (const name of names) if (Object.hasOwn(fields, name)) setOwn(target, name, fields[name]!)
  return target
}

/** Those of the named fields that are set. */
export function pick(fields: JsonObject | undefined, names: readonly string[]): JsonObject {
  if (fields === undefined) return {}
  return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(fields, name) ? [[name, fields[name]!]] : [])))
}
