import { describe, test } from 'vitest'
import { backendContract } from '../../src/testing/index.ts'
import { openFile } from '../testing/temp.ts'

for (const fsync of ['everysec', 'always', 'never'] as const) {
  describe(`shared, fsync: ${fsync}`, async () => {
    await backendContract({ test, open: () => openFile({ fsync, shared: true }) })
  })
}
