/** Temporary folders, gone when the process ends. Where they are is the system's choice: set TMPDIR for another disk. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** @type {string[]} */
const folders = []

/** A new empty folder. @param {string} name says what it is for */
export function tempFolder(name) {
  const folder = mkdtempSync(join(tmpdir(), `foldlog-bench-${name}-`))
  folders.push(folder)
  return folder
}

/** Removes a folder early. @param {string} folder */
export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true })
}

process.on('exit', () => {
  for (const folder of folders) removeFolder(folder)
})
// Without a listener these end the process without `exit`.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
