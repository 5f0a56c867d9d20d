/**
 * The one table of verbs. Help is made of it and of nothing else.
 *
 * Verbs are loaded when they are called, so that asking for help loads none of them.
 */
import type { OptionSpec, Verb } from './spec.ts'
import { CHANGING } from './verbs/changing.ts'
import { GIT } from './verbs/git.ts'
import { KEEPING } from './verbs/keeping.ts'
import { READING } from './verbs/reading.ts'
import { SETUP } from './verbs/setup.ts'
import { WRITING } from './verbs/writing.ts'

export const SUMMARY = 'reads and follows the sessions of AI agents, which are files'

/** Options of every verb. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { name: 'root', value: 'DIR', text: 'where the sessions are; default $FOLDLOG_ROOT, else .sessions' },
  { name: 'namespace', short: 'n', value: 'NAME', text: 'look in this namespace only; default: in all of them' },
  { name: 'json', text: 'print JSON, one object a line' },
  { name: 'no-pager', text: 'print long output as it is; also if $FOLDLOG_PAGER or $PAGER is empty or cat' },
  { name: 'help', short: 'h', text: 'say what foldlog, or a verb, does' },
  { name: 'version', text: 'print the version' },
]

export const EXIT_CODES: readonly (readonly [code: string, text: string])[] = [
  ['0', 'done, also if nobody reads the output to its end'],
  ['1', 'not found, or something could not be read or written, or doctor found a problem'],
  ['2', 'the command line makes no sense, or names several sessions'],
  ['3', 'parts of a log, or files, are damaged; everything else was printed'],
]

export const ID_FORMS: readonly (readonly [form: string, text: string])[] = [
  ['01m7x', 'the beginning of an id, in upper or lower case, if only one id begins so'],
  ['@', 'the session that something last happened in, unless it is archived'],
  ['@{1}', 'the one before it, and so on'],
  ['a/b/01M….jsonl', 'the file of a session, in whatever root it is'],
]

/** All verbs, by what they are for. */
export const GROUPS: readonly (readonly [title: string, verbs: readonly Verb[]])[] = [
  ['read', READING],
  ['in and out', WRITING],
  ['change', CHANGING],
  ['look after', KEEPING],
  ['git', GIT],
  ['set up', SETUP],
]

export const VERBS: readonly Verb[] = GROUPS.flatMap(([, verbs]) => verbs)
