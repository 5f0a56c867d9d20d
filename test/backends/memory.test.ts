import { test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { backendContract } from '../../src/testing/index.ts'

await backendContract({ test, open: async () => ({ backend: memoryBackend(), done: async () => {} }) })
