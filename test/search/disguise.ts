/**
 * The same lines as other programs would write them: more characters escaped, in upper or lower case, numbers in other forms, spaces between.
 */

/** Numbers in [0, 1) that come out the same every time. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export function disguise(lines: string, seed: number): string {
  const random = randomFrom(seed)
  return lines
    .split('\n')
    .map((line) =>
      line === '' || random() < 0.3 ? line : valueOf(JSON.parse(line), random, random() < 0.3 ? ' ' : ''),
    )
    .join('\n')
}

function valueOf(value: unknown, random: () => number, space: string): string {
  if (typeof value === 'string') return stringOf(value, random)
  if (typeof value === 'number') return numberOf(value, random)
  if (Array.isArray(value)) return `[${value.map((item) => valueOf(item, random, space)).join(`,${space}`)}]`
  if (typeof value !== 'object' || value === null) return String(value)
  const fields = Object.entries(value).map(
    ([name, item]) => `${stringOf(name, random)}:${space}${valueOf(item, random, space)}`,
  )
  return `{${fields.join(`,${space}`)}}`
}

function stringOf(text: string, random: () => number): string {
  const share = random() < 0.3 ? 0 : 2 * random()
  const units = Array.from(text, (char) => {
    if (char === '/' && random() < share) return String.raw`\/`
    if (random() >= share) return JSON.stringify(char).slice(1, -1)
    return Array.from({ length: char.length }, (_, i) => {
      const hex = char.charCodeAt(i).toString(16).padStart(4, '0')
      return String.raw`\u${random() < 0.5 ? hex : hex.toUpperCase()}`
    }).join('')
  })
  return `"${units.join('')}"`
}

function numberOf(value: number, random: () => number): string {
  const forms = [
    String(value),
    value.toExponential(),
    value.toExponential().toUpperCase(),
    value.toPrecision(21),
    value.toFixed(4),
  ]
  const form = forms[Math.floor(random() * forms.length)]!
  return Number(form) === value ? form : String(value)
}
