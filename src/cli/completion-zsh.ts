/**
 * What completes a command line in zsh. Pure.
 */
import { kindOf, optionsOf, valueKindOf } from './completable.ts'
import type { OptionSpec, Verb } from './spec.ts'
import { VERBS } from './table.ts'

const ACTIONS = { ids: '_foldlog_ids', files: '_files', directories: '_files -/', words: '', nothing: '' } as const

export function zshScript(): string {
  return `#compdef foldlog
# Completion of foldlog in zsh: save it as _foldlog in a directory of $fpath.
_foldlog_ids() {
  local -a ids where
  local line
  local -i i
  for ((i = 1; i < $#words; i++)); do
    [[ $words[i] == (--root|-n|--namespace) ]] && where+=("$words[i]" "$words[i+1]")
  done
  for line in \${(f)"$(foldlog completion ids $where 2>/dev/null)"}; do
    ids+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe -V session ids -M 'm:{a-z}={A-Z}'
}
_foldlog() {
  local context state line curcontext=$curcontext
  typeset -A opt_args
  _arguments -C '1:verb:->verb' '*::argument:->argument'
  case $state in
    verb)
      local -a verbs=(
${VERBS.map(({ name, summary }) => `        ${quoted(`${name}:${summary}`)}`).join('\n')}
      )
      _describe verb verbs ;;
    argument)
      case $words[1] in
${VERBS.map(caseOf).join('\n')}
      esac ;;
  esac
}
if [[ $funcstack[1] == _foldlog ]]; then _foldlog "$@"; else compdef _foldlog foldlog; fi
`
}

function caseOf(verb: Verb): string {
  const { argument, name } = verb
  const action = argument?.words === undefined ? ACTIONS[kindOf(verb)] : `(${argument.words.join(' ')})`
  const many = argument?.isMany === true || argument?.names !== undefined ? '*' : '1'
  const specs = [
    ...(argument === undefined ? [] : [quoted(`${many}:${argument.name}:${action}`)]),
    ...optionsOf(verb).map(optionOf),
  ]
  return `        ${name}) _arguments -s ${specs.join(' ')} ;;`
}

/** `'(-n --namespace)'{-n,--namespace}'[text]:NAME:'` */
function optionOf(option: OptionSpec): string {
  const { name, short, text, value } = option
  const kind = valueKindOf(option)
  const rest = `[${text.replaceAll(/[[\]]/g, String.raw`\$&`)}]${kind === undefined ? '' : `:${value}:${ACTIONS[kind]}`}`
  return short === undefined
    ? quoted(`--${name}${rest}`)
    : `'(-${short} --${name})'{-${short},--${name}}${quoted(rest)}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
