/**
 * Imports the `conversations.json` of a ChatGPT export, or one conversation of it.
 *
 * What becomes what:
 *  - A conversation is one session, its tree the same tree, `current_node` the head. Of a conversation without `mapping`
 *    nothing is left to import; it is told in the report.
 *  - A message is one message. What is addressed to a tool is a call, what the tool says its result, linked by the tree.
 *  - Messages that ChatGPT does not show are for the model only.
 *  - Times are those of the messages; one without has that of its parent, before the first time there is the first.
 *  - Files are those of the export, if they lie beside it (assets.ts), else pointers to them.
 *  - What else a message says is kept in its `metadata.chatgpt`, what the conversation says in that of the session.
 *
 * An export that was made later only adds to the sessions of an earlier one.
 */
import { canonicalJson, type JsonObject } from '../../json.ts'
import type { FilePart, Part } from '../../message.ts'
import { asObject, fieldsBut, isSet, objectField, secondsField, textField } from '../fields.ts'
import type { Format, Sample } from '../format.ts'
import { digest } from '../mint.ts'
import type { SourceLinks } from '../report.ts'
import type { Run } from '../run.ts'
import type { SessionWriter } from '../session-writer.ts'
import type { SourceFile } from '../source-file.ts'
import { firstValues, valuesOf } from '../values.ts'
import { Assets } from './assets.ts'
import { callOf, converted, FORMAT, metadataOf, roleOf, SERVICE_FIELDS, type Call } from './message.ts'
import { treeOf, type MessageNode, type Tree } from './tree.ts'

export const chatgpt: Format = {
  name: FORMAT,
  title: 'ChatGPT',
  extensions: ['.json'],
  homes: [],
  recognizes,
  import: async (paths, run: Run) => {
    for (const path of paths) await run.file(FORMAT, path, importFile)
  },
}

/** Fields of a conversation that the session itself has, or that say the same as its messages. */
const TAKEN: ReadonlySet<string> = new Set([
  'id',
  'conversation_id',
  'title',
  'create_time',
  'update_time',
  'mapping',
  'current_node',
  'default_model_slug',
])
const NO_LINKS: SourceLinks = { nodes: 0, roots: 0, dangling: 0, leaves: 0, branchPoints: 0 }

function recognizes(sample: Sample): boolean {
  const values = firstValues(sample)
  if (values.length > 0) return values.some((value) => isConversation(asObject(value)))
  // The first conversation goes on behind what was read of the file.
  return /"mapping"\s*:\s*\{\s*"[^"]*"\s*:\s*\{\s*"(id|message|parent|children)"\s*:/.test(sample.head)
}

/** Whether it has a tree with a node that knows its place in it. */
function isConversation(value: JsonObject | undefined): boolean {
  const mapping = value === undefined ? undefined : objectField(value, 'mapping')
  const node = asObject(Object.values(mapping ?? {})[0])
  return node?.['children'] !== undefined && node['message'] !== undefined
}

async function importFile(file: SourceFile): Promise<void> {
  const assets = await Assets.beside(file.path, file.store)
  let links = NO_LINKS
  for await (const values of valuesOf(file)) {
    for (const { value, sizeBytes } of values) {
      file.ledger.count('conversation')
      const conversation = asObject(value) ?? {}
      const mapping = objectField(conversation, 'mapping')
      const tree = mapping && treeOf(mapping, textField(conversation, 'current_node'))
      if (tree === undefined || tree.nodes.length === 0) {
        file.ledger.drop('conversation', 'has no messages: the export holds only its title')
      } else {
        links = sum(links, tree.links)
        await write(conversation, tree, sizeBytes, file, assets)
      }
    }
  }
  file.add({ links })
}

