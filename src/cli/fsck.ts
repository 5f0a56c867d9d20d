/**
 * `foldlog fsck`: what is wrong in logs and files, and where.
 */
import type { Damage } from '../line.ts'
import type { LogReport } from '../fsck.ts'
import type { FileReport } from '../fsck-files.ts'
import { EXIT, type Call, type Exit } from './call.ts'
import { find, Root } from './root.ts'
import { counted, plain, shortBytes } from './text.ts'

export async function fsck(call: Call): Promise<Exit> {
  let [logs, sizeBytes, damaged, failed, files] = [0, 0, 0, 0, 0]
  await using places = await placesOf(call)
  for await (const report of logsIn(places)) {
    logs++
    sizeBytes += report.sizeBytes
    if (report.damage.length > 0) damaged++
    if (report.problem !== undefined) failed++
    if (call.isJson) await call.out.json(toJson(report))
    else await print(call, report)
  }
  for await (const report of filesIn(places)) {
    if (report.kind === 'missing' || report.kind === 'damaged') files++
    if (call.isJson) await call.out.json(report)
    else await call.out.line(plain(fileLine(report)))
  }
  if (!call.isJson || damaged > 0) {
    call.out.say(`${counted(logs, 'log')}, ${shortBytes(sizeBytes)}: ${damaged === 0 ? 'none' : damaged} damaged`)
  }
  if (files > 0) call.out.say(`${counted(files, 'file')} missing or damaged`)
  if (damaged + files > 0) return EXIT.damaged
  return failed > 0 ? EXIT.notFound : EXIT.ok
}

/** What is looked at: all of a root, or one session. */
interface Places extends AsyncDisposable {
  readonly root: Root
  readonly namespaces: readonly string[]
  readonly sessionId?: string
}

async function placesOf(call: Call): Promise<Places> {
  if (call.args.length > 0) {
    const found = await find(call)
    const { root, key } = found
    const dispose = (): Promise<void> => found[Symbol.asyncDispose]()
    return { root, namespaces: [key.namespace], sessionId: key.sessionId, [Symbol.asyncDispose]: dispose }
  }
  const root = await Root.open(call)
  const dispose = (): Promise<void> => root[Symbol.asyncDispose]()
  try {
    return { root, namespaces: await root.namespaces(), [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

async function* logsIn({ namespaces, root, sessionId }: Places): AsyncGenerator<LogReport> {
  for (const namespace of namespaces) yield* (await root.store(namespace)).fsck(sessionId)
}

async function* filesIn({ namespaces, root, sessionId }: Places): AsyncGenerator<FileReport> {
  for (const namespace of namespaces) yield* (await root.store(namespace)).fsckFiles(sessionId)
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

/** A file on one line, with the events that name it. */
function fileLine({ file, kind, namespace, sizeBytes, usedBy }: FileReport): string {
  const [first, ...others] = usedBy.map(({ eventId, sessionId }) => `${sessionId} event ${eventId}`)
  const users =
    first === undefined ? '' : `, named by ${first}${others.length === 0 ? '' : ` and ${others.length} more`}`
  return `${kind}: ${namespace}/files ${file}, ${shortBytes(sizeBytes)}${users}`
}

/** A piece of damage on one line. */
export function damageLine({ excerpt, file, kind, line, offset, sizeBytes }: Damage): string {
  return `${file}:${line} byte ${offset}: ${kind}, ${counted(sizeBytes, 'byte')}: ${excerpt.slice(0, 40)}`
}
