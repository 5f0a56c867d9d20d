/**
 * What ModelMessages and UIMessages of the AI SDK share: its provider metadata, reasoning with signatures, and files.
 *
 * `providerMetadata` of a foldlog part has the AI SDK's own shape, so it is passed on as it is. What the AI SDK has besides is kept
 * there too, under `ai-sdk`, and is not passed on. Signatures go under the key of the provider that made them, which alone reads them.
 */
import { setOwn, type Json, type JsonObject } from '../json.ts'
import type { FilePart, Message, Part, ReasoningPart } from '../message.ts'
import { base64Of } from './content.ts'
import { fileAt, isObject, jsonOf, textOf } from './foreign.ts'
import { lossAt, type Report } from './loss.ts'
import { fieldsFor, isPlain, ownerOf, type Provider } from './owner.ts'

export type JsonValue = null | string | number | boolean | JsonValue[] | { [key: string]: JsonValue | undefined }
/** Fields by provider. */
export type ProviderFields = Record<string, Record<string, JsonValue>>

/** Where foldlog keeps what only the AI SDK has. */
export const KEY = 'ai-sdk'

/** The fields under which each provider's package keeps a signature, and encrypted reasoning. */
const SIGNED: Readonly<Record<Provider, { readonly signature?: string; readonly encrypted?: string }>> = {
  anthropic: { signature: 'signature', encrypted: 'redactedData' },
  openai: { encrypted: 'reasoningEncryptedContent' },
  google: { signature: 'thoughtSignature' },
}

/** What the AI SDK knows of a part that foldlog does not. */
export function ownFields(part: Pick<Part, 'providerMetadata'>): JsonObject | undefined {
  return fieldsFor(part.providerMetadata, KEY)
}

/** The fields by provider of a part, as its `providerOptions` or `providerMetadata`; undefined if there are none. */
export function providerFields(part: Pick<Part, 'providerMetadata'>): ProviderFields | undefined {
  const metadata = part.providerMetadata
  if (!isPlain(metadata)) return undefined
  const entries = Object.entries(metadata).filter(([key, fields]) => key !== KEY && isPlain(fields))
  // JSON of foldlog is frozen, which the AI SDK's types do not say.
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as ProviderFields)
}

/** The same for reasoning, with what signs it under the key of its provider. A signature of nobody in particular is left out. */
export function reasoningFields(part: ReasoningPart, message: Message, report: Report): ProviderFields | undefined {
  const owner = ownerOf(part, message)
  const fields = providerFields(part)
  const { signature, encrypted } = part
  if (signature === undefined && encrypted === undefined) return fields
  const names = owner === undefined ? {} : SIGNED[owner]
  const signed: Record<string, JsonValue> = {}
  if (signature !== undefined && names.signature !== undefined) signed[names.signature] = signature
  if (encrypted !== undefined && names.encrypted !== undefined) signed[names.encrypted] = encrypted
  if (owner === undefined || Object.keys(signed).length === 0) {
    report(lossAt('changed', 'reasoning', 'nothing says whose signature it has: it goes without', message, part))
    return fields
  }
  return { ...fields, [owner]: { ...fields?.[owner], ...signed } }
}

/** `providerMetadata` of a foldlog part: fields by provider, and those that only the AI SDK has. */
export function metadataFrom(value: unknown, own: JsonObject, path: string): { readonly providerMetadata?: Json } {
  const fields = isObject(value) ? jsonOf(value, path) : {}
  const all = isPlain(fields) ? { ...fields } : {}
  if (Object.keys(own).length > 0) setOwn(all, KEY, own)
  return Object.keys(all).length === 0 ? {} : { providerMetadata: all }
}

/** Signature and encrypted reasoning out of fields by provider, so that every target finds them at the same place. */
export function signedFrom(
  value: unknown,
  own: JsonObject,
  path: string,
): Pick<ReasoningPart, 'signature' | 'encrypted' | 'providerMetadata'> {
  const { providerMetadata } = metadataFrom(value, own, path)
  if (!isPlain(providerMetadata)) return {}
  const owners = (Object.keys(SIGNED) as Provider[]).filter((each) => isPlain(providerMetadata[each]))
  const [owner] = owners
  if (owner === undefined || owners.length > 1) return { providerMetadata }
  const names = SIGNED[owner]
  const fields = { ...(providerMetadata[owner] as JsonObject) } as Record<string, Json>
  const taken: { signature?: string; encrypted?: string } = {}
  for (const which of ['signature', 'encrypted'] as const) {
    const name = names[which]
    if (name === undefined || typeof fields[name] !== 'string') continue
    taken[which] = fields[name]
    delete fields[name]
  }
  return { ...taken, providerMetadata: { ...providerMetadata, [owner]: fields } }
}

/** A file from what the AI SDK calls data: a URL, base64, or bytes. `isDataUrl`: the inline data was a URL. */
export function fileFrom(
  value: unknown,
  mediaType: string,
): {
  readonly file: Pick<FilePart, 'type' | 'mediaType' | 'url' | 'data'>
  readonly isDataUrl: boolean
  readonly isBytes: boolean
} {
  const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value
  if (bytes instanceof Uint8Array) {
    return { file: { type: 'file', mediaType, data: base64Of(bytes) }, isDataUrl: false, isBytes: true }
  }
  const text = value instanceof URL ? value.href : textOf(value)
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text))
    return { file: { type: 'file', mediaType, data: text }, isDataUrl: false, isBytes: false }
  const file = fileAt(text, mediaType)
  const given = mediaType.endsWith('*') ? file.mediaType : mediaType
  return { file: { ...file, mediaType: given }, isDataUrl: file.data !== undefined, isBytes: value instanceof URL }
}
