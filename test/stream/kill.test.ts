/**
 * Whoever streams is killed at some delta: what had reached the side file is in the message, which is `incomplete`, and others go on.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Child } from '../support/child.ts'
import { PATIENT, rounds } from '../support/rounds.ts'
import { anew, idsOf, logPath, open, temp } from '../support/temp.ts'
import { messageText, sideFiles, textIn, textOf } from './streamed.ts'

const DELTAS = 60
const WHOLE = textOf(DELTAS)

test.each(['one file', 'shared'])(
  'D5: whoever streams is killed at any delta: others saw a prefix at every moment, it is incomplete with what was in the side file, and they go on (%s)',
  PATIENT,
  async (kind) => {
    const options = kind === 'shared' ? { shared: true } : {}
    const root = temp()
    const { store } = await open(root, { ...options, watch: true })
    for (let round = 0; round < rounds(100); round++) {
      const id = `killed-${round}`
      const session = await store.create({ id })
      const question = await session.add({ text: 'Count!' })
      const streamer = new Child('streamer', root, id, String(DELTAS), '8', 'end', JSON.stringify(options))
      await streamer.line()
      const ms = Math.random() * 600
      const label = `round ${round}: killed after ${ms} ms`
      streamer.say('go')
      const isGone = new Promise<void>((resolve, reject) => {
        setTimeout(() => void streamer.kill().then(resolve, reject), ms)
      })
      // Looks all the time until it is gone.
      let seen = ''
      const running = new AbortController()
      const watching = (async () => {
        while (!running.signal.aborted) {
          const text = messageText((await session.messages())[1])
          expect(WHOLE.startsWith(text), label).toBe(true)
          expect(text.length, label).toBeGreaterThanOrEqual(seen.length)
          seen = text
          await new Promise(setImmediate)
        }
      })()
      await isGone
      running.abort()
      await watching
      const said = streamer.lines.slice(1)
      const hasEnded = said.at(-1) === 'ended'
      const [side] = sideFiles(root)
      const isInLog = streamerLine(root, id, kind)
      const reached = side === undefined ? '' : textIn(side)

      const before = await anew(root, id)
      const shown = before.messages[1]
      if (side === undefined) expect(shown === undefined || shown.status === 'completed', label).toBe(true)
      if (said.length > 0) expect(shown?.id, label).toBe(said[0])
      if (hasEnded) expect(shown, label).toMatchObject({ status: 'completed', usage: { outputTokens: DELTAS } })
      if (shown?.status === 'completed') expect(messageText(shown), label).toBe(WHOLE)
      else if (shown !== undefined) {
        expect(shown.status, label).toBe('incomplete')
        expect(messageText(shown), label).toBe(reached)
        expect(reached.startsWith(seen), label).toBe(true)
      } else expect(isInLog, label).toBe(false)

      const next = await (await (await open(root, options)).store.get(id))!.add({ text: 'next' })
      expect(sideFiles(root), label).toEqual([])
      const after = await anew(root, id)
      expect(idsOf(after.messages), label).toEqual([question, shown, next].flatMap((each) => each?.id ?? []))
      if (shown !== undefined) expect({ ...after.messages[1], time: 0 }, label).toEqual({ ...shown, time: 0 })
      expect(after.info.status, label).toBe('idle')
      const answer = await session.stream()
      answer.text('again')
      expect(messageText(await answer.end()), label).toBe('again')
    }
  },
)

/** Whether a message in progress is in the log. */
function streamerLine(root: string, id: string, kind: string): boolean {
  if (kind === 'shared') return false
  return readFileSync(logPath(root, id), 'utf8').includes('"status":"in_progress"')
}
