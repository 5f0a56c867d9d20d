export { MemorySession } from '@openai/agents-core'
