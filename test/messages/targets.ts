/** The targets of the conversions, each with the rules that its output breaks. */
import type { Message } from '../../src/index.ts'
import {
  toAnthropic,
  toGemini,
  toModelMessages,
  toOpenAIChat,
  toOpenAIResponses,
  toUIMessages,
  type ConvertOptions,
} from '../../src/messages/index.ts'
import * as rules from './rules.ts'

/** Each target, and the rules its output breaks. */
export const TARGETS: Readonly<
  Record<string, (messages: readonly Message[], options?: ConvertOptions) => readonly string[]>
> = {
  'OpenAI Chat': (messages, options) => {
    const out = toOpenAIChat(messages, options)
    return [...rules.openAIChat(out), ...rules.foreignSignatures(out, undefined)]
  },
  'OpenAI Responses': (messages, options) => {
    const out = toOpenAIResponses(messages, options)
    return [...rules.openAIResponses(out), ...rules.foreignSignatures(out, 'openai')]
  },
  Anthropic: (messages, options) => {
    const out = toAnthropic(messages, options)
    return [...rules.anthropic(out), ...rules.foreignSignatures(out, 'anthropic')]
  },
  Gemini: (messages, options) => {
    const out = toGemini(messages, options)
    return [...rules.gemini(out), ...rules.foreignSignatures(out, 'google')]
  },
  ModelMessage: (messages, options) => {
    const out = toModelMessages(messages, options)
    return [...rules.modelMessages(out), ...ownKeys(out)]
  },
  UIMessage: (messages, options) => {
    const out = toUIMessages(messages, options)
    return [...rules.uiMessages(out), ...ownKeys(out)]
  },
}

/** In the AI SDK each provider reads its own key only: every signature stands under the key of its maker. */
function ownKeys(out: unknown): readonly string[] {
  const text = JSON.stringify(out)
  const makers = ['anthropic', 'openai', 'google'].filter((maker) =>
    new RegExp(`"(?!${maker}"|itemId)[a-z]+":\\{[^{}]*"${maker}-(signature|encrypted)`).test(text),
  )
  return [...makers, ...(/nobody-(signature|encrypted)/.test(text) ? ['nobody'] : [])].map(
    (maker) => `a signature of ${maker} is misplaced`,
  )
}
