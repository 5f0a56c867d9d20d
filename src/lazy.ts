/**
 * Modules that are loaded when they are first needed. To `import()` one that is there takes as long as many a call that needs it.
 */

/** Loads with the first call, and answers the same ever after. What fails, as where no descriptor is left, is tried again by the next call. */
export function lazy<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
}
