/**
 * The conversation everybody writes: a question, an answer that calls a tool, the tool's result, the answer.
 *
 * Lines of 542 bytes on average, for which the targets were measured, most with some text that is not ASCII. Texts are
 * the same in every run. `agents.mjs` makes conversations with the sizes of real agents.
 */

const WORDS = (
  'the refund order shipping customer account invoice payment address please check status delivery reason policy ' +
  'return item date number answer system request update value result table error retry größe straße prüfen für ' +
  'zurück façade naïve été señor número 日本 東京 確認 返金 注文 → ✓ …'
).split(' ')

/** Numbers in [0, 1) that come out the same every time. @param {number} seed */
export function randomFrom(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** Words, of at least so many characters. @param {() => number} random @param {number} length */
export function sentence(random, length) {
  let text = ''
  while (text.length < length) text += `${text === '' ? '' : ' '}${WORDS[Math.floor(random() * WORDS.length)]}`
  return text
}

/**
 * @typedef {object} Input a message as callers of `session.add` write it
 * @property {'user' | 'assistant' | 'tool'} role
 * @property {readonly object[]} parts
 * @property {string} [model]
 * @property {object} [usage]
 */

/** `count` messages. Other seeds give other texts and call ids. @param {number} count @param {number} seed @returns {Input[]} */
export function messageInputs(count, seed = 0) {
  const random = randomFrom(seed)
  return Array.from({ length: count }, (_, i) => messageInput(random, i, seed))
}

/** @param {() => number} random @param {number} i @param {number} seed @returns {Input} */
function messageInput(random, i, seed) {
  const callId = `call_${seed}_${String(i >> 2).padStart(6, '0')}`
  const usage = () => ({ inputTokens: Math.floor(random() * 9000), outputTokens: Math.floor(random() * 900) })
  const text = (/** @type {number} */ length) => ({ type: 'text', text: sentence(random, length * (0.5 + random())) })
  switch (i % 4) {
    case 0:
      return { role: 'user', parts: [text(195)] }
    case 1: {
      const call = { type: 'tool-call', callId, name: 'lookup_order', input: { order: i, query: sentence(random, 40) } }
      return { role: 'assistant', parts: [text(55), call], model: 'gpt-5', usage: usage() }
    }
    case 2: {
      const output = { ok: true, rows: [i, i + 1], text: sentence(random, 95 + random() * 130) }
      return { role: 'tool', parts: [{ type: 'tool-result', callId, name: 'lookup_order', output }] }
    }
    default:
      return { role: 'assistant', parts: [text(185)], model: 'gpt-5', usage: usage() }
  }
}

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** A ULID. @param {number} time @param {() => number} random */
export function ulidAt(time, random) {
  let head = ''
  for (let i = 0, rest = time; i < 10; i++, rest = Math.floor(rest / 32)) head = ALPHABET[rest % 32] + head
  let tail = ''
  for (let i = 0; i < 16; i++) tail += ALPHABET[Math.floor(random() * 32)]
  return head + tail
}

/**
 * The events of a session as they lie in its log: `session.created`, then `count` messages, a second apart.
 *
 * @param {number} count
 * @param {number} start ms since the epoch of the first
 * @param {number} seed of their texts and ids
 */
export function events(count, start, seed = 1) {
  return eventsOf(messageInputs(count, seed), start, seed)
}

/** The same of any messages. @param {readonly Input[]} inputs @param {number} start @param {number} seed of their ids */
export function eventsOf(inputs, start, seed = 1) {
  const random = randomFrom(seed * 7919 + 1)
  const list = [event(ulidAt(start, random), 'session.created', start, { title: `Session ${seed}` })]
  let turnId = ''
  let head = ''
  for (const [i, input] of inputs.entries()) {
    const time = start + (i + 1) * 1000
    const id = ulidAt(time, random)
    const isFirst = input.role === 'user'
    if (isFirst) turnId = id
    list.push(event(id, 'message.created', time, messageData(input, id, turnId, isFirst ? head : '')))
    head = id
  }
  return list
}

/** @param {string} id @param {string} type @param {number} time @param {object} data */
function event(id, type, time, data) {
  return { v: 1, id, type, time: new Date(time).toISOString(), data }
}

/** @param {Input} input @param {string} id @param {string} turnId @param {string} after empty: none */
function messageData(input, id, turnId, after) {
  const { role, parts, ...rest } = input
  const numbered = parts.map((part, i) => ({ id: `p${i + 1}`, ...part }))
  return { id, turnId, ...(after === '' ? {} : { after }), role, status: 'completed', ...rest, parts: numbered }
}

/** The lines of {@link events}. @param {Parameters<typeof events>} args */
export function lines(...args) {
  return events(...args).map((item) => `${JSON.stringify(item)}\n`)
}

/** The same message as pi has it. @param {Input} input @param {number} timestamp */
export function piMessage(input, timestamp) {
  const content = input.parts.map(piContent)
  if (input.role === 'user') return { role: 'user', content, timestamp }
  if (input.role === 'tool') {
    const { callId, name } = /** @type {any} */ (input.parts[0])
    return { role: 'toolResult', toolCallId: callId, toolName: name, content, isError: false, timestamp }
  }
  const { inputTokens, outputTokens } = /** @type {any} */ (input.usage)
  const cost = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 }
  const usage = {
    input: inputTokens,
    output: outputTokens,
    cacheRead: 0,
    cacheWrite: 0,
    totalTokens: inputTokens + outputTokens,
    cost,
  }
  const origin = { api: 'openai-responses', provider: 'openai', model: input.model }
  return { role: 'assistant', content, ...origin, usage, stopReason: 'stop', timestamp }
}

/** @param {any} part */
function piContent(part) {
  if (part.type === 'tool-call') return { type: 'toolCall', id: part.callId, name: part.name, arguments: part.input }
  return { type: 'text', text: part.type === 'text' ? part.text : JSON.stringify(part.output) }
}
