/**
 * Watches a root and says every event of the bus as a line of JSON. Says `ready` once it watches, or the code of why it cannot; ends when
 * its input does, or when it cannot watch and nothing holds it.
 */
import { bus, openStore } from '../../../dist/index.js'

const [root] = process.argv.slice(2)
bus.on('*', ({ type, sessionId, origin, event }) => {
  console.log(JSON.stringify({ type, sessionId, origin, eventId: event?.id, messageId: event?.data?.id }))
})
try {
  const store = await openStore(root, { watch: true })
  console.log('ready')
  process.stdin.resume()
  process.stdin.on('end', () => void store.close())
} catch (error) {
  console.log(error.code)
}
