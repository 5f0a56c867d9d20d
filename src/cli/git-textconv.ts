/**
 * `foldlog git-textconv`: a file of a log as text, for git to compare.
 */
import { textOfLog } from '../git/textconv.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { bytesOf } from './files.ts'
import { plainLines } from './text.ts'

export async function gitTextconv(call: Call): Promise<Exit> {
  const bytes = Buffer.concat([...bytesOf(call.args[0]!)])
  // Git hands it to a terminal.
  for (const text of textOfLog(bytes)) await call.out.line(plainLines(text).join('\n'))
  return EXIT.ok
}
