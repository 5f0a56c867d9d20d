/**
 * ModelMessages of the AI SDK → foldlog. The other way is model-messages.ts. Everything in this file is pure.
 */
import type { Json, JsonObject } from '../json.ts'
import type { ErrorInfo, FilePart, TextPart, ToolCallPart, ToolResultPart } from '../message.ts'
import type { MessageInput, PartInput } from '../stamp.ts'
import { KEY, fileFrom, metadataFrom, signedFrom } from './ai-sdk.ts'
import { WHOLE } from './content.ts'
import {
  Inputs,
  callIdOf,
  contentIn,
  invalid,
  jsonOf,
  objectAt,
  objectsIn,
  opaquePart,
  restOf,
  textOf,
  under,
  type Foreign,
} from './foreign.ts'
import { ignore, type ParseOptions, type Report } from './loss.ts'
import { TARGET } from './model-messages.ts'
import { isPlain } from './owner.ts'
import { DENIED } from './steps.ts'

/**
 * ModelMessages of the AI SDK as `session.add` takes them: one each.
 *
 * Requests to approve a call, and their answers, become `approval` of the call. Throws `INVALID_OPTION`, naming the place, for what is
 * no message.
 */
export function fromModelMessages(messages: readonly object[], options: ParseOptions = {}): MessageInput[] {
  const parser = new Parser(options.report ?? ignore)
  return objectsIn(messages, 'messages').map((from) => parser.message(from))
}

class Parser {
  readonly #report: Report
  readonly #inputs = new Inputs()
  /** Where the calls are that somebody was asked to approve: the parts of their message, and the place in it. */
  readonly #asked = new Map<string, { readonly parts: PartInput[]; readonly callId: string }>()

  constructor(report: Report) {
    this.#report = report
  }

  message(from: Foreign): MessageInput {
    const { role, providerOptions } = from.value
    if (role !== 'system' && role !== 'user' && role !== 'assistant' && role !== 'tool') {
      throw invalid(`${from.path}.role`, `is ${JSON.stringify(role)}: expected system, user, assistant or tool`)
    }
    restOf(from, ['role', 'content', 'providerOptions'], [], this.#report)
    const own =
      providerOptions === undefined ? {} : { providerOptions: jsonOf(providerOptions, `${from.path}.providerOptions`) }
    const content = contentIn(from)
    const parts: PartInput[] = typeof content === 'string' ? [{ id: WHOLE, type: 'text', text: content }] : []
    if (typeof content !== 'string') {
      for (const [at, block] of content.entries()) this.#addPart(parts, block, String(at))
    }
    return { role, parts, ...under('metadata', KEY, own) }
  }

  #addPart(parts: PartInput[], block: Foreign, id: string): void {
    const { type, toolCallId, approvalId, approved } = block.value
    if (type === 'tool-approval-request') {
      this.#asked.set(textOf(approvalId), { parts, callId: callIdOf(toolCallId) })
      this.#approve(textOf(approvalId), 'requested', block)
    } else if (type === 'tool-approval-response') {
      this.#approve(textOf(approvalId), approved === true ? 'approved' : 'denied', block)
    } else parts.push(this.#part(block, id))
  }

  #approve(approvalId: string, approval: NonNullable<ToolCallPart['approval']>, { path }: Foreign): void {
    const asked = this.#asked.get(approvalId)
    const at = asked?.parts.findIndex((part) => part.type === 'tool-call' && part.callId === asked.callId) ?? -1
    const call = asked?.parts[at]
    if (asked === undefined || call?.type !== 'tool-call') {
      this.#report({ kind: 'dropped', what: 'part', reason: 'there is no call that it speaks of', path })
      return
    }
    asked.parts[at] = { ...call, approval }
    this.#report({ kind: 'changed', what: 'part', reason: 'it is the approval of its call', path })
  }

