/**
 * What the APIs ask of messages, as far as types do not say it. Written from the providers' documentation (research/formats.md §5),
 * not from the converters: it knows nothing of foldlog. Each function returns the rules that are broken, as sentences.
 */

type Fields = Readonly<Record<string, unknown>>

const WORD = /^[a-zA-Z0-9_-]{1,64}$/
const IMAGE = /^image\/(png|jpeg|gif|webp)$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

class Broken {
  readonly rules: string[] = []
  readonly #ids = new Set<string>()

  check(isKept: boolean, rule: string, where: unknown): void {
    if (!isKept) this.rules.push(`${rule}: ${JSON.stringify(where)?.slice(0, 300)}`)
  }

  text(text: unknown, where: unknown): void {
    this.check(typeof text === 'string' && text.trim() !== '', 'no text is blank', where)
  }

  call(id: unknown, name: unknown, idPattern = WORD, namePattern = WORD): void {
    this.check(typeof id === 'string' && idPattern.test(id), 'call ids have the shape that is asked for', id)
    this.check(typeof name === 'string' && namePattern.test(name), 'names have the shape that is asked for', name)
    this.check(!this.#ids.has(String(id)), 'call ids are unique in the request', id)
    this.#ids.add(String(id))
  }
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? (value as Fields[]) : []
}

function object(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function string(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function sameIds(one: readonly unknown[], other: readonly unknown[]): boolean {
  return one.length === other.length && new Set(one).size === one.length && one.every((id) => other.includes(id))
}

/** A text, or a list of blocks of which none is empty. */
function content(broken: Broken, value: unknown, block: (each: Fields) => void, where: unknown): void {
  if (typeof value === 'string') {
    broken.text(value, where)
    return
  }
  broken.check(Array.isArray(value) && value.length > 0, 'no content is empty', where)
  for (const each of list(value)) {
    if (each['type'] === 'text' || each['type'] === 'input_text' || each['type'] === 'output_text')
      broken.text(each['text'], each)
    block(each)
  }
}

function imageUrl(broken: Broken, url: unknown, where: unknown): void {
  const isFetched = typeof url === 'string' && /^https?:\S+$/.test(url)
  const [, type = '', data = ''] = /^data:([^;,]+);base64,(.*)$/.exec(String(url)) ?? []
  broken.check(isFetched || (IMAGE.test(type) && BASE64.test(data)), 'images are of a type that is accepted', where)
}

export function openAIChat(messages: readonly object[]): readonly string[] {
  const broken = new Broken()
  let awaited: unknown[] = []
  for (const message of messages as readonly Fields[]) {
    const { role, tool_calls: calls, tool_call_id: id } = message
    if (role === 'tool') {
      broken.check(awaited.includes(id), 'a result follows its call directly, once', message)
      awaited = awaited.filter((each) => each !== id)
      if (typeof message['content'] !== 'string') {
        content(
          broken,
          message['content'],
          ({ type }) => broken.check(type === 'text', 'tool messages hold texts only', message),
          message,
        )
      }
      continue
    }
    broken.check(awaited.length === 0, 'all results come directly after the calls', message)
    awaited = list(calls).map((call) => call['id'])
    if (role === 'user') content(broken, message['content'], (block) => chatBlock(broken, block), message)
    else if (role === 'assistant') chatAnswer(broken, message)
    else {
      broken.check(role === 'system' || role === 'developer', 'roles are known', message)
      content(
        broken,
        message['content'],
        ({ type }) => broken.check(type === 'text', 'system messages hold texts only', message),
        message,
      )
    }
  }
  broken.check(awaited.length === 0, 'the last call is answered', awaited)
  return broken.rules
}

function chatBlock(broken: Broken, block: Fields): void {
  const { type } = block
  broken.check(['text', 'image_url', 'input_audio', 'file'].includes(String(type)), 'user blocks are known', block)
  if (type === 'image_url') imageUrl(broken, object(block['image_url'])['url'], block)
  if (type === 'input_audio')
    broken.check(BASE64.test(String(object(block['input_audio'])['data'])), 'audio is base64', block)
}

function chatAnswer(broken: Broken, message: Fields): void {
  const { content: said, tool_calls: calls, refusal } = message
  broken.check(
    typeof refusal === 'string' || list(calls).length > 0 || (said !== null && said !== undefined),
    'an answer says or calls something',
    message,
  )
  if (said !== null && said !== undefined) {
    content(
      broken,
      said,
      ({ type }) => broken.check(type === 'text' || type === 'refusal', 'answers hold texts only', message),
      message,
    )
  }
  broken.check(calls === undefined || list(calls).length > 0, 'a list of calls is not empty', message)
  for (const call of list(calls)) {
    const inside = object(call[String(call['type'])])
    broken.call(call['id'], inside['name'], /^[a-zA-Z0-9_-]{1,40}$/)
    broken.check(typeof (inside['arguments'] ?? inside['input']) === 'string', 'arguments are a text', call)
  }
}

export function openAIResponses(items: readonly object[]): readonly string[] {
  const broken = new Broken()
  const open = new Map<unknown, string>()
  let answering = false
  let reasoned = false
  const ids = new Set<unknown>()
  for (const item of items as readonly Fields[]) {
    const type = string(item['type'] ?? 'message')
    const { id } = item
    if (id !== undefined) {
      broken.check(typeof id === 'string' && /^.{1,64}$/.test(id), 'ids of items are texts up to 64 characters', item)
      broken.check(!ids.has(id), 'ids of items are unique in the request', item)
      ids.add(id)
    }
    const isOutput = /^(function_call|custom_tool_call)_output$/.test(type)
    const isOfModel =
      type.endsWith('_call') || type === 'reasoning' || (type === 'message' && item['role'] === 'assistant')
    broken.check(!reasoned || isOfModel, 'something of the same answer follows reasoning', item)
    if (isOutput) {
      broken.check(open.get(item['call_id']) === type, 'an output answers a call before it, once', item)
      open.delete(item['call_id'])
      answering = open.size > 0
      if (typeof item['output'] !== 'string')
        content(broken, item['output'], (block) => responsesBlock(broken, block), item)
    } else {
      broken.check(!answering && (isOfModel || open.size === 0), 'all outputs come directly after the calls', item)
      if (type === 'function_call' || type === 'custom_tool_call') {
        broken.call(item['call_id'], item['name'])
        broken.check(typeof (item['arguments'] ?? item['input']) === 'string', 'arguments are a text', item)
        open.set(item['call_id'], `${type}_output`)
      } else if (type === 'reasoning') {
        broken.check(id !== undefined && Array.isArray(item['summary']), 'reasoning has id and summary', item)
        broken.check(
          !('content' in item) || Array.isArray(item['content']),
          'its content is a list, or not there',
          item,
        )
      } else if (type === 'message') {
        content(broken, item['content'], (block) => responsesBlock(broken, block), item)
      }
    }
    reasoned = type === 'reasoning'
  }
  broken.check(open.size === 0, 'the last call is answered', [...open])
  broken.check(!reasoned, 'reasoning is not last', items.at(-1))
  return broken.rules
}

function responsesBlock(broken: Broken, block: Fields): void {
  const { type } = block
  broken.check(
    ['input_text', 'input_image', 'input_file', 'output_text', 'refusal'].includes(String(type)),
    'blocks are known',
    block,
  )
  const hasFileId = typeof block['file_id'] === 'string' && block['file_id'] !== ''
  if (type === 'input_image' && !hasFileId) {
    imageUrl(broken, block['image_url'], block)
    broken.check(typeof block['detail'] === 'string', 'images say their detail', block)
  }
  if (type === 'input_file' && !hasFileId)
    broken.check(string(block['file_url'] ?? block['file_data']) !== '', 'files are somewhere', block)
}

export function anthropic({
  system,
  messages,
}: {
  readonly system?: unknown
  readonly messages: readonly object[]
}): readonly string[] {
  const broken = new Broken()
  if (system !== undefined)
    content(broken, system, ({ type }) => broken.check(type === 'text', 'system holds texts only', system), system)
  let awaited: unknown[] = []
  for (const [at, message] of (messages as readonly Fields[]).entries()) {
    const { role } = message
    broken.check(role === (at % 2 === 0 ? 'user' : 'assistant'), 'user and assistant alternate, a user begins', message)
    content(broken, message['content'], (block) => anthropicBlock(broken, block, role), message)
    const blocks = list(message['content'])
    const results = blocks.filter(({ type }) => type === 'tool_result')
    broken.check(
      sameIds(
        results.map((block) => block['tool_use_id']),
        awaited,
      ),
      'the next user message answers each call once',
      message,
    )
    broken.check(
      blocks.slice(0, results.length).every(({ type }) => type === 'tool_result'),
      'results are first',
      message,
    )
    broken.check(!string(blocks.at(-1)?.['type']).endsWith('thinking'), 'thinking is not last', message)
    awaited = blocks.filter(({ type }) => type === 'tool_use').map(({ id }) => id)
  }
  broken.check(awaited.length === 0, 'the last call is answered', awaited)
  const last = messages.at(-1) as Fields | undefined
  const text = typeof last?.['content'] === 'string' ? last['content'] : list(last?.['content']).at(-1)?.['text']
  broken.check(
    last?.['role'] !== 'assistant' || !/\s$/.test(string(text)),
    'a prefill does not end with white space',
    last,
  )
  return broken.rules
}

function anthropicBlock(broken: Broken, block: Fields, role: unknown): void {
  const { type, source } = block
  const allowed =
    role === 'user'
      ? ['text', 'image', 'document', 'tool_result']
      : ['text', 'thinking', 'redacted_thinking', 'tool_use']
  broken.check(allowed.includes(String(type)), `${String(role)} messages hold such blocks`, block)
  if (type === 'image' || type === 'document') anthropicSource(broken, type, object(source))
  if (type === 'thinking')
    broken.check(typeof block['signature'] === 'string' && block['signature'] !== '', 'thinking is signed', block)
  if (type === 'redacted_thinking')
    broken.check(typeof block['data'] === 'string' && block['data'] !== '', 'redacted thinking has data', block)
  if (type === 'tool_use') {
    broken.call(block['id'], block['name'])
    broken.check(isObject(block['input']), 'arguments are an object', block)
  }
  if (type !== 'tool_result' || block['content'] === undefined) return
  content(
    broken,
    block['content'],
    (each) => {
      broken.check(['text', 'image', 'document'].includes(String(each['type'])), 'results hold such blocks', each)
      if (each['type'] !== 'text') anthropicSource(broken, String(each['type']), object(each['source']))
    },
    block,
  )
}

function anthropicSource(broken: Broken, type: string, source: Fields): void {
  const { type: kind, media_type: mediaType, data, url } = source
  if (kind === 'url') broken.check(/^https?:\S+$/.test(String(url)), 'sources can be fetched', source)
  else if (kind === 'text') broken.text(data, source)
  else {
    broken.check(
      (type === 'image' ? IMAGE : /^application\/pdf$/).test(String(mediaType)),
      'media types are accepted',
      source,
    )
    broken.check(BASE64.test(String(data)), 'data is base64', source)
  }
}

const GEMINI_NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/
const GEMINI_KINDS = ['text', 'inlineData', 'fileData', 'functionCall', 'functionResponse']

export function gemini({
  systemInstruction,
  contents,
}: {
  readonly systemInstruction?: unknown
  readonly contents: readonly object[]
}): readonly string[] {
  const broken = new Broken()
  if (systemInstruction !== undefined) {
    for (const part of list(object(systemInstruction)['parts'])) broken.text(part['text'], part)
  }
  let calls: Fields[] = []
  for (const [at, item] of (contents as readonly Fields[]).entries()) {
    const { role } = item
    const parts = list(item['parts'])
    broken.check(role === (at % 2 === 0 ? 'user' : 'model'), 'user and model alternate, a user begins', item)
    broken.check(parts.length > 0, 'no content is empty', item)
    for (const part of parts) geminiPart(broken, part, role)
    const responses = parts.flatMap((part) =>
      part['functionResponse'] === undefined ? [] : [object(part['functionResponse'])],
    )
    broken.check(
      parts.slice(0, responses.length).every((part) => part['functionResponse'] !== undefined),
      'responses are first',
      item,
    )
    broken.check(
      sameIds(
        responses.map(({ id }) => id),
        calls.map(({ id }) => id),
      ),
      'there is a response for each call',
      item,
    )
    for (const { id, name } of responses) {
      broken.check(
        calls.some((call) => call['id'] === id && call['name'] === name),
        'a response has the name of its call',
        item,
      )
    }
    broken.check(parts.at(-1)?.['thought'] !== true, 'a thought is not last', item)
    calls = parts.flatMap((part) => (part['functionCall'] === undefined ? [] : [object(part['functionCall'])]))
  }
  broken.check(calls.length === 0, 'the last call is answered', calls)
  return broken.rules
}

function geminiPart(broken: Broken, part: Fields, role: unknown): void {
  const kinds = GEMINI_KINDS.filter((kind) => part[kind] !== undefined)
  broken.check(kinds.length === 1, 'a part is of one kind', part)
  if (part['text'] !== undefined) broken.text(part['text'], part)
  const call = object(part['functionCall'])
  if (part['functionCall'] !== undefined) {
    broken.check(role === 'model' && isObject(call['args']), 'the model calls, with an object', part)
    broken.call(call['id'], call['name'], /./, GEMINI_NAME)
  }
  if (part['functionResponse'] !== undefined) {
    broken.check(
      role === 'user' && isObject(object(part['functionResponse'])['response']),
      'the user responds, with an object',
      part,
    )
  }
  const { mimeType, data } = object(part['inlineData'])
  if (part['inlineData'] !== undefined) {
    broken.check(
      /^(image\/(png|jpeg|webp|gif|heic|heif|avif)|(audio|video|text)\/[\w.+-]+|application\/pdf)$/.test(
        String(mimeType),
      ) && BASE64.test(String(data)),
      'inline data is base64 of a type that is taken',
      part,
    )
  }
}

export function modelMessages(messages: readonly object[]): readonly string[] {
  const broken = new Broken()
  let awaited: unknown[] = []
  for (const message of messages as readonly Fields[]) {
    const { role } = message
    const blocks = list(message['content'])
    if (role === 'tool') {
      broken.check(blocks.length > 0, 'no content is empty', message)
      for (const { type, toolCallId } of blocks) {
        broken.check(
          type === 'tool-result' && awaited.includes(toolCallId),
          'a result follows its call directly, once',
          message,
        )
        awaited = awaited.filter((id) => id !== toolCallId)
      }
      continue
    }
    broken.check(awaited.length === 0, 'all results come directly after the calls', message)
    awaited = []
    content(
      broken,
      message['content'],
      ({ type }) => {
        const allowed =
          role === 'user' ? ['text', 'image', 'file'] : ['text', 'file', 'reasoning', 'tool-call', 'tool-result']
        broken.check(role !== 'system' && allowed.includes(String(type)), 'messages hold such parts', message)
      },
      message,
    )
    broken.check(blocks.at(-1)?.['type'] !== 'reasoning', 'reasoning is not last', message)
    for (const block of blocks.filter(({ type }) => type === 'tool-call')) {
      broken.call(block['toolCallId'], block['toolName'])
      const results = blocks.filter(
        ({ type, toolCallId }) => type === 'tool-result' && toolCallId === block['toolCallId'],
      )
      if (block['providerExecuted'] === true)
        broken.check(results.length === 1, 'what the provider ran is answered there', message)
      else awaited.push(block['toolCallId'])
    }
  }
  broken.check(awaited.length === 0, 'the last call is answered', awaited)
  return broken.rules
}

export function uiMessages(messages: readonly object[]): readonly string[] {
  const broken = new Broken()
  for (const message of messages as readonly Fields[]) {
    broken.check(list(message['parts']).length > 0, 'no message is empty', message)
    for (const part of list(message['parts'])) {
      const type = String(part['type'])
      if (!type.startsWith('tool-') && type !== 'dynamic-tool') continue
      broken.check(message['role'] === 'assistant', 'only the model calls', message)
      broken.check(String(part['state']).startsWith('output-'), 'every call is answered', part)
      broken.call(part['toolCallId'], 'any', /./)
    }
  }
  return broken.rules
}

/** Rules that hold for every target: no signature of another provider is sent. Generated signatures begin with their maker's name. */
export function foreignSignatures(value: unknown, maker: string | undefined): readonly string[] {
  const found = JSON.stringify(value).match(/(anthropic|openai|google|nobody)-(signature|encrypted)/g) ?? []
  return found.filter((each) => maker === undefined || !each.startsWith(`${maker}-`))
}
