import { test } from 'vitest'
import { memoryBackend } from '../../src/backends/memory.ts'
import { backendContract, mirrorBackend } from '../../src/testing/index.ts'
import { openFile } from '../testing/temp.ts'

await backendContract({
  test,
  async open() {
    const { backend, done } = await openFile()
    return { backend: mirrorBackend(memoryBackend(), backend), done }
  },
})
