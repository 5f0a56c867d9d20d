/**
 * `did you mean`: the nearest of some words. Pure.
 */

/** The word nearest to `typed`; undefined if none is near. */
export function nearest(typed: string, words: Iterable<string>): string | undefined {
  const limit = typed.length < 5 ? 1 : 2
  let best: string | undefined
  let least = limit + 1
  for (const word of words) {
    const distance = typed.length > 1 && word.startsWith(typed) ? 0 : distanceOf(typed, word)
    if (distance >= least) continue
    best = word
    least = distance
  }
  return best
}

/** Those ids that a name was most likely meant to be: it is their end, or, of those that people chose, a slip away. None if there are too many. */
export function nearestIds(typed: string, ids: readonly string[], chosen: readonly string[]): readonly string[] {
  const wanted = typed.toLowerCase()
  const ends = ids.filter((id) => wanted.length >= LEAST_END && id.toLowerCase().endsWith(wanted))
  if (ends.length > 0) return few(ends)
  let least = typed.length < 5 ? 1 : 2
  let nearestOnes: string[] = []
  for (const id of chosen) {
    const known = id.toLowerCase()
    const distance = Math.min(distanceOf(wanted, known), distanceOf(wanted, known.slice(0, wanted.length)))
    if (distance > least) continue
    if (distance < least) nearestOnes = []
    least = distance
    nearestOnes.push(id)
  }
  return few(nearestOnes)
}

const LEAST_END = 4
const MOST_IDS = 3

/** More would be no help: the shortest names are a slip away from anything. */
function few(ids: readonly string[]): readonly string[] {
  return ids.length > MOST_IDS ? [] : ids
}

/** How many letters have to be put in, left out, changed or swapped with their neighbour. */
function distanceOf(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1]
      let least = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, before[j - 2]! + 1)
      next.push(least)
    }
    before = row
    row = next
  }
  return row[b.length]!
}
