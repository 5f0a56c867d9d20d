/**
 * docs/cli.md, made of the table of verbs.
 */
import { usage } from '../../src/cli/help.ts'
import type { OptionSpec, Verb } from '../../src/cli/spec.ts'
import { EXIT_CODES, GLOBAL_OPTIONS, GROUPS, ID_FORMS, SUMMARY, VERBS } from '../../src/cli/table.ts'

const INTRODUCTION = `# The command line

<!-- Made of the table of verbs in src/cli/ by \`FOLDLOG_UPDATE=1 npx vitest run --dir test test/cli/page.test.ts\`. -->

\`foldlog\` ${SUMMARY}. \`foldlog VERB --help\` says of a verb what this page says of it. \`foldlog\` alone on a terminal searches for a session\nas you type, with the end of its conversation beside, and shows the one that is chosen.

- Data is on stdout and nothing else; whatever is said about it is on stderr. With \`--json\` data is JSON, one object a line.
- On a terminal there is colour (unless \`NO_COLOR\` is set; \`FORCE_COLOR=1\` is for pipes), times are relative, and what is higher than the screen goes through \`$FOLDLOG_PAGER\`, \`$PAGER\` or \`less\`; in a pipe times are ISO 8601 in UTC, and lines are 80 columns wide.
- Nothing is deleted or rewritten without \`--yes\`: without it a verb says what it would do.
- Nothing asks questions. Whatever is refused is told with a command that helps.
- What is printed of sessions never acts on the terminal: control characters are replaced.`

/** The whole page. */
export function page(): string {
  return [
    INTRODUCTION,
    ...GROUPS.map(([title, verbs]) => `**${title}**: ${verbs.map(({ name }) => `[${name}](#${name})`).join(' · ')}`),
    `## Names of sessions\n\n${table(['ID', 'means'], ID_FORMS)}`,
    `## Options of every verb\n\n${optionTable(GLOBAL_OPTIONS)}`,
    `## Exit codes\n\n${table(['code', 'means'], EXIT_CODES)}`,
    '## Verbs',
    ...VERBS.map(section),
  ]
    .join('\n\n')
    .concat('\n')
}

function section(verb: Verb): string {
  const { argument, details, examples, name, options, summary } = verb
  const own =
    argument === undefined
      ? []
      : [[argument.usage ?? argument.names?.join(' ') ?? argument.name, argument.text] as const]
  const rows = [...own, ...options.map((option) => [signature(option), option.text] as const)]
  return [
    `### ${name}`,
    `\`${usage(verb)}\` ${summary}.`,
    ...details,
    ...(rows.length === 0 ? [] : [table(['', ''], rows)]),
    `\`\`\`sh\n${examples.map(({ command, text }) => `${command}    # ${text}`).join('\n')}\n\`\`\``,
  ].join('\n\n')
}

function optionTable(options: readonly OptionSpec[]): string {
  return table(
    ['option', ''],
    options.map((option) => [signature(option), option.text] as const),
  )
}

function signature({ name, short, value }: OptionSpec): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
}

function table(head: readonly [string, string], rows: readonly (readonly [string, string])[]): string {
  const lines = rows.map(([term, text]) => `| \`${term}\` | ${text.replaceAll('|', String.raw`\|`)} |`)
  return [`| ${head[0]} | ${head[1]} |`, '|---|---|', ...lines].join('\n')
}
