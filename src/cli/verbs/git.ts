/** Verbs for sessions in git. */
import { FILES_ALONE, SHARED, type Verb } from '../spec.ts'

export const GIT: readonly Verb[] = [
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
      words: ['install', 'pre-commit', 'post-merge'],
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
    load: async () => (await import('../git.ts')).git,
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
    load: async () => (await import('../git-textconv.ts')).gitTextconv,
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
    load: async () => (await import('../git-merge.ts')).gitMerge,
  },
  {
    name: 'restore',
    summary: 'writes back lines and files that git has thrown away',
    details: [
      'Where a root lies in a work tree of git, lines that are not committed are kept in .cache/outbox, too. Without --yes it tells which of them are neither in the work tree nor in any commit, stash or reflog, and changes no log.',
      'Files that are not committed are kept there, too: those that logs or missing lines name and that are gone are told, and come back with them. One that is neither kept nor in git is named, and the exit code is 3 then.',
      'With -n only in one namespace. With --json it prints one object a session: {namespace, sessionId, isRestored, lines, files?, lost?, problem?}.',
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
    load: async () => (await import('../restore.ts')).restore,
  },
]
