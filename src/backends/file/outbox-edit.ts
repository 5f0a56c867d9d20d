/**
 * Changes what outboxes say (outbox.ts), while others append to them.
 *
 * An outbox stays the file that its writers have open. What takes the place of a record is appended first; then the record is overwritten
 * with spaces, which nobody reads. So it may end anywhere, and be repeated.
 */
import { chunksOf, eachLine } from './chunks.ts'
import { io } from './io.ts'
import { openRegular, TO_OVERWRITE } from './regular.ts'
import { OutboxFile } from './outbox.ts'
import { decodeName } from '../../name.ts'

/** What is to be in the place of a kept line. Without a session: of something else that was found, and that may only go or stay. */
type Edit = (text: string, sessionId?: string) => string | undefined

/** Changes the lines of one outbox of a namespace's directory. False if nothing was to be changed. Throws what the system throws. */
export function editOutbox(directory: string, name: string, edit: Edit): boolean {
  const { fd, stat } = openRegular(`${directory}/.cache/${name}`, TO_OVERWRITE)
  const writer = new OutboxFile(directory)
  let isChanged = false
  const take = (bytes: Buffer, offset: number): void => {
    const record = bytes.toString()
    const space = record.indexOf(' ')
    const sessionId = decodeName(record.slice(0, Math.max(space, 0)))
    const text = sessionId === undefined ? record : record.slice(space + 1)
    if (text.trim() === '') return
    const edited = edit(text, sessionId)
    if (edited === text) return
    if (edited !== undefined) writer.append(`\n${record.slice(0, space)} ${edited}\n`)
    io.writeSync(fd, Buffer.alloc(bytes.length, ' '), 0, bytes.length, offset)
    isChanged = true
  }
  try {
    let upTo = 0
    for (const { bytes, offset } of chunksOf(fd, 0, stat.size)) {
      eachLine(bytes, (start, end) => take(bytes.subarray(start, end), offset + start))
      upTo = offset + bytes.length
    }
    // A record that a crash has cut off says something, too.
    const rest = Buffer.alloc(stat.size - upTo)
    io.readSync(fd, rest, 0, rest.length, upTo)
    take(rest, upTo)
    return isChanged
  } finally {
    writer.close()
    io.closeSync(fd)
  }
}
