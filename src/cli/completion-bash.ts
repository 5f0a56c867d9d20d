/**
 * What completes a command line in bash. Pure.
 */
import { allOptions, flagsOf, kindOf, optionsOf, valueKindOf } from './completable.ts'
import type { OptionSpec } from './spec.ts'
import { GLOBAL_OPTIONS, VERBS } from './table.ts'

export function bashScript(): string {
  const cases = VERBS.map((verb) => {
    const words = verb.argument?.words === undefined ? '' : ` words='${verb.argument.words.join(' ')}'`
    return `    ${verb.name}) kind=${kindOf(verb)}${words} options='${typed(optionsOf(verb))}' ;;`
  })
  return `# Completion of foldlog in bash: source <(foldlog completion bash)
_foldlog() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb='' kind='verbs' words='' i
  local options='${typed(GLOBAL_OPTIONS)}' where=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --root|-n|--namespace) where+=("\${COMP_WORDS[i]}" "\${COMP_WORDS[i+1]}"); ((i++)) ;;
      ${[flags('nothing'), flags('ids')].join('|')}) ((i++)) ;;
      -*) ;;
      *) [[ -z $verb ]] && verb=\${COMP_WORDS[i]} ;;
    esac
  done
  case $verb in
${cases.join('\n')}
  esac
  COMPREPLY=()
  case $prev in
${branch(flags('directories'), '      mapfile -t COMPREPLY < <(compgen -d -- "$cur"); compopt -o filenames; return ;;')}${branch(flags('files'), '      mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames; return ;;')}${branch(flags('ids'), '      kind=ids ;;')}${branch(flags('nothing'), '      return ;;')}  esac
  if [[ $cur == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
    return
  fi
  case $kind in
    verbs) mapfile -t COMPREPLY < <(compgen -W '${VERBS.map(({ name }) => name).join(' ')}' -- "$cur") ;;
    words) mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur") ;;
    ids) mapfile -t COMPREPLY < <(foldlog completion ids \${cur:+"$cur"} "\${where[@]}" 2>/dev/null | cut -f1) ;;
    files) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames ;;
  esac
}
complete -F _foldlog foldlog
`
}

/** A pattern of the options whose value is of a kind. */
function flags(kind: ReturnType<typeof valueKindOf>): string {
  return allOptions()
    .filter((option) => valueKindOf(option) === kind)
    .flatMap(flagsOf)
    .join('|')
}

function typed(options: readonly OptionSpec[]): string {
  return options.flatMap(flagsOf).join(' ')
}

/** A branch of a case; none where nothing is matched. */
function branch(pattern: string, body: string): string {
  return pattern === '' ? '' : `    ${pattern})\n${body}\n`
}
