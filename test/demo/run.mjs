/**
 * The main job, shown: a conversation is recorded with branches, other tools' sessions are imported, all are listed, shown, drawn, searched
 * and counted, one becomes a page, one is followed from a second process and read with plain tools. Everything happens in a fresh temporary folder.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { openStore } from '../../dist/index.js'

const project = path.resolve(import.meta.dirname, '../..')
const root = path.join(mkdtempSync(path.join(tmpdir(), 'foldlog-demo-')), '.sessions')
const command = path.join(project, 'dist/cli/main.js')

/** Runs the command as a user would, and shows both. */
function foldlog(...args) {
  console.log(`\n$ foldlog ${args.join(' ')}`)
  const { stdout, stderr, status } = spawnSync(process.execPath, [command, '--root', root, ...args], {
    encoding: 'utf8',
  })
  process.stdout.write(stdout + stderr)
  if (status !== 0) throw new Error(`foldlog ${args.join(' ')} ended with ${status}`)
  return stdout
}

function title(text) {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`)
}

title('record a conversation, with a branch')
const store = await openStore(root, { namespace: 'support' })
store.on('session.updated', ({ info }) =>
  console.log(`bus: session.updated   ${info.messageCount} messages, ${info.branchCount} branch(es)`),
)
const session = await store.create({ title: 'Refund #4411', cwd: project })
await session.add({ text: 'Where is my refund?' })
await session.add({
  role: 'assistant',
  parts: [{ type: 'tool-call', callId: 'c1', name: 'find_order', input: { id: 4411 } }],
})
await session.add({
  role: 'tool',
  parts: [{ type: 'tool-result', callId: 'c1', name: 'find_order', output: { state: 'sent', on: '2026-11-19' } }],
})
const answer = await session.add({
  role: 'assistant',
  text: 'I could not find it.',
  usage: { inputTokens: 310, outputTokens: 9 },
})
await session.branch(answer.id, { text: 'It was sent on Thursday.', usage: { inputTokens: 310, outputTokens: 8 } })
await session.set({ vars: { order: 4411 } })
console.log('the conversation now:')
for (const { role, parts } of await session.messages())
  console.log(`  ${role.padEnd(9)} ${parts[0].text ?? parts[0].name}`)

title("import other tools' sessions")
foldlog('import', path.join(project, 'fixtures/import'), '--namespace', 'imported')

title('list, show, draw')
foldlog('ls', '--all', '--limit', '12')
foldlog('show', session.id)
foldlog('tree', session.id)

title('search and count')
foldlog('grep', 'trees', '--limit', '5')
foldlog('stats', '--by', 'model')

title('a page that needs nothing else')
foldlog('export', session.id, '-o', path.join(path.dirname(root), 'refund.html'))

title('follow it from a second process')
const tail = spawn(
  process.execPath,
  [command, '--root', root, 'tail', '-f', session.id, '--after', session.info.lastEventId],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
)
console.log(`$ foldlog tail -f ${session.id}`)
const lines = createInterface({ input: tail.stdout })
const seen = once(lines, 'line')
await session.add({ text: 'Thank you!' })
console.log(String((await seen)[0]))
tail.kill()

title('it is a file')
const file = foldlog('path', session.id).trim()
console.log(`\n$ head -n 3 ${path.basename(file)}`)
console.log(readFileSync(file, 'utf8').split('\n').slice(0, 3).join('\n'))
await store.close()
console.log(`\neverything lies in ${root}`)
