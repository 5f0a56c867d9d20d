/**
 * What completes a command line in fish. Pure.
 */
import { kindOf, optionsOf, valueKindOf } from './completable.ts'
import type { OptionSpec, Verb } from './spec.ts'
import { GLOBAL_OPTIONS, VERBS } from './table.ts'

export function fishScript(): string {
  return `# Completion of foldlog in fish: foldlog completion fish > ~/.config/fish/completions/foldlog.fish
function __foldlog_verb
    set -l words (commandline -opc)
    set -l skips 1
    for word in $words
        if test $skips -gt 0
            set skips 0
        else if contains -- $word --root -n --namespace
            set skips 1
        else if not string match -q -- '-*' $word
            echo $word
            return
        end
    end
end
function __foldlog_is
    contains -- $argv[1] (__foldlog_verb)
end
function __foldlog_is_none
    test (count (__foldlog_verb)) -eq 0
end
function __foldlog_ids
    set -l words (commandline -opc)
    set -l where
    for i in (seq (count $words))
        contains -- $words[$i] --root -n --namespace; and set where $where $words[$i] $words[(math $i + 1)]
    end
    foldlog completion ids (commandline -ct) $where 2>/dev/null
end
complete -c foldlog -f
${VERBS.map(({ name, summary }) => `complete -c foldlog -n __foldlog_is_none -a ${name} -d ${quoted(summary)}`).join('\n')}
${GLOBAL_OPTIONS.map((option) => `complete -c foldlog -n __foldlog_is_none ${optionOf(option)}`).join('\n')}
${VERBS.flatMap(linesOf).join('\n')}
`
}

function linesOf(verb: Verb): string[] {
  const start = `complete -c foldlog -n '__foldlog_is ${verb.name}'`
  const kind = kindOf(verb)
  const argument =
    kind === 'ids'
      ? [`${start} -k -a '(__foldlog_ids)'`]
      : kind === 'files'
        ? [`${start} -F`]
        : kind === 'words'
          ? [`${start} -a ${quoted(verb.argument?.words?.join(' ') ?? '')}`]
          : []
  return [...argument, ...optionsOf(verb).map((option) => `${start} ${optionOf(option)}`)]
}

function optionOf(option: OptionSpec): string {
  const { name, short, text } = option
  const kind = valueKindOf(option)
  const value = {
    nothing: ' -x',
    words: ' -x',
    ids: " -x -k -a '(__foldlog_ids)'",
    directories: " -x -a '(__fish_complete_directories)'",
    files: ' -r -F',
  }
  return `-l ${name}${short === undefined ? '' : ` -s ${short}`}${kind === undefined ? '' : value[kind]} -d ${quoted(text)}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`
}
