/**
 * Drafts of the memory backend: the model of what other backends keep in side files.
 */
import type { DraftBytes, DraftPlace, Drafts, OpenDraft, SessionKey } from '../backend.ts'
import { encodeName } from '../name.ts'

class Draft implements OpenDraft {
  readonly version: string = crypto.randomUUID()
  bytes: Uint8Array = new Uint8Array()
  time: number = Date.now()
  readonly #onWrite: () => void

  constructor(onWrite: () => void) {
    this.#onWrite = onWrite
  }

  write(bytes: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, bytes])
    this.time = Date.now()
    this.#onWrite()
  }

  close(): void {
    // Nothing is held.
  }
}

export class MemoryDrafts implements Drafts {
  readonly #assertOpen: () => void
  readonly #hint: (key: SessionKey) => void
  /** By session, then by message. */
  readonly #sessions = new Map<string, Map<string, Draft>>()

  constructor(assertOpen: () => void, hint: (key: SessionKey) => void) {
    this.#assertOpen = assertOpen
    this.#hint = hint
  }

  async open(key: SessionKey, messageId: string): Promise<OpenDraft> {
    this.#assertOpen()
    const name = nameOf(key)
    const drafts = this.#sessions.get(name) ?? new Map<string, Draft>()
    const draft = new Draft(() => this.#hint(key))
    this.#sessions.set(name, drafts.set(messageId, draft))
    this.#hint(key)
    return draft
  }

  async list(key: SessionKey): Promise<readonly string[]> {
    this.#assertOpen()
    return [...(this.#sessions.get(nameOf(key))?.keys() ?? [])]
  }

  async read(key: SessionKey, messageId: string, from?: DraftPlace): Promise<DraftBytes | undefined> {
    this.#assertOpen()
    const draft = this.#sessions.get(nameOf(key))?.get(messageId)
    if (draft === undefined) return undefined
    const { version, bytes } = draft
    const offset = from?.version === version && from.offset <= bytes.length ? from.offset : 0
    return { place: { version, offset }, bytes: bytes.slice(offset), isAlive: true, time: draft.time }
  }

  async remove(key: SessionKey, messageId: string): Promise<boolean> {
    this.#assertOpen()
    const drafts = this.#sessions.get(nameOf(key))
    const wasThere = drafts?.delete(messageId) === true
    if (drafts?.size === 0) this.#sessions.delete(nameOf(key))
    if (wasThere) this.#hint(key)
    return wasThere
  }

  /** Removes all drafts of a session. */
  clear(key: SessionKey): void {
    this.#sessions.delete(nameOf(key))
  }
}

function nameOf({ namespace, sessionId }: SessionKey): string {
  return `${encodeName(namespace)}/${encodeName(sessionId)}`
}
