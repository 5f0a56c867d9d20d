/**
 * Paths that are empty for a moment: whoever replaces a file without a rename, as git does, removes it first.
 */
const PATIENCE_MS = 1000
const PAUSE_MS = 25

/**
 * Calls `look` again and again until it answers something, for a second; undefined if it did not. It is not called at once: whoever waits
 * has looked. A `signal` ends the wait early.
 */
export async function lookAgain<T>(look: () => T | undefined, signal?: AbortSignal): Promise<T | undefined> {
  const deadline = performance.now() + PATIENCE_MS
  while (performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    if (signal?.aborted === true) return undefined
    const found = look()
    if (found !== undefined) return found
  }
  return undefined
}
