/**
 * `foldlog completion`: a script for a shell, and what that script asks for: `ids BEGINNING` prints ids with titles, a line each.
 */
import { EXIT, Failure, type Call, type Exit } from './call.ts'
import { bashScript } from './completion-bash.ts'
import { fishScript } from './completion-fish.ts'
import { zshScript } from './completion-zsh.ts'
import { titleOf } from './info.ts'
import { byActivity, Root } from './root.ts'
import { truncate } from './text.ts'

const SCRIPTS: Readonly<Record<string, () => string>> = { bash: bashScript, zsh: zshScript, fish: fishScript }
const MAX_IDS = 200
const TITLE_WIDTH = 50
/** An id that is no word to a shell cannot be completed. */
const WORD = /^[\w.@%+:-]+$/

export async function completion(call: Call): Promise<Exit> {
  const [shell = '', beginning] = call.args
  if (shell === 'ids') return printIds(call, beginning ?? '')
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
  if (script === undefined || beginning !== undefined) {
    const what = `completion is for bash, zsh and fish, and not for ${JSON.stringify(call.args.join(' '))}`
    throw new Failure(EXIT.usage, what, call.command('completion', 'bash'))
  }
  if (call.isJson) await call.out.json({ shell, script: script() })
  else await call.out.line(script().trimEnd())
  return EXIT.ok
}

/** Newest activity first. Of a root that is not there nothing is said: somebody is typing. */
async function printIds(call: Call, beginning: string): Promise<Exit> {
  try {
    await using root = await Root.open(call)
    for (const namespace of await root.namespaces()) {
      const wanted = beginning.toLowerCase()
      const store = await root.store(namespace)
      const where = ({ id }: { readonly id: string }): boolean => WORD.test(id) && id.toLowerCase().startsWith(wanted)
      const { items } = await store.list({ archived: 'all', limit: MAX_IDS, where })
      for (const info of [...items].sort(byActivity)) {
        const title = truncate(titleOf(info), TITLE_WIDTH)
        if (call.isJson) await call.out.json({ id: info.id, title })
        else await call.out.line(`${info.id}\t${title}`)
      }
    }
  } catch (error) {
    if (!(error instanceof Failure)) throw error
  }
  return EXIT.ok
}
