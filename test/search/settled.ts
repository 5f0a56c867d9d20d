/** A directory whose logs changed long ago, and what of them is read. */
import type { Backend, Head, SessionKey } from '../../src/backend.ts'
import { fileBackend } from '../../src/backends/file/index.ts'

interface Reads {
  /** From their beginning. */
  whole: number
  back: number
  /** Called before the bytes of a log are looked at. */
  onScan: (key: SessionKey) => Promise<void>
}

/** The clock that says when a file was changed last cannot be set, so the listing says it. */
export function settled(root: string): { readonly backend: Backend; readonly reads: Reads } {
  const backend = fileBackend(root)
  const reads: Reads = { whole: 0, back: 0, onScan: async () => {} }
  const settledHead = (head: Head): Head => ({
    sessionId: head.sessionId,
    version: head.version,
    sizeBytes: head.sizeBytes,
    ...(head.end === undefined ? {} : { end: head.end }),
    isSettled: true,
  })
  const { list, read, readBack, scan } = {
    list: backend.list.bind(backend),
    read: backend.read.bind(backend),
    readBack: backend.readBack!.bind(backend),
    scan: backend.scan!.bind(backend),
  }
  backend.list = async (namespace) => (await list(namespace)).map(settledHead)
  backend.read = (key, options) => {
    if (options?.after === undefined) reads.whole++
    return read(key, options)
  }
  backend.readBack = (...args) => {
    reads.back++
    return readBack(...args)
  }
  backend.scan = async function* (key) {
    await reads.onScan(key)
    yield* scan(key)
  }
  return { backend, reads }
}
