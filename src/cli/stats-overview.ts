/**
 * `foldlog stats` without `--by`: a block of facts on all sessions, or on one.
 */
import type { Message, SessionInfo } from '../message.ts'
import { bar, histogram, sparkline } from './bars.ts'
import type { Call } from './call.ts'
import { headerOf } from './conversation.ts'
import { titleOf } from './info.ts'
import { flow, tallyToJson, toolLines, toolToJson } from './stats-groups.ts'
import { entry, Tally, tallyTools, type ToolTally } from './tally.ts'
import { counted, padEnd, padStart, plain, shortCost, shortCount, truncate, widthOf } from './text.ts'

const DAY_MS = 86_400_000
const DAYS = 30
const MOST_SPARKS = 60
const LARGEST = 5
const LABEL_WIDTH = 10

/** Prints what infos say of all sessions. */
export async function printOverview(call: Call, infos: readonly SessionInfo[]): Promise<void> {
  const { out } = call
  const all = new Tally()
  for (const info of infos) all.addAll(info)
  const namespaces = new Set(infos.map(({ namespace }) => namespace))
  const states = statesOf(infos)
  if (call.isJson) return out.json({ namespaces: [...namespaces].sort(), ...tallyToJson(all), ...states })
  if (infos.length === 0) return out.say(`no sessions in ${call.namespace ?? call.root}`)
  const turns = infos.reduce((sum, { turnCount }) => sum + turnCount, 0)
  const others = Object.entries(states).map(([state, count]) => (count === 0 ? '' : `${count} ${state}`))
  const where = namespaces.size > 1 ? counted(namespaces.size, 'namespace') : ''
  const lines = [
    ...flow('sessions', [infos.length.toLocaleString('en'), where, ...others], out, out.width),
    ...flow('messages', [all.messageCount.toLocaleString('en'), counted(turns, 'turn')], out, out.width),
    ...usageLines(call, all),
    ...recent(call, infos),
    ...largest(call, infos),
  ]
  for (const line of lines) await out.line(line)
  out.say('by day, model or tool:', ...['day', 'model', 'tool'].map((by) => again(call, '--by', by)))
}

/** Prints all there is to say of one session. */
export async function printSession(call: Call, info: SessionInfo, messages: readonly Message[]): Promise<void> {
  const { out } = call
  const tally = new Tally()
  tally.addAll(info)
  const tools = new Map<string, ToolTally>()
  tallyTools(tools, messages)
  const models = new Map<string, Tally>()
  const roles = new Map<string, number>()
  for (const message of messages) {
    const model = message.model ?? info.model
    if (message.role === 'assistant' && model !== undefined) entry(models, model, () => new Tally()).add(message, info)
    roles.set(message.role, (roles.get(message.role) ?? 0) + 1)
  }
  if (call.isJson) {
    const byModel = [...models].map(([model, each]) => ({ model, ...tallyToJson(each) }))
    const byTool = [...tools].map(([tool, each]) => toolToJson(tool, each))
    const { branchCount, id, namespace, turnCount } = info
    const counts = { turnCount, branchCount, roles: Object.fromEntries(roles) }
    return out.json({ namespace, sessionId: id, ...tallyToJson(tally), ...counts, models: byModel, tools: byTool })
  }
  const { branchCount, messageCount, time, turnCount } = info
  const byRole = [...roles].map(([role, count]) => `${role} ${count.toLocaleString('en')}`)
  const branches = branchCount > 1 ? counted(branchCount, 'branch').replace(/hs$/, 'hes') : ''
  const times = messages.map((message) => message.time.created)
  const lines = [
    ...flow('messages', [messageCount.toLocaleString('en'), ...byRole], out, out.width),
    ...flow('turns', [turnCount.toLocaleString('en'), branches], out, out.width),
    ...usageLines(call, tally),
    ...sparks(
      call,
      'activity',
      times,
      time.created,
      times.reduce((most, each) => Math.max(most, each), time.created),
    ),
    ...flow('models', modelWords(models), out, out.width),
    ...toolLines(out, tools, out.width),
  ]
  await out.line(headerOf(info, out))
  for (const line of lines) await out.line(line)
}

