/**
 * `foldlog path`: where the files of a session lie.
 */
import { EXIT, type Call, type Exit } from './call.ts'
import { filesOf } from './files.ts'
import { find } from './root.ts'

export async function path(call: Call): Promise<Exit> {
  await using found = await find(call)
  const { key, root } = found
  const files = await filesOf(root.backend.root, key)
  if (call.isJson) await call.out.json({ root: root.backend.root, ...key, files })
  else for (const file of files) await call.out.bytes(Buffer.from(`${file}\n`))
  return EXIT.ok
}
