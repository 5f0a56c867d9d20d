/** `node list-pi.mjs <folder>`: prints the ids of the 50 most recently active sessions. */
import { SessionManager } from '../peers/pi.mjs'

const sessions = await SessionManager.list('/', process.argv[2])
console.log(JSON.stringify(sessions.slice(0, 50).map(({ id }) => id)))
