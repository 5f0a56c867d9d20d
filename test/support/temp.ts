/**
 * What a test needs around a session, all of it gone after the test: a fresh directory, stores with a bus of their own,
 * and what those buses said.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Backend } from '../../src/backend.ts'
import { Bus, type BusEvent, type BusEventOf } from '../../src/bus.ts'
import { encodeName } from '../../src/name.ts'
import type { Damage } from '../../src/line.ts'
import type { Message, SessionInfo } from '../../src/message.ts'
import type { TailEvent } from '../../src/tail.ts'
import { openStore, type Store } from '../../src/store.ts'
import type { StoreOptions } from '../../src/store-options.ts'
import { Checks } from './checks.ts'

/** A fresh, empty directory. */
export function temp(): string {
  const directory = mkdtempSync(join(tmpdir(), 'foldlog-test-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Everything a bus says, from now on. */
export class Heard {
  readonly all: BusEvent[] = []
  readonly #checks = new Checks()

  constructor(bus: Bus) {
    bus.on('*', (event) => {
      this.all.push(event)
      this.#checks.look()
    })
  }

  /** What was said of one type. */
  of<T extends string>(type: T): BusEventOf<T>[] {
    return this.all.filter((event) => event.type === type) as BusEventOf<T>[]
  }

  /** The ids of the messages that were published as created, in that order. */
  get messageIds(): string[] {
    return this.of('message.created').map(({ event }) => (event.data as unknown as Message).id)
  }

  /** Looks now and whenever something was said: resolves when `isSo`. */
  until(isSo: () => boolean): Promise<void> {
    return this.#checks.until(isSo)
  }
}

/** A store with a bus of its own, and what that bus says. The store is closed after the test. */
export async function open(
  root: string | Backend,
  options: StoreOptions = {},
): Promise<{ readonly store: Store; readonly heard: Heard; readonly bus: Bus }> {
  const { bus = new Bus() } = options
  const heard = new Heard(bus)
  const store = await openStore(root, { fsync: 'never', ...options, bus })
  onTestFinished(() => store.close())
  return { store, heard, bus }
}

/** The file of a session. */
export function logPath(root: string, sessionId: string, namespace = 'default'): string {
  return join(root, encodeName(namespace), `${encodeName(sessionId)}.jsonl`)
}

/** A session as a process sees it that has never seen it before. */
interface Anew {
  readonly info: SessionInfo
  readonly messages: readonly Message[]
  readonly damage: readonly Damage[]
  readonly events: readonly TailEvent[]
}

/** Opens a root anew and reads one session. */
export async function anew(root: string, sessionId: string, namespace = 'default'): Promise<Anew> {
  const store = await openStore(root, { namespace, bus: new Bus() })
  try {
    const session = await store.get(sessionId)
    if (session === undefined) throw new Error(`session ${sessionId} is not there`)
    const [messages, damage] = [await session.messages(), await session.damage()]
    const events: TailEvent[] = []
    for await (const event of session.events()) events.push(event)
    return { info: session.info, messages, damage, events }
  } finally {
    await store.close()
  }
}

/** The ids of messages. */
export function idsOf(messages: readonly { readonly id: string }[]): string[] {
  return messages.map(({ id }) => id)
}

/** The first text of each message. */
export function textsOf(messages: readonly Message[]): (string | undefined)[] {
  return messages.map(({ parts }) => parts.map((part) => (part.type === 'text' ? part.text : undefined))[0])
}
