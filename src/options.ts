/**
 * The options of calls, checked by name: one that is not known is refused and not passed over, because what it was to hold back (a write that
 * is not guarded, a run that is not dry) would be done. Pure.
 */
import { FoldlogError } from './errors.ts'
import { assertObject } from './input.ts'

/** What a call takes that has no options: it is there so that what is passed is refused. */
export type NoOptions = Readonly<Record<string, never>>

/** Why calls that write are not guarded, and what to do instead. */
const UNGUARDED: Readonly<Record<string, string>> = {
  create: 'where the id is taken it is ALREADY_EXISTS',
  ensure: 'it changes nothing of a session that is there',
  fork: 'it changes nothing of the session it forks: say with `at` how much of it is meant',
  delete: 'what others write meanwhile is deleted as well: archive the session by a guarded set',
  purge: 'what others write meanwhile is deleted as well: archive the session by a guarded set',
  merge: 'it adds the same events wherever the conversation ends',
  restore: 'it writes lines as they were, several of which cannot be guarded as one',
  repair: 'it changes nothing of the conversation',
  pack: 'it changes nothing of the conversation',
  redact: 'what it removes has to go wherever the conversation ends',
}

/** Throws `INVALID_OPTION` unless `options` has no other names than these. */
export function assertOptions(options: object | undefined, names: readonly string[], call: string): void {
  if (options === undefined) return
  assertObject(options, 'options')
  for (const name of Object.keys(options)) if (!names.includes(name)) throw unknown(name, names, call)
}

/** Throws `INVALID_OPTION` if a guard is among the fields that a session is to begin with. */
export function assertNoGuard(fields: object, call: string): void {
  if ('expectedHead' in fields) throw unknown('expectedHead', [], call)
}

function unknown(name: string, names: readonly string[], call: string): FoldlogError {
  const why = name === 'expectedHead' ? UNGUARDED[call] : undefined
  const known = names.length === 0 ? 'none' : names.join(', ')
  const message =
    why === undefined
      ? `${name} is no option of ${call}, which takes ${known}`
      : `${call} takes no expectedHead: ${why}`
  return new FoldlogError('INVALID_OPTION', message, { field: name })
}