/** How many sessions there are of each kind that is worth a word. */
function statesOf(infos: readonly SessionInfo[]): Readonly<Record<string, number>> {
  const count = (fits: (info: SessionInfo) => boolean): number => infos.filter(fits).length
  return {
    running: count(({ status }) => status === 'running'),
    awaiting: count(({ status }) => status === 'awaiting'),
    failed: count(({ status }) => status === 'failed'),
    archived: count(({ time }) => time.archived !== undefined),
    damaged: count(({ damage }) => damage > 0),
  }
}

function usageLines({ out }: Call, tally: Tally): string[] {
  const { cachedInputTokens, costUsd, inputTokens, outputTokens, totalTokens } = tally
  const cached = cachedInputTokens === 0 ? '' : ` (${shortCount(cachedInputTokens)} cached)`
  const tokens = [shortCount(totalTokens), `${shortCount(inputTokens)} in${cached}`, `${shortCount(outputTokens)} out`]
  return [
    ...(totalTokens === 0 ? [] : flow('tokens', tokens, out, out.width)),
    ...(costUsd === 0 ? [] : flow('cost', [shortCost(costUsd)], out, out.width)),
  ]
}

/** When sessions were last active, a character a day. */
function recent(call: Call, infos: readonly SessionInfo[]): string[] {
  const now = Date.now()
  const days = histogram(
    infos.map(({ time }) => time.updated),
    now - DAYS * DAY_MS,
    now,
    DAYS,
  )
  const count = days.reduce((sum, day) => sum + day, 0)
  if (count === 0) return []
  const { out } = call
  const drawn = out.style('cyan', padEnd('activity', LABEL_WIDTH)) + out.style('green', sparkline(days))
  const said = `${counted(count, 'session')} in the last ${DAYS} days`
  const isWide = LABEL_WIDTH + DAYS + 2 + widthOf(said) <= out.width
  return isWide ? [`${drawn}  ${said}`] : [drawn, ' '.repeat(LABEL_WIDTH) + said]
}

/** When something was written, from a beginning to an end. Of a moment there is nothing to draw. */
function sparks({ out }: Call, label: string, times: readonly number[], since: number, until: number): string[] {
  if (times.length < 3 || until - since < 1000) return []
  const count = Math.min(MOST_SPARKS, Math.max(10, out.width - LABEL_WIDTH - 20))
  const drawn = sparkline(histogram(times, since, until, count))
  return [`${out.style('cyan', padEnd(label, LABEL_WIDTH))}${out.style('green', drawn)}`]
}

function largest({ out }: Call, infos: readonly SessionInfo[]): string[] {
  const tallies = infos.map((info) => {
    const tally = new Tally()
    tally.addAll(info)
    return { info, tokens: tally.totalTokens }
  })
  const top = tallies.filter(({ tokens }) => tokens > 0).sort((a, b) => b.tokens - a.tokens)
  if (top.length < 2) return []
  const shown = top.slice(0, LARGEST)
  const titles = shown.map(({ info }) => titleOf(info))
  const wide = Math.min(Math.max(...titles.map(widthOf)), Math.floor((out.width - LABEL_WIDTH) * 0.5))
  const room = Math.min(40, out.width - LABEL_WIDTH - wide - 10)
  return shown.map(({ tokens }, index) => {
    const label = out.style('cyan', padEnd(index === 0 ? 'largest' : '', LABEL_WIDTH))
    const title = padEnd(truncate(titles[index]!, wide), wide)
    return `${label}${title}  ${padStart(shortCount(tokens), 6)}  ${out.style('green', bar(tokens, shown[0]!.tokens, room))}`
  })
}

function modelWords(models: ReadonlyMap<string, Tally>): string[] {
  return [...models]
    .sort(([, a], [, b]) => b.messageCount - a.messageCount)
    .map(([model, { messageCount, totalTokens }]) => {
      const tokens = totalTokens === 0 ? '' : ` (${shortCount(totalTokens)} tokens)`
      return `${plain(model)} ${messageCount.toLocaleString('en')}${tokens}`
    })
}

function again(call: Call, ...words: string[]): string {
  return call.command('stats', ...words, ...(call.namespace === undefined ? [] : ['-n', call.namespace]))
}
