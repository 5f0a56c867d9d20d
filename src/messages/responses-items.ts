/**
 * Items of OpenAI Responses that foldlog has no word for, kept as they came in `data` parts; and the ids of all items.
 *
 * Held here, whatever a log holds: an item that needs another one goes only where the other is, and none goes twice. Everything in
 * this file is pure.
 */
import type { JsonObject } from '../json.ts'
import type { DataPart } from '../message.ts'
import { isPlain } from './owner.ts'
import type { Step } from './steps.ts'

/** In characters. */
export const ITEM_ID_LENGTH = 64

/** The id of the item that a part came from. Codex writes an empty one where there is none. */
export function idOf(fields: JsonObject | undefined): string | undefined {
  const id = fields?.['itemId']
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** The opaque parts of answers that are items, stand by themselves or have their other half, and are not there already. */
export function usableItems(steps: readonly Step[]): Set<DataPart> {
  const parts = itemsIn(steps)
  const calls = new Set<string>()
  const outputs = new Set<string>()
  for (const part of parts) {
    const item = itemOf(part)
    if (isOutput(item)) outputs.add(linkOf(item))
    else if (isCall(item)) calls.add(linkOf(item))
  }
  const seen = new Set<string>()
  return new Set(
    parts.filter((part) => {
      const item = itemOf(part)
      const link = linkOf(item)
      const needs = isOutput(item) ? calls : isCall(item) ? outputs : undefined
      const key = isOutput(item) ? `output ${link}` : link
      if (needs?.has(link) === false || (key !== '' && seen.has(key))) return false
      seen.add(key)
      return true
    }),
  )
}

function itemsIn(steps: readonly Step[]): readonly DataPart[] {
  const parts: DataPart[] = []
  for (const step of steps) {
    if (step.role !== 'assistant') continue
    for (let i = 0; i < step.parts.length; i++) {
      const part = step.parts[i]!
      if (part.type === 'data' && isItem(part)) parts.push(part)
    }
  }
  return parts
}

/** An opaque part as an item: as it came, but for an id that is none. */
export function givenItem(part: DataPart): JsonObject {
  const item = itemOf(part)
  if (item['id'] !== '') return item
  const { id: _, ...rest } = item
  return rest
}

export function givenId(part: DataPart): string | undefined {
  const { id } = givenItem(part)
  return typeof id === 'string' ? id : undefined
}

/** Whether an opaque part is a block of a message: a file that is at the provider, or somewhere else. */
export function isBlock(part: DataPart): boolean {
  const block = itemOf(part)
  const places = PLACES.get(block['type'] as string)
  return places?.some((name) => typeof block[name] === 'string' && block[name] !== '') ?? false
}

/** By the types of blocks, the fields that say where a file is. */
const PLACES: ReadonlyMap<string, readonly string[]> = new Map([
  ['input_image', ['file_id', 'image_url']],
  ['input_file', ['file_id', 'file_url', 'file_data']],
])

/** Items that are parts of foldlog: one kept as it came was none of them, and no item that the API takes. */
const KNOWN = /^(message|reasoning|(function|custom_tool)_call(_output)?)$/

/** Calls that the caller runs: they need their output, and the output needs them. */
const CALLS: ReadonlySet<string> = new Set([
  'computer_call',
  'local_shell_call',
  'shell_call',
  'apply_patch_call',
  'mcp_approval_request',
])

function isItem(part: DataPart): boolean {
  const { type } = itemOf(part)
  return typeof type === 'string' && !type.startsWith('input_') && !KNOWN.test(type)
}

/** Opaque parts hold objects: the steps have looked. */
function itemOf(part: DataPart): JsonObject {
  return isPlain(part.data) ? part.data : {}
}

function isOutput({ type }: JsonObject): boolean {
  return typeof type === 'string' && /_output$|^mcp_approval_response$/.test(type)
}

function isCall({ type }: JsonObject): boolean {
  return typeof type === 'string' && CALLS.has(type)
}

function linkOf(item: JsonObject): string {
  const id = item['call_id'] ?? item['approval_request_id'] ?? item['id']
  return typeof id === 'string' ? id : ''
}
