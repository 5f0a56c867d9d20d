/**
 * The one table of verbs. Help is made of it and of nothing else.
 *
 * Verbs are loaded when they are called, so that asking for help loads none of them. An option of one name is of one
 * kind wherever it is used, so that a command line can be read before its verb is known.
 */
import type { Run } from './call.ts'

export interface OptionSpec {
  readonly name: string
  readonly short?: string
  /** What its value is called. Absent: it has none. */
  readonly value?: string
  readonly text: string
}

interface ArgumentSpec {
  readonly name: string
  /** What each is called, where there have to be just so many. */
  readonly names?: readonly string[]
  readonly isOptional: boolean
  readonly isMany: boolean
  readonly text: string
}

interface Example {
  readonly command: string
  readonly text: string
}

export interface Verb {
  readonly name: string
  /** What it does, as the end of "this verb …". */
  readonly summary: string
  /** What else is worth knowing, a paragraph each. */
  readonly details: readonly string[]
  readonly argument?: ArgumentSpec
  /** Besides {@link GLOBAL_OPTIONS}. */
  readonly options: readonly OptionSpec[]
  readonly examples: readonly Example[]
  readonly load: () => Promise<Run>
}

export const SUMMARY = 'reads and follows the sessions of AI agents, which are files'

/** Options of every verb. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { name: 'root', value: 'DIR', text: 'where the sessions are; default $FOLDLOG_ROOT, else .sessions' },
  { name: 'namespace', short: 'n', value: 'NAME', text: 'look in this namespace only; default: in all of them' },
  { name: 'json', text: 'print JSON, one object a line' },
  { name: 'help', short: 'h', text: 'say what foldlog, or a verb, does' },
  { name: 'version', text: 'print the version' },
]

export const EXIT_CODES: readonly (readonly [code: string, text: string])[] = [
  ['0', 'done, also if nobody reads the output to its end'],
  ['1', 'not found, or something could not be read or written'],
  ['2', 'the command line makes no sense, or names several sessions'],
  ['3', 'parts of a log, or files, are damaged; everything else was printed'],
]

export const ID_FORMS: readonly (readonly [form: string, text: string])[] = [
  ['01m7x', 'the beginning of an id, in upper or lower case, if only one id begins so'],
  ['@', 'the session that something last happened in, unless it is archived'],
  ['@{1}', 'the one before it, and so on'],
  ['a/b/01M….jsonl', 'the file of a session, in whatever root it is'],
]

const SESSION: ArgumentSpec = {
  name: 'ID',
  isOptional: true,
  isMany: false,
  text: 'the session; default @, the latest',
}
const EVENT = 'an id from `foldlog log`, whole, its beginning or its end'

const FILES_ALONE = 'It looks at the files that are named and nowhere else: --root, -n and --json change nothing.'

const SHARED: OptionSpec = {
  name: 'shared',
  text: 'the root is a shared one, even if no session in it has segments: write files of its own',
}
const YES: OptionSpec = { name: 'yes', text: 'do it, instead of saying what would be done' }

export const VERBS: readonly Verb[] = [
  {
    name: 'ls',
    summary: 'lists sessions, newest activity first',
    details: [
      'Without -n it lists the namespace `default`, or the only one there is.',
      'Damaged logs are marked and do not change the exit code.',
    ],
    options: [
      { name: 'all', text: 'list all namespaces' },
      { name: 'archived', text: 'list what is archived, instead of what is not' },
      { name: 'limit', value: 'N', text: 'list the first N; default: all' },
    ],
    examples: [
      { command: 'foldlog ls --all', text: 'every session of every namespace' },
      { command: 'foldlog ls --limit 10', text: 'what happened last' },
      { command: 'foldlog ls --json | jq -r .id', text: 'the ids' },
    ],
    load: async () => (await import('./ls.ts')).ls,
  },
  {
    name: 'show',
    summary: 'prints a conversation',
    details: [
      'Each tool call is one line with ✓ or ✗ and what came back. ‹ 2/3 › marks the second of three alternatives.',
      'With --json it prints one object: {info, messages, damage}.',
    ],
    argument: SESSION,
    options: [
      { name: 'full', text: 'print reasoning, the input and the output of tools, and data as they are' },
      { name: 'branch', value: 'ID', text: 'the branch through this message, instead of the current one' },
      { name: 'at', value: 'POINT', text: `as it was: at a time, or after an event, ${EVENT}` },
    ],
    examples: [
      { command: 'foldlog show', text: 'the latest session' },
      { command: 'foldlog show 01M7X --full', text: 'with everything that tools said' },
      { command: 'foldlog show @ --at 10m', text: 'as it was ten minutes ago; also 10:05, 2026-11-20T10:05Z' },
      { command: "foldlog show '@{1}' --json | jq .messages", text: 'the messages of the session before' },
    ],
    load: async () => (await import('./show.ts')).show,
  },
  {
    name: 'log',
    summary: 'prints the events of a session, newest first',
    details: [],
    argument: SESSION,
    options: [{ name: 'limit', value: 'N', text: 'print the newest N; default: all' }],
    examples: [
      { command: 'foldlog log 01M7X --limit 20', text: 'what happened last' },
      { command: 'foldlog log @ --json | jq -c .data', text: 'what was written' },
    ],
    load: async () => (await import('./log.ts')).log,
  },
  {
    name: 'tail',
    summary: 'prints the last events of a session and follows it',
    details: [
      'Events come in the order they lie in the log. With --json each has a `cursor` to go on from.',
      'If the place to go on from is gone, that is said, and everything follows.',
    ],
    argument: SESSION,
    options: [
      { name: 'follow', short: 'f', text: 'go on with what any process writes, until the session is deleted' },
      { name: 'after', value: 'POINT', text: `all that came after a cursor or an event, ${EVENT}` },
      { name: 'limit', value: 'N', text: 'print the last N; default 10, with --after all' },
      { name: 'raw', text: 'print lines as they lie in the files, byte for byte unless on a terminal' },
    ],
    examples: [
      { command: 'foldlog tail -f', text: 'watch the latest session' },
      { command: 'foldlog tail 01M7X -f --json --limit 0', text: 'what comes from now on, for a program' },
      { command: 'foldlog tail 01M7X --raw --limit 1', text: 'the last line of the log' },
    ],
    load: async () => (await import('./tail.ts')).tail,
  },
  {
    name: 'import',
    summary: 'takes over transcripts of Claude Code',
    details: [
      'Into the namespace of -n, else `default`. What is there already is not added again, so an import can be repeated at any time.',
      'Lines that cannot be read are told by file and line and stop nothing.',
    ],
    argument: {
      name: 'PATH',
      isOptional: false,
      isMany: true,
      text: 'transcripts, or directories with all below them',
    },
    options: [
      { name: 'shared', text: 'into a shared root: write files of its own, as all who write to such a root must' },
    ],
    examples: [
      { command: 'foldlog import ~/.claude/projects', text: 'everything' },
      { command: 'foldlog import -n work ~/.claude/projects/-home-me-work', text: 'one project, into a namespace' },
    ],
    load: async () => (await import('./import.ts')).importTranscripts,
  },
  {
    name: 'fsck',
    summary: 'looks for damage in logs and files',
    details: [
      'Every line of every file is read; nothing is changed. Damage is told by file, line and byte, and all the rest of a log counts.',
      'Of stored files it tells those that are missing or damaged, which is damage, and those that nothing names or a killed write left, which gc removes.',
      'With --json it prints one object a log, {namespace, sessionId, damage, findings, …}, and one a file, {namespace, kind, file, usedBy, …}.',
    ],
    argument: { name: 'ID', isOptional: true, isMany: false, text: 'one session; default: all' },
    options: [],
    examples: [
      { command: 'foldlog fsck', text: 'all sessions' },
      { command: "foldlog fsck --json | jq -c '.damage[]'", text: 'each piece, for a program' },
    ],
    load: async () => (await import('./fsck.ts')).fsck,
  },
  {
    name: 'repair',
    summary: 'takes what is no event out of a log',
    details: [
      'Says what it would do; --yes does it. The damaged bytes are kept in .cache/quarantine of the namespace, and everything that counted counts.',
      'Safe while others append. No log needs a repair to be read or written; this is for git and other tools.',
    ],
    argument: { name: 'ID', isOptional: false, isMany: false, text: 'the session' },
    options: [YES],
    examples: [
      { command: 'foldlog repair 01M7X', text: 'what would be taken out' },
      { command: 'foldlog repair 01M7X --yes', text: 'take it out' },
    ],
    load: async () => (await import('./repair.ts')).repair,
  },
  {
    name: 'pack',
    summary: 'makes a log smaller without changing what it says',
    details: [
      'Says what it would do; --yes does it: lines that are there twice, and events that later ones supersede, go. Both logs are folded and compared before the old one is replaced.',
      'Views of an earlier time show what is left of it.',
    ],
    argument: { name: 'ID', isOptional: false, isMany: false, text: 'the session' },
    options: [YES],
    examples: [
      { command: 'foldlog pack 01M7X', text: 'how much smaller it would be' },
      { command: 'foldlog pack 01M7X --yes', text: 'pack it' },
    ],
    load: async () => (await import('./pack.ts')).pack,
  },
  {
    name: 'redact',
    summary: 'removes content for good',
    details: [
      'Says what it would remove; --yes removes it: from every log of the namespace that holds the events, forks too, from attachments and caches. Ids, roles and types stay, and an event that says what was removed.',
      'Git history, clones and backups still hold what they held. A secret that was written is known: replace it first.',
    ],
    argument: { name: 'ID', isOptional: true, isMany: false, text: 'one session; default: all' },
    options: [
      { name: 'event', value: 'ID', text: `one event, ${EVENT}` },
      { name: 'text', value: 'TEXT', text: 'what holds this text; -: read it from stdin, so that no shell keeps it' },
      { name: 'pattern', value: 'REGEXP', text: 'what holds a text that matches' },
      { name: 'secrets', text: 'what holds a key or token of a well-known shape' },
      { name: 'returned', text: 'only what was redacted before and came back by a merge' },
      SHARED,
      YES,
    ],
    examples: [
      { command: 'foldlog redact --secrets', text: 'where secrets are' },
      { command: 'foldlog redact 01M7X --event 5PXB2QTA --yes', text: 'remove what one event says' },
      {
        command: 'pass show old-token | foldlog redact --text - --yes',
        text: 'remove a text that no shell should keep',
      },
      { command: 'foldlog redact --returned --yes', text: 'after a merge' },
    ],
    load: async () => (await import('./redact.ts')).redact,
  },
  {
    name: 'gc',
    summary: 'removes files that nothing names any more',
    details: [
      'Says what it would remove; --yes removes it. What no text in any session, draft or kept line of the namespace names goes, and what was left of writes that were killed.',
      'Safe while others read and write. It sees this work tree only: commit files/ with the logs before.',
    ],
    options: [
      { name: 'older-than', value: 'AGE', text: 'only what was stored before: 2h, 30m, a time; default 1d' },
      YES,
    ],
    examples: [
      { command: 'foldlog gc', text: 'what would be removed' },
      { command: 'foldlog gc -n support --yes', text: 'remove it, in one namespace' },
    ],
    load: async () => (await import('./gc.ts')).gc,
  },
  {
    name: 'cat',
    summary: 'prints the lines of all files of a session, byte for byte',
    details: [
      'The first file comes before the segments. A line that has no end at the end of a file gets one, unless nothing follows.',
      'On a terminal control characters are replaced. --json changes nothing: the lines are JSON.',
    ],
    argument: SESSION,
    options: [],
    examples: [
      { command: 'foldlog cat 01M7X | jq -r .type', text: 'the types of its events' },
      { command: 'foldlog cat @ > session.jsonl', text: 'a copy in one file' },
    ],
    load: async () => (await import('./cat.ts')).cat,
  },
  {
    name: 'path',
    summary: 'prints where the file of a session lies',
    details: ['A session with segments has several files, printed one a line.'],
    argument: SESSION,
    options: [],
    examples: [
      { command: 'foldlog path 01M7X', text: 'the file' },
      { command: 'git log -p "$(foldlog path @)"', text: 'its history in git' },
    ],
    load: async () => (await import('./path.ts')).path,
  },
  {
    name: 'git',
    summary: 'sets up this clone of a git repository for sessions',
    details: [
      '`install` makes diffs readable, sets merge rules for all branches of this clone, and writes hooks: pre-commit refuses to add secrets and damage, post-merge removes what came back of redacted events. Hooks of your own are left alone. Nothing is committed; it can be repeated.',
      'Logs merge without loss in every clone, set up or not: see docs/git.md.',
    ],
    argument: {
      name: 'ACTION',
      isOptional: false,
      isMany: false,
      text: 'install; pre-commit and post-merge are what its hooks call',
    },
    options: [
      { name: 'merge-driver', text: 'install: merge so that removed lines stay removed, instead of by union' },
      {
        name: 'root',
        value: 'DIR',
        text: 'install: the root to set up; default $FOLDLOG_ROOT, else .sessions. pre-commit, post-merge: the one root to look at; default: all that were installed in this work tree',
      },
    ],
    examples: [
      { command: 'foldlog git install', text: 'once a clone' },
      { command: 'foldlog git install --merge-driver', text: 'for sessions that are redacted or packed' },
      { command: 'foldlog git pre-commit', text: 'what would the next commit add that it should not' },
    ],
    load: async () => (await import('./git.ts')).git,
  },
  {
    name: 'git-textconv',
    summary: 'prints a file of a log as text, for git diff',
    details: [
      'Called by git once `foldlog git install` has run. An event is a line, with further lines indented.',
      FILES_ALONE,
    ],
    argument: { name: 'FILE', isOptional: false, isMany: false, text: 'a file of a log, whatever its name' },
    options: [],
    examples: [{ command: 'foldlog git-textconv session.jsonl', text: 'what git diff would show' }],
    load: async () => (await import('./git-textconv.ts')).gitTextconv,
  },
  {
    name: 'git-merge',
    summary: 'merges three versions of a log, for git merge',
    details: [
      'Called by git once `foldlog git install --merge-driver` has run. The result is in OURS.',
      'It keeps every line that a side has added, and leaves out what a side has removed. There are no conflicts.',
      FILES_ALONE,
    ],
    argument: {
      name: 'FILE',
      names: ['BASE', 'OURS', 'THEIRS'],
      isOptional: false,
      isMany: true,
      text: 'the common ancestor, our file, which gets the result, and theirs',
    },
    options: [],
    examples: [
      { command: 'foldlog git-merge base.jsonl ours.jsonl theirs.jsonl', text: 'the result is in ours.jsonl' },
    ],
    load: async () => (await import('./git-merge.ts')).gitMerge,
  },
  {
    name: 'restore',
    summary: 'writes back acknowledged lines that git has thrown away',
    details: [
      'Where a root lies in a work tree of git, lines that are not committed are kept in .cache/outbox, too. Without --yes it tells which of them are neither in the work tree nor in any commit, stash or reflog, and changes no log.',
      'With -n only in one namespace. With --json it prints one object a session: {namespace, sessionId, isRestored, lines, problem?}.',
    ],
    argument: {
      name: 'ID',
      isOptional: true,
      isMany: false,
      text: 'one session, or all whose ids begin so, in upper or lower case; default: all',
    },
    options: [SHARED, { name: 'yes', text: 'write them back' }],
    examples: [
      { command: 'foldlog restore', text: 'what is missing after a git reset --hard' },
      { command: 'foldlog restore --yes', text: 'bring it back' },
    ],
    load: async () => (await import('./restore.ts')).restore,
  },
]
