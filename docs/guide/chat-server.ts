import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { isFoldlogError, openStore, type SendEvent, type Session } from 'foldlog'
import { toOpenAIChat } from 'foldlog/messages'
import { model } from './model.ts'

export const store = await openStore(undefined, {
  async *respond({ session, signal }) {
    yield* model(toOpenAIChat(await session.context()), signal)
  },
})
const stops = new Map<string, AbortController>()

/** Asks, and says which message to follow. The answer goes on, whoever looks at it. */
async function ask(session: Session, question: string, response: ServerResponse): Promise<void> {
  const stop = new AbortController()
  const onEvent = (event: SendEvent): void => {
    if (event.type.startsWith('turn.')) stops.delete(session.id)
    if (event.type !== 'turn.started') return
    stops.set(session.id, stop)
    response.writeHead(202).end(JSON.stringify({ answerId: event.answerId }))
  }
  await session.send(question, { onEvent, signal: stop.signal })
}

/** Sends an answer from its beginning and as it grows; to a browser that reconnects, what it has not had. */
async function follow(session: Session, messageId: string, had: number, response: ServerResponse): Promise<void> {
  if ((await session.message(messageId)) === undefined) return void response.writeHead(404).end()
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  const gone = new AbortController()
  response.on('close', () => gone.abort())
  const answer = session.follow(messageId, { signal: gone.signal })
  let place = 0
  for await (const piece of answer) {
    const data = JSON.stringify(piece.slice(Math.max(0, had - place)))
    place += piece.length
    if (place <= had || response.write(`id: ${place}\ndata: ${data}\n\n`)) continue
    await once(response, 'drain', { signal: gone.signal })
  }
  response.end(`event: end\ndata: ${(await answer.message()).status}\n\n`)
}

async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, chat = '', id] = request.url!.split('/').map(decodeURIComponent)
  if (request.method === 'POST') return ask(await store.ensure(chat), await text(request), response)
  const session = await store.get(chat)
  if (session === undefined) return void response.writeHead(404).end()
  if (id !== undefined) return follow(session, id, Number(request.headers['last-event-id'] ?? 0), response)
  if (request.method === 'DELETE') stops.get(chat)?.abort()
  response.end(JSON.stringify(await session.messages()))
}

export const server = createServer((request, response) => {
  route(request, response).catch((error: unknown) => {
    if (response.headersSent) return void response.destroy()
    response.writeHead(isFoldlogError(error, 'SESSION_BUSY') ? 409 : 500).end()
  })
}).listen(Number(process.env['PORT'] ?? 3000))
