/** The words after `foldlog` of the first command in a line of shell, up to a pipe, a redirection or the end of a `$(…)`. */
export function wordsOf(command: string): string[] {
  const words: string[] = []
  let [word, quote, isOpen]: [string, string, boolean] = ['', '', false]
  const start = command.indexOf('foldlog ') + 'foldlog '.length
  for (const char of `${command.slice(start)} `) {
    if (quote !== '') {
      if (char === quote) quote = ''
      else word += char
    } else if (char === "'" || char === '"') [quote, isOpen] = [char, true]
    else if (/[\s|>)]/.test(char)) {
      if (word !== '' || isOpen) words.push(word)
      if (/[|>)]/.test(char)) return words
      ;[word, isOpen] = ['', false]
    } else word += char
  }
  return words
}
