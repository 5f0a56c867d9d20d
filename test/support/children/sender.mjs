/**
 * Sends in a session, and answers as it is told.
 *
 * Arguments: the root, the session, the options of the store as JSON. Each line of its input is a command: `send <text>` sends, `say <text>` is a
 * piece of the answer under way, `end` ends it, `race <n>` sends n questions one after the other, each until it is accepted. It says `begun <answer id>`, `said`, and
 * how a call ended: `<status> <text of the answer>`, or `refused <code>`.
 */
import { createInterface } from 'node:readline'
import { openStore } from '../../../dist/index.js'

const [root, sessionId, options] = process.argv.slice(2)
const store = await openStore(root, { fsync: 'never', ...JSON.parse(options ?? '{}') })
const session = await store.get(sessionId)
const say = (line) => process.stdout.write(`${line}\n`)

const pieces = []
let ring = () => {}

async function* respond({ answerId }) {
  say(`begun ${answerId}`)
  for (;;) {
    while (pieces.length === 0) await new Promise((resolve) => (ring = resolve))
    const piece = pieces.shift()
    if (piece === undefined) return
    yield piece
    say('said')
  }
}

async function send(text) {
  try {
    const turn = await session.send(text, { respond })
    const answer = turn.messages.at(-1)
    say(`${turn.status} ${answer.parts.map((part) => part.text ?? '').join('')}`)
  } catch (error) {
    say(`refused ${error.code ?? error}`)
  }
}

async function race(count) {
  let refused = 0
  for (let n = 0; n < count;) {
    try {
      await session.send(`${process.pid} ${n}`, {
        async *respond() {
          yield `${process.pid} `
          await new Promise(setImmediate)
          yield String(n)
        },
      })
      n++
    } catch (error) {
      if (error.code !== 'SESSION_BUSY') throw error
      refused++
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 5))
    }
  }
  say(`raced ${refused}`)
}

say('ready')
for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...words] = line.split(' ')
  const text = words.join(' ')
  if (command === 'send') {
    pieces.length = 0
    void send(text)
  } else if (command === 'race') void race(Number(text))
  else {
    pieces.push(command === 'say' ? text : undefined)
    ring()
  }
}
await store.close()
