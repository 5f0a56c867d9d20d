/** `node scripts.mjs <folder>`: counts the scripts of zod that are loaded by who reads and writes, and those of chokidar before and after something is watched. */
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
const zod = count('zod')
const before = count('chokidar')
await plain.close()
const watching = await openStore(process.argv[2], { watch: true })
const after = count('chokidar')
await watching.close()
console.log(JSON.stringify({ zod, before, after }))

/** @param {string} name of a package */
function count(name) {
  return urls.filter((url) => url.includes(`/node_modules/${name}/`)).length
}
