/** `node list-sqlite.mjs <database>`: prints the ids of the 50 most recently active sessions. */
import { Database } from '../peers/sqlite.mjs'

const db = new Database(process.argv[2])
const items = db
  .prepare('select info from sessions order by updated desc limit 50')
  .pluck()
  .all()
  .map((info) => JSON.parse(info))
db.close()
console.log(JSON.stringify(items.map(({ id }) => id)))
