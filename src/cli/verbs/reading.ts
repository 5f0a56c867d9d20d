/** Verbs that read sessions and change nothing. */
import { EVENT, SESSION, type Verb } from '../spec.ts'

export const READING: readonly Verb[] = [
  {
    name: 'ls',
    summary: 'lists sessions, newest activity first',
    details: [
      'Without -n it lists the namespace `default`, or the only one there is.',
      'A title in quotes is the first thing that was said. ● running, ◌ awaiting a result or an approval, ✗ failed: how the last turn is. Damaged logs are marked, too, and do not change the exit code.',
      'With --json it prints one info a line.',
    ],
    isPaged: true,
    options: [
      { name: 'all', text: 'list all namespaces' },
      { name: 'archived', text: 'list what is archived, instead of what is not' },
      { name: 'parent', value: 'ID', text: 'list the sub-sessions and forks of this session' },
      {
        name: 'where',
        value: 'KEY=VALUE',
        isMany: true,
        text: 'list those that have this value, by the names of --json, or in vars and metadata; several must all hold',
      },
      { name: 'limit', value: 'N', text: 'list the first N; default: 50 on a terminal, else all' },
    ],
    examples: [
      { command: 'foldlog ls', text: 'what happened last' },
      { command: 'foldlog ls --all', text: 'every session of every namespace' },
      { command: 'foldlog ls --where status=failed --where model=gpt-5', text: 'what failed with a model' },
      { command: 'foldlog ls --json | jq -r .id', text: 'the ids' },
    ],
    load: async () => (await import('../ls.ts')).ls,
  },
  {
    name: 'show',
    isPaged: true,
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
    load: async () => (await import('../show.ts')).show,
  },
  {
    name: 'tree',
    summary: 'draws the branches of a session',
    details: [
      'The conversation goes straight down: ● a message of it, ◆ the one it ends at. ○ begins an alternative beside it. +3: three more messages follow one by one. Below are the sessions that came of this one: those of sub-agents, and forks.',
      'With --json it prints one object: {info, messages, sessions}; messages have {id, parentId, isOnPath, isHead, …}.',
    ],
    argument: SESSION,
    isPaged: true,
    options: [{ name: 'full', text: 'a line for every message' }],
    examples: [
      { command: 'foldlog tree', text: 'the latest session' },
      { command: 'foldlog tree 01M7X --full', text: 'with every message' },
      { command: "foldlog tree @ --json | jq '.messages[] | select(.isHead)'", text: 'where the conversation ends' },
    ],
    load: async () => (await import('../tree.ts')).tree,
  },
  {
    name: 'log',
    isPaged: true,
    summary: 'prints the events of a session, newest first',
    details: [],
    argument: SESSION,
    options: [{ name: 'limit', value: 'N', text: 'print the newest N; default: all' }],
    examples: [
      { command: 'foldlog log 01M7X --limit 20', text: 'what happened last' },
      { command: 'foldlog log @ --json | jq -c .data', text: 'what was written' },
    ],
    load: async () => (await import('../log.ts')).log,
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
    load: async () => (await import('../tail.ts')).tail,
  },
  {
    name: 'grep',
    summary: 'finds what was said, in all sessions',
    details: [
      'PATTERN is a text, found as it is. It is looked for in what people and models wrote, and in what tools were given and gave back; with a pattern that begins with -, write -- before it.',
      'Each line is a hit: where it is, when it was, who said it, and the text around it. With --json it is an object, with the id of its event to show it at.',
      'What is damaged is passed over, and hides nothing else.',
    ],
    argument: { name: 'PATTERN', isOptional: false, isMany: false, text: 'what to look for' },
    options: [
      { name: 'ignore-case', short: 'i', text: 'upper and lower case are the same' },
      { name: 'fixed', short: 'F', text: 'PATTERN is a text, which is so anyway' },
      {
        name: 'regexp',
        short: 'e',
        text: 'PATTERN is a regular expression, as JavaScript has them; ^ and $ are ends of lines',
      },
      { name: 'words', text: 'PATTERN is words, all of which must be in one message, in any case' },
      { name: 'role', value: 'ROLE', text: 'only messages of the system, user, assistant or tool' },
      { name: 'tool', value: 'NAME', text: 'only calls and results of this tool' },
      { name: 'since', value: 'TIME', text: 'only messages from then on: 7d, 2h, 10:05, 2026-11-20' },
      { name: 'until', value: 'TIME', text: 'only messages before then' },
      { name: 'sessions', short: 'l', text: 'print the sessions only' },
      { name: 'count', text: 'print the sessions, and how many hits are in each' },
      { name: 'limit', value: 'N', text: 'stop after N hits; default: all' },
      { name: 'archived', text: 'look into what is archived, instead of what is not' },
      { name: 'all', text: 'look into both' },
    ],
    examples: [
      {
        command: 'foldlog grep -i timeout --role tool --since 7d',
        text: 'what tools said of timeouts in the last week',
      },
      { command: "foldlog grep -e 'refund(ed|s)?' -l", text: 'the sessions about refunds' },
      { command: 'foldlog grep TODO --json | jq -r .snippet.text', text: 'the texts around it, for a program' },
    ],
    load: async () => (await import('../grep.ts')).grep,
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
    load: async () => (await import('../cat.ts')).cat,
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
    load: async () => (await import('../path.ts')).path,
  },
]
