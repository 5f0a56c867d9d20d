/**
 * What to run after something was refused, by the code of the error. Pure.
 */
import type { FoldlogError } from '../errors.ts'
import { shellLine, type Call } from './call.ts'

/** Commands that can be run as they are; none where the message says all there is to do. */
export function hintsOf({ code, path, sessionId }: FoldlogError, call: Call): readonly string[] {
  switch (code) {
    case 'STORAGE_DENIED':
    case 'STORAGE_FAILED':
    case 'SESSION_BUSY':
      return [call.command('doctor')]
    case 'STORAGE_FULL':
      return [shellLine('df', '-h', path ?? call.root)]
    case 'NOT_A_LOG':
      if (path !== undefined) return [shellLine('ls', '-ld', path)]
      return sessionId === undefined ? [] : [call.again('cat'), call.again('rm')]
    case 'NOT_FOUND':
      return sessionId === undefined ? [] : [call.command('ls', '--all')]
    case 'ALREADY_EXISTS':
      return sessionId === undefined ? [] : [call.command('show', sessionId)]
    case 'INVALID_NAME':
    case 'INVALID_OPTION':
    case 'INVALID_EVENT':
    case 'AMBIGUOUS':
    case 'TOO_LARGE':
      return [call.help()]
    case 'HEAD_MOVED':
    case 'NOTHING_TO_COMPACT':
    case 'CLOSED':
    case 'STALE_CURSOR':
    case 'UNSUPPORTED':
      return []
  }
}
