/**
 * Removes attachments while others put and read them.
 *
 *     <name> → .<name>.gone → nothing, or <name> again
 *
 * Who puts the same bytes meanwhile touches the file first and then looks whether it is in its place (files.ts); here it is first
 * taken out of its place and then looked at. So one of the two always notices.
 */
import type { StoredFile } from '../../backend.ts'
import { isMissing } from './failure.ts'
import { describe } from './files.ts'
import { io } from './io.ts'
import { gonePath } from './paths.ts'

/** What `Rewrites.sweep` says, in a directory of attachments. Throws what the system throws. */
export async function sweepFiles(
  directory: string,
  files: readonly StoredFile[],
  recheck: () => Promise<(name: string) => boolean>,
): Promise<readonly string[]> {
  const removed: string[] = []
  const aside: StoredFile[] = []
  let stays: ((name: string) => boolean) | undefined
  try {
    for (const file of files) {
      const path = `${directory}/${file.name}`
      if (file.isLeftover) {
        if (isSame(path, file) && unlinkThere(path)) removed.push(file.name)
      } else {
        moveThere(path, gonePath(path))
        aside.push(file)
      }
    }
    stays = await recheck()
  } finally {
    for (const file of aside) {
      const path = `${directory}/${file.name}`
      const gone = gonePath(path)
      if (isSame(gone, file) && stays?.(file.name) === false) {
        // Stored again, it is in its place.
        if (unlinkThere(gone) && describe(path, file.name, false) === undefined) removed.push(file.name)
      } else if (describe(path, file.name, false) === undefined) moveThere(gone, path)
      else unlinkThere(gone)
    }
  }
  return removed
}

function isSame(path: string, file: StoredFile): boolean {
  return describe(path, file.name, file.isLeftover)?.version === file.version
}

/** Who else sweeps may have been there first. */
function moveThere(from: string, to: string): void {
  try {
    io.renameSync(from, to)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

/** Removes a file; false if it was not there. */
export function unlinkThere(path: string): boolean {
  try {
    io.unlinkSync(path)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}
