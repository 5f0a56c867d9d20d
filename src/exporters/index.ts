/** What `foldlog/exporters` exports: one function for each target, all of which give text in pieces. */
export { exportLog, type LogOptions } from './log.ts'
export { countLosses, type LossCount } from './losses.ts'
export { exportMarkdown, type MarkdownOptions } from './markdown.ts'
export { exportOpenAIChat, type ChatOptions } from './openai-chat.ts'
export { exportPi, type PiOptions } from './pi.ts'
export type { Exportable, ExportOptions } from './view.ts'
export type { ReadStored } from '../inline.ts'
export type { Loss, Report } from '../messages/loss.ts'
