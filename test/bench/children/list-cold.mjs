/** `node list-cold.mjs foldlog|sqlite <root or file>`: prints how many ms opening and listing a page of 50 takes once everything is imported. */
const [kind, place] = process.argv.slice(2)
const list = kind === 'foldlog' ? await ours() : await database()
const start = performance.now()
const count = await list()
console.log(performance.now() - start)
if (count !== 50) throw new Error(`${count} of 50 sessions`)

async function ours() {
  const { openStore } = await import('../../../dist/index.js')
  return async () => {
    const store = await openStore(place)
    return (await store.list({ limit: 50 })).items.length
  }
}

async function database() {
  const { Database } = await import('../peers/sqlite.mjs')
  return () => {
    const db = new Database(place)
    const select = db.prepare('select info from sessions order by updated desc limit 50').pluck()
    return select.all().map((info) => JSON.parse(info)).length
  }
}
