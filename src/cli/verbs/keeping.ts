/** Verbs that look after the files: damage, secrets, size. */
import { EVENT, SHARED, YES, type Verb } from '../spec.ts'

export const KEEPING: readonly Verb[] = [
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
    load: async () => (await import('../fsck.ts')).fsck,
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
    load: async () => (await import('../repair.ts')).repair,
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
    load: async () => (await import('../pack.ts')).pack,
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
    load: async () => (await import('../redact.ts')).redact,
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
    load: async () => (await import('../gc.ts')).gc,
  },
]