async function write(
  conversation: JsonObject,
  tree: Tree,
  sizeBytes: number,
  file: SourceFile,
  assets: Assets,
): Promise<void> {
  const { nodes } = tree
  const times = timesOf(nodes, secondsField(conversation, 'create_time'))
  const named = textField(conversation, 'conversation_id') ?? textField(conversation, 'id')
  const id = named ?? `sha256-${digest(canonicalJson(conversation))}`
  const time = secondsField(conversation, 'create_time') ?? times.get(nodes[0]!.key)!
  const session = await file.session({ identity: [id], sourceId: id, time })
  /** Of each message: the call that a result below it answers. */
  const calls = new Map<string, Call | undefined>()
  for (const { key, parentKey, message, originalParent } of nodes) {
    const above = parentKey === undefined ? undefined : calls.get(parentKey)
    calls.set(key, callOf(key, message) ?? (roleOf(message) === 'user' ? undefined : above))
    const draft = converted(key, message, above)
    count(message, file)
    const own = metadataOf(message, draft.role)
    const metadata = {
      ...(Object.keys(own).length === 0 ? {} : { [FORMAT]: own }),
      ...(originalParent === undefined ? {} : { originalParent }),
    }
    const at = times.get(key)!
    session.saw(at, sizeBytes / nodes.length)
    await session.message({
      ...draft,
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      key,
      parentKey: parentKey ?? null,
      time: at,
      sourceId: textField(message, 'id') ?? key,
    })
    await writeFiles(session, { key, parts: draft.parts, time: at }, file, assets)
  }
  for (let n = 0; n < tree.empty; n++) {
    file.ledger.count('(none)')
    file.ledger.drop('(none)', 'a node without a message')
  }
  session.saw(secondsField(conversation, 'update_time') ?? time)
  await session.close(infoOf(conversation, nodes), tree.head ?? latestLeaf(nodes, times))
  file.settle()
}

function count(message: JsonObject, { ledger }: SourceFile): void {
  ledger.count(roleOf(message))
  for (const name of Object.keys(objectField(message, 'metadata') ?? {})) {
    if (SERVICE_FIELDS.has(name)) ledger.dropField(`metadata.${name}`, 'means something to the service only')
  }
}

/** The files of a message, as far as they are there. */
async function writeFiles(
  session: SessionWriter,
  { key, parts, time }: { readonly key: string; readonly parts: readonly Part[]; readonly time: number },
  file: SourceFile,
  assets: Assets,
): Promise<void> {
  for (const part of parts) {
    const stored = await assets.stored(part)
    if (stored !== undefined) await session.part(key, key, time, stored)
    for (const each of filesIn(stored ?? part)) {
      if (each.file === undefined)
        file.ledger.dropField('asset_pointer', 'points to a file that is not there; it is kept')
    }
  }
}

function filesIn(part: Part): readonly FilePart[] {
  const inside: readonly Part[] = part.type === 'tool-result' ? (part.content ?? []) : [part]
  return inside.filter((each) => each.type === 'file')
}

/** When each message was made. */
function timesOf(nodes: readonly MessageNode[], created: number | undefined): ReadonlyMap<string, number> {
  const given = nodes.map(({ message }) => secondsField(message, 'create_time'))
  const first = given.reduce((a, b) => (a === undefined || (b !== undefined && b < a) ? b : a), undefined)
  const times = new Map<string, number>()
  for (const [index, { key, parentKey }] of nodes.entries()) {
    const above = parentKey === undefined ? undefined : times.get(parentKey)
    times.set(key, given[index] ?? above ?? first ?? created ?? 0)
  }
  return times
}

/** Where a conversation ends that does not say so. */
function latestLeaf(nodes: readonly MessageNode[], times: ReadonlyMap<string, number>): string {
  const parents = new Set(nodes.map(({ parentKey }) => parentKey))
  const leaves = nodes.filter(({ key }) => !parents.has(key))
  return leaves.reduce((a, b) => (times.get(b.key)! > times.get(a.key)! ? b : a)).key
}

function infoOf(conversation: JsonObject, nodes: readonly MessageNode[]): JsonObject {
  const title = textField(conversation, 'title')
  const used = nodes.map(({ message }) => textField(objectField(message, 'metadata') ?? {}, 'model_slug'))
  const model = textField(conversation, 'default_model_slug') ?? used.findLast((each) => each !== undefined)
  const rest = fieldsBut(conversation, TAKEN)
  return {
    ...(title === undefined ? {} : { title }),
    ...(model === undefined ? {} : { model, provider: 'openai' }),
    ...(Object.keys(rest).length === 0 ? {} : { metadata: { [FORMAT]: rest } }),
    ...(isSet(conversation, 'is_archived') ? { archived: true } : {}),
  }
}

function sum(a: SourceLinks, b: SourceLinks): SourceLinks {
  return {
    nodes: a.nodes + b.nodes,
    roots: a.roots + b.roots,
    dangling: a.dangling + b.dangling,
    leaves: a.leaves + b.leaves,
    branchPoints: a.branchPoints + b.branchPoints,
  }
}
