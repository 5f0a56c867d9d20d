/**
 * The end of .ci/run: what ran and what was skipped, from vitest's JSON report and from the skips that tests explained.
 * Fails if a test was skipped for want of something that is here. Arguments: the report, the file of skips.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'

const [report, skips] = process.argv.slice(2)
const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
const explained = existsSync(skips)
  ? readFileSync(skips, 'utf8')
      .trim()
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  : []

/** Asked anew, by other means than the tests': what they say of the machine is what is checked here. */
const HERE = {
  root: () => process.getuid?.() === 0,
  mount: () => succeeds('unshare', '--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'),
  loop: () => succeeds('mkfs.ext4', '-V') && succeeds('losetup', '--find'),
  strace: () => succeeds('strace', '-qq', '-o', '/dev/null', 'true'),
  git: () => succeeds('git', '--version'),
  script: () => succeeds('script', '--version'),
  tmux: () => succeeds('tmux', '-V'),
  unshare: () => succeeds('unshare', '--mount', 'true'),
  bash: () => succeeds('bash', '--version'),
  zsh: () => succeeds('zsh', '--version'),
  fish: () => succeeds('fish', '--version'),
  chromium: () => succeeds('chromium', '--headless', '--no-sandbox', '--version'),
}

function succeeds(command, ...args) {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const groups = new Map()
const skipped = []
for (const { name, assertionResults } of testResults) {
  const [, group = ''] = relative(process.cwd(), name).split('/')
  const counts = groups.get(group) ?? { passed: 0, failed: 0, skipped: 0 }
  groups.set(group, counts)
  for (const { status, title } of assertionResults) {
    const kind = status === 'passed' || status === 'failed' ? status : 'skipped'
    counts[kind]++
    if (kind === 'skipped') skipped.push(title)
  }
}

console.log(`${'tests in test/'.padEnd(28)}${'passed'.padStart(8)}${'failed'.padStart(8)}${'skipped'.padStart(8)}`)
for (const [group, counts] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
  const numbers = [counts.passed, counts.failed, counts.skipped]
  console.log(group.padEnd(28) + numbers.map((number) => String(number).padStart(8)).join(''))
}
let isWrong = false
for (const title of skipped) {
  const reason = explained.find(({ name }) => name === title)
  const isHere = reason !== undefined && HERE[reason.need]()
  isWrong ||= isHere
  const why = reason === undefined ? 'see above' : `needs ${reason.need}: ${reason.reason}`
  console.log(`${isHere ? 'WRONGLY SKIPPED' : 'skipped'}  ${title}  (${why})`)
}
if (isWrong) console.error('what these tests need is here: they have to run')
process.exitCode = isWrong ? 1 : 0
