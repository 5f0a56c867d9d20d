/**
 * What `fsckFiles` says, as a list.
 */
import type { FileReport } from '../../src/fsck-files.ts'
import type { Store } from '../../src/store.ts'

/** Every report of a namespace, or of one session. */
export async function reportsOf(store: Store, id?: string): Promise<FileReport[]> {
  const reports: FileReport[] = []
  for await (const report of store.fsckFiles(id)) reports.push(report)
  return reports
}