  #part(block: Foreign, id: string): PartInput {
    const { value, path } = block
    const rest = (...known: string[]): void =>
      void restOf(block, ['type', 'providerOptions', ...known], [], this.#report)
    const metadata = (own: JsonObject = {}): { readonly providerMetadata?: Json } =>
      metadataFrom(value['providerOptions'], own, `${path}.providerOptions`)
    switch (value['type']) {
      case 'text':
        rest('text')
        return { id, type: 'text', text: textOf(value['text']), ...metadata() }
      case 'reasoning':
        rest('text')
        return { id, type: 'reasoning', text: textOf(value['text']), ...signedFrom(value['providerOptions'], {}, path) }
      case 'image':
      case 'file':
        rest('image', 'data', 'mediaType', 'filename')
        return { id, ...this.#file(block) }
      case 'tool-call': {
        rest('toolCallId', 'toolName', 'input', 'providerExecuted')
        const [callId, name] = [callIdOf(value['toolCallId']), textOf(value['toolName'])]
        this.#inputs.called(callId, name)
        const own = value['providerExecuted'] === true ? { providerExecuted: true } : {}
        return { id, type: 'tool-call', callId, name, input: jsonOf(value['input'], `${path}.input`), ...metadata(own) }
      }
      case 'tool-result':
        rest('toolCallId', 'toolName', 'output')
        return this.#result(block, id, metadata)
      default:
        return opaquePart(id, TARGET.opaque, block)
    }
  }

  #file(block: Foreign): Omit<FilePart, 'id'> {
    const { type, image, data, mediaType, filename, providerOptions } = block.value
    const isImage = type === 'image'
    const { file, isDataUrl, isBytes } = fileFrom(
      isImage ? image : data,
      textOf(mediaType) || (isImage ? 'image/*' : '*/*'),
    )
    if (isBytes)
      this.#report({ kind: 'changed', what: 'file', reason: 'bytes are base64 and URLs are texts', path: block.path })
    const own = {
      ...(isImage ? { type: 'image' } : {}),
      ...(isImage && mediaType === undefined ? { noMediaType: true } : {}),
      ...(isDataUrl ? { dataUrl: true } : {}),
    }
    const name = typeof filename === 'string' ? { name: filename } : {}
    return { ...file, ...name, ...metadataFrom(providerOptions, own, block.path) }
  }

  #result(block: Foreign, id: string, metadata: (own?: JsonObject) => { readonly providerMetadata?: Json }): PartInput {
    const { toolCallId, toolName } = block.value
    const output = objectAt(block, 'output')
    const { type, value, reason } = output.value
    const make = (body: Partial<ToolResultPart>, own?: JsonObject): PartInput =>
      this.#inputs.result(id, callIdOf(toolCallId), { name: textOf(toolName), ...body, ...metadata(own) })
    restOf(output, ['type', 'value', 'reason'], [], this.#report)
    switch (type) {
      case 'text':
        return make({ output: textOf(value) })
      case 'error-text':
        return make({ error: { message: textOf(value) } })
      case 'error-json': {
        const json = jsonOf(value, output.path)
        const message = isPlain(json) ? messageOf(json) : JSON.stringify(json)
        return make({ output: json, error: { message } }, typeof json === 'string' ? { output: 'json' } : undefined)
      }
      case 'execution-denied': {
        const error: ErrorInfo = { code: DENIED.code, message: textOf(reason) || DENIED.message }
        return make({ error })
      }
      case 'content':
        return make({
          content: objectsIn(value, `${output.path}.value`).flatMap((each, at) =>
            this.#resultContent(each, String(at)),
          ),
        })
      default: {
        const json = jsonOf(value, output.path)
        return make({ output: json }, typeof json === 'string' ? { output: 'json' } : undefined)
      }
    }
  }

  #resultContent(block: Foreign, id: string): (TextPart | FilePart)[] {
    const { type, text, data, url, mediaType, filename } = block.value
    const rest = (...known: string[]): void => void restOf(block, ['type', ...known], [], this.#report)
    if (type === 'text') {
      rest('text')
      return [{ id, type: 'text', text: textOf(text) }]
    }
    const own = metadataFrom(undefined, { type: textOf(type) }, block.path)
    const name = typeof filename === 'string' ? { name: filename } : {}
    if (type === 'media' || type === 'file-data' || type === 'image-data') {
      rest('data', 'mediaType', 'filename')
      return [{ id, type: 'file', mediaType: textOf(mediaType) || '*/*', data: textOf(data), ...name, ...own }]
    }
    if (type === 'file-url' || type === 'image-url') {
      rest('url', 'mediaType')
      const otherwise = type === 'image-url' ? 'image/*' : '*/*'
      return [{ id, type: 'file', mediaType: textOf(mediaType) || otherwise, url: textOf(url), ...own }]
    }
    this.#report({ kind: 'dropped', what: 'file', reason: 'foldlog has no word for it', path: block.path })
    return []
  }
}

function messageOf(json: JsonObject): string {
  return typeof json['message'] === 'string' ? json['message'] : JSON.stringify(json)
}
