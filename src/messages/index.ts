/** What `foldlog/messages` exports: conversions between messages of foldlog and those of providers and the AI SDK. */
export { filesOf } from './content.ts'
export type { ConvertOptions, Loss, ParseOptions, Report } from './loss.ts'
export { toOpenAIChat } from './openai-chat.ts'
export { fromOpenAIChat } from './from-openai-chat.ts'
export type {
  ChatAssistantMessage,
  ChatAudio,
  ChatFile,
  ChatImage,
  ChatMessage,
  ChatRefusal,
  ChatSystemMessage,
  ChatText,
  ChatToolCall,
  ChatToolMessage,
  ChatUserBlock,
  ChatUserMessage,
} from './openai-chat.ts'
export { toOpenAIResponses } from './openai-responses.ts'
export { fromOpenAIResponses } from './from-openai-responses.ts'
export type {
  ResponsesCall,
  ResponsesContent,
  ResponsesCustomCall,
  ResponsesFile,
  ResponsesImage,
  ResponsesItem,
  ResponsesMessage,
  ResponsesOutput,
  ResponsesOutputMessage,
  ResponsesReasoning,
  ResponsesText,
} from './openai-responses.ts'
export { toAnthropic } from './anthropic.ts'
export type {
  AnthropicBlock,
  AnthropicConversation,
  AnthropicDocument,
  AnthropicImage,
  AnthropicMessage,
  AnthropicRedactedThinking,
  AnthropicResultBlock,
  AnthropicText,
  AnthropicThinking,
  AnthropicToolResult,
  AnthropicToolUse,
} from './anthropic.ts'
export { fromAnthropic } from './from-anthropic.ts'
export { toGemini } from './gemini.ts'
export { fromGemini } from './from-gemini.ts'
export type { GeminiContent, GeminiConversation, GeminiPart } from './gemini.ts'
export { toModelMessages } from './model-messages.ts'
export { fromModelMessages } from './from-model-messages.ts'
export type {
  ModelFile,
  ModelImage,
  ModelMessage,
  ModelOutput,
  ModelReasoning,
  ModelResultContent,
  ModelText,
  ModelToolCall,
  ModelToolResult,
} from './model-messages.ts'
export { toUIMessages } from './ui-messages.ts'
export type {
  UIData,
  UIFile,
  UIMessage,
  UIOptions,
  UIPart,
  UIReasoning,
  UIStepStart,
  UIText,
  UITool,
} from './ui-messages.ts'
export { fromUIMessages } from './from-ui-messages.ts'
