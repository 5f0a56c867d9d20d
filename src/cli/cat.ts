/**
 * `foldlog cat`: the lines of all files of a session, byte for byte, damage included.
 */
import { EXIT, type Call, type Exit } from './call.ts'
import { bytesOf, filesOf } from './files.ts'
import { find } from './root.ts'

const LF = Buffer.from('\n')

export async function cat(call: Call): Promise<Exit> {
  await using found = await find(call)
  const { key, root } = found
  let last: Buffer | undefined
  for (const file of await filesOf(root.path, key)) {
    // What was left without an end would run into the first line of the next file.
    if (last !== undefined && last.at(-1) !== LF[0]) await call.out.bytes(LF)
    for (const bytes of bytesOf(file)) {
      await call.out.bytes(bytes)
      last = bytes
    }
  }
  return EXIT.ok
}
