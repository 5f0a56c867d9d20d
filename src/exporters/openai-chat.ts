/**
 * A conversation as one line of OpenAI-chat JSONL, `{"messages":[…]}`: what fine-tuning, evaluations and data sets take.
 */
import { inlineMessage } from '../inline.ts'
import type { Message } from '../message.ts'
import { toOpenAIChat } from '../messages/openai-chat.ts'
import { ignore, type Report } from '../messages/loss.ts'
import { NOTHING } from './contents.ts'
import { reportOthers } from './losses.ts'
import type { Exportable, ExportOptions } from './view.ts'

export interface ChatOptions extends ExportOptions {
  /** Called once for each thing of the conversation that the line does not hold (docs/messages.md), and once for each message on other branches. */
  readonly report?: Report
}

/** One line with its line feed. Everything that was said on the branch is in it, also what a summary stands for by now. */
export async function* exportOpenAIChat(view: Exportable, options: ChatOptions = {}): AsyncGenerator<string> {
  const { branch, files = NOTHING, report = ignore } = options
  const messages: Message[] = []
  for (const message of await view.messages(branch === undefined ? {} : { branch })) {
    messages.push(await inlineMessage(message, files))
  }
  yield `${JSON.stringify({ messages: toOpenAIChat(messages, { report }) })}\n`
  await reportOthers(view, branch, report)
}
