/** `node scripts.mjs <folder>`: counts the scripts of chokidar that are loaded before and after something is watched. */
import { Session } from 'node:inspector'

/** @type {string[]} */
const urls = []
const inspector = new Session()
inspector.connect()
inspector.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url))
inspector.post('Debugger.enable')

const { openStore } = await import('../../../dist/index.js')
const plain = await openStore(process.argv[2])
const session = await plain.create({ id: 'one' })
await session.add({ text: 'Hello' })
await plain.list()
const before = count()
await plain.close()
const watching = await openStore(process.argv[2], { watch: true })
const after = count()
await watching.close()
console.log(JSON.stringify({ before, after }))

function count() {
  return urls.filter((url) => url.includes('/node_modules/chokidar/')).length
}
