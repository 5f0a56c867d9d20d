/**
 * `foldlog doctor`: whether everything works here, a line a check, each problem with a command to run.
 */
import { EXIT, type Call, type Exit } from './call.ts'
import { checks, type Check } from './checks.ts'
import { counted, plain, wrap } from './text.ts'

const MARKS = { ok: '✓', note: '!', problem: '✗' } as const
const STYLES = { ok: 'green', note: 'yellow', problem: 'red' } as const
const NAME_WIDTH = 9

export async function doctor(call: Call): Promise<Exit> {
  let [problems, notes] = [0, 0]
  for await (const check of checks(call)) {
    if (check.status === 'problem') problems++
    if (check.status === 'note') notes++
    if (call.isJson) await call.out.json(check)
    else await print(call, check)
  }
  if (problems > 0) call.out.complain(counted(problems, 'problem'))
  else call.out.say(`no problem${notes === 0 ? '' : `, ${counted(notes, 'note')}`}`)
  return problems > 0 ? EXIT.notFound : EXIT.ok
}

async function print({ out }: Call, { check, hints, status, text }: Check): Promise<void> {
  const indent = NAME_WIDTH + 4
  const lines = wrap(plain(text), out.width - indent).map((line, index) => {
    const head = `${out.style(STYLES[status], MARKS[status])} ${check.padEnd(NAME_WIDTH)}  `
    return (index === 0 ? head : ' '.repeat(indent)) + line
  })
  for (const hint of hints) lines.push(' '.repeat(indent + 2) + out.style('cyan', plain(hint)))
  await out.line(lines.join('\n'))
}
