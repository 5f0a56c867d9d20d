/** Verbs that change sessions which are there, or delete them. */
import { EVENT, SESSION, SHARED, YES, type ArgumentSpec, type Verb } from '../spec.ts'

const SESSIONS: ArgumentSpec = { name: 'ID', isOptional: true, isMany: true, text: 'sessions; default @, the latest' }

export const CHANGING: readonly Verb[] = [
  {
    name: 'fork',
    summary: 'makes a new session of what another one holds',
    details: [
      'The new one has the same events up to a point, and the old one as its parent; the old one stays as it is. What is being written there is incomplete in the fork.',
      'Prints the id of the new session. Another answer to a question needs no fork: that is a branch of the same session.',
    ],
    argument: SESSION,
    options: [
      { name: 'at', value: 'POINT', text: `as it was: at a time, or after an event, ${EVENT}` },
      { name: 'title', value: 'TEXT', text: 'what the new one is called; default: as the old one' },
      { name: 'id', value: 'ID', text: 'the id of the new one; default: a fresh one' },
      SHARED,
    ],
    examples: [
      { command: "foldlog fork 01M7X --title 'Plan B'", text: 'all of it' },
      { command: 'foldlog fork @ --at 10m', text: 'what was there ten minutes ago' },
    ],
    load: async () => (await import('../fork.ts')).fork,
  },
  {
    name: 'branch',
    summary: 'lists the branches of a conversation',
    details: [
      'The one that was written to last comes first; * marks the one that the conversation is on. MSGS counts the messages from the beginning to its end, OWN those that are on none of the lines above.',
      'With --json it prints one object a branch: {end, messageCount, ownCount, isHead, afterHead, updated, role, text}.',
    ],
    argument: SESSION,
    options: [],
    examples: [
      { command: 'foldlog branch', text: 'of the latest session' },
      { command: "foldlog branch 01M7X --json | jq -r 'select(.isHead).end'", text: 'the id of its last message' },
    ],
    load: async () => (await import('../branch.ts')).branch,
  },
  {
    name: 'head',
    summary: 'moves the end of a conversation to a message',
    details: [
      'The conversation ends at that message from then on, and goes on from there; what comes after it stays as a branch. `foldlog branch` lists where it could go.',
      'Moving it to where it is changes nothing. --undo after --undo moves it forth again.',
    ],
    argument: {
      name: 'MESSAGE',
      usage: '[ID] MESSAGE',
      isOptional: true,
      isMany: true,
      most: 2,
      text: 'a message: its id, the beginning or the end of it; before it the session, default @. With --undo only the session',
    },
    options: [{ name: 'undo', text: 'to where it was before it was moved for the last time' }, SHARED],
    examples: [
      { command: 'foldlog head 01M7X 5PXB2QTA', text: 'go on from there' },
      { command: 'foldlog head 01M7X --undo', text: 'go back' },
    ],
    load: async () => (await import('../head.ts')).head,
  },
  {
    name: 'archive',
    summary: 'takes sessions out of listings, or puts them back',
    details: [
      'Nothing is deleted, and an archived session can be read and written to. `foldlog ls --archived` lists them.',
      'With --json it prints one object a session: {namespace, sessionId, isArchived, isChanged}.',
    ],
    argument: SESSIONS,
    options: [{ name: 'undo', text: 'put back what was archived' }, SHARED],
    examples: [
      { command: 'foldlog archive 01M7X 01M7W', text: 'two of them' },
      { command: 'foldlog archive 01M7X --undo', text: 'put it back' },
    ],
    load: async () => (await import('../archive.ts')).archive,
  },
  {
    name: 'rm',
    summary: 'deletes sessions',
    details: [
      'Says what it would delete; --yes deletes it, for good. Children stay, and so do attachments until `foldlog gc`. In a shared root a tombstone stays, so that no merge brings the session back.',
      'Git history, clones and backups still hold what they held.',
    ],
    argument: { name: 'ID', isOptional: false, isMany: true, text: 'the sessions' },
    options: [YES, SHARED],
    examples: [
      { command: 'foldlog rm 01M7X', text: 'what would be deleted' },
      { command: 'foldlog rm 01M7X 01M7W --yes', text: 'delete both' },
    ],
    load: async () => (await import('../rm.ts')).rm,
  },
  {
    name: 'prune',
    summary: 'deletes sessions in which nothing has happened for a time',
    details: [
      'Says what it would delete; --yes deletes it, for good: archived sessions too, in the namespace of -n or in all. Nothing is ever deleted by itself.',
    ],
    options: [
      { name: 'older-than', value: 'AGE', text: 'those in which nothing has happened since: 90d, 12w, a time' },
      YES,
      SHARED,
    ],
    examples: [
      { command: 'foldlog prune --older-than 90d', text: 'what would be deleted' },
      { command: 'foldlog prune -n scratch --older-than 7d --yes', text: 'delete it, in one namespace' },
    ],
    load: async () => (await import('../prune.ts')).prune,
  },
]
