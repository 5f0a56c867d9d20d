/**
 * Where something stands among what is in the order of its keys. Pure.
 */

/** How many items have a smaller key. `keyOf` never falls from one item to the next. What comes in order is at the end: that is looked at first. */
export function countBefore<T>(items: readonly T[], keyOf: (item: T) => string, key: string): number {
  let high = items.length
  if (high === 0 || keyOf(items[high - 1]!) < key) return high
  let low = 0
  while (low < high) {
    const middle = (low + high) >>> 1
    if (keyOf(items[middle]!) < key) low = middle + 1
    else high = middle
  }
  return low
}
