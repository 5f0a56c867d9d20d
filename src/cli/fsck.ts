/**
 * `foldlog fsck`: what is wrong in logs, and where.
 */
import type { Damage } from '../line.ts'
import type { LogReport } from '../fsck.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { find, Root } from './root.ts'
import { counted, plain, shortBytes } from './text.ts'

export async function fsck(call: Call): Promise<Exit> {
  let [logs, sizeBytes, damaged, failed] = [0, 0, 0, 0]
  for await (const report of reports(call)) {
    logs++
    sizeBytes += report.sizeBytes
    if (report.damage.length > 0) damaged++
    if (report.problem !== undefined) failed++
    if (call.isJson) await call.out.json(toJson(report))
    else await print(call, report)
  }
  if (!call.isJson || damaged > 0) {
    call.out.say(`${counted(logs, 'log')}, ${shortBytes(sizeBytes)}: ${damaged === 0 ? 'none' : damaged} damaged`)
  }
  if (damaged > 0) return EXIT.damaged
  return failed > 0 ? EXIT.notFound : EXIT.ok
}

async function* reports(call: Call): AsyncGenerator<LogReport> {
  if (call.args.length > 0) {
    await using found = await find(call)
    yield* (await found.root.store(found.key.namespace)).fsck(found.key.sessionId)
    return
  }
  await using root = await Root.open(call)
  for (const namespace of await root.namespaces()) yield* (await root.store(namespace)).fsck()
}

function toJson({ problem, ...report }: LogReport): object {
  return problem === undefined ? report : { ...report, problem: { code: problem.code, message: problem.message } }
}

async function print({ out }: Call, report: LogReport): Promise<void> {
  const { damage, findings, leftovers, problem, untidyCount } = report
  const lines = [
    ...damage.map(damageLine),
    ...findings.map(({ detail, eventId, kind }) => `${kind}: event ${eventId}: ${detail}`),
    ...(untidyCount === 0 ? [] : [`untidy: ${counted(untidyCount, 'line')} with NULs, a BOM or a CR around`]),
    ...leftovers.map((file) => `left by a rewrite that was killed: ${file}`),
    ...(problem === undefined ? [] : [`${problem.code}: ${problem.message}`]),
  ]
  if (lines.length === 0) return
  await out.line(out.style('bold', plain(`${report.namespace}/${report.sessionId}`)))
  for (const line of lines) await out.line(`  ${plain(line)}`)
}

/** A piece of damage on one line. */
export function damageLine({ excerpt, file, kind, line, offset, sizeBytes }: Damage): string {
  return `${file}:${line} byte ${offset}: ${kind}, ${counted(sizeBytes, 'byte')}: ${excerpt.slice(0, 40)}`
}
