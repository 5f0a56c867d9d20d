import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** With all rounds (test/support/rounds.ts) any property may take as long as it needs. */
const isLong = process.env['FOLDLOG_ROUNDS'] === 'long'

/** What every project shares. Patterns are relative to the folder that `dir` or `--dir` names. */
const shared = {
  dir: 'test',
  exclude: ['**/node_modules/**', '**/bench/**'],
  pool: 'forks',
  testTimeout: isLong ? 3_600_000 : 60_000,
  hookTimeout: 60_000,
} as const

export default defineConfig({
  test: {
    // Half of the time tests wait: for processes, disks and watchers. One core alone would be idle then.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { test: { ...shared, name: 'default', include: ['**/*.test.ts'], env: { CHOKIDAR_MAJOR: '5' } } },
      {
        // Node 20 installs chokidar 5, newer ones 6: whatever watches is tested with both.
        resolve: { alias: { chokidar: 'chokidar-6' } },
        test: { ...shared, name: 'chokidar-6', include: ['**/watch*.test.ts'], env: { CHOKIDAR_MAJOR: '6' } },
      },
    ],
  },
})
