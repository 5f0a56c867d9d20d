/** What it takes the keepers of stores.mjs to append to a conversation of some length and to open it, in ways for `compare`. */
import { cpSync } from 'node:fs'
import { collectYoung, timed } from './harness.mjs'
import { removeFolder, tempFolder } from './temp.mjs'

/** When a sample has taken this long, it has appended enough. */
const ENOUGH_MS = 300

/**
 * Conversations of one length, filled once for each keeper and copied for each sample.
 */
export class Templates {
  /** @type {Map<string, string>} */
  #folders = new Map()
  #length

  /** @param {number} length messages in each */
  constructor(length) {
    this.#length = length
  }

  /** A folder of one's own with a conversation in it. @param {import('./stores.mjs').Keeper} keeper */
  async copy(keeper) {
    const folder = tempFolder('conversation')
    if (keeper.isInMemory) await keeper.fill(folder, this.#length)
    else cpSync(await this.shared(keeper), folder, { recursive: true })
    return folder
  }

  /** The folder that is copied, for those who only read. @param {import('./stores.mjs').Keeper} keeper */
  async shared(keeper) {
    const known = this.#folders.get(keeper.name)
    if (known !== undefined) return known
    const folder = tempFolder('template')
    await keeper.fill(folder, this.#length)
    this.#folders.set(keeper.name, folder)
    return folder
  }

  remove() {
    for (const folder of this.#folders.values()) removeFolder(folder)
  }
}

/**
 * Appends one after the other, each awaited if there is something to await: µs a message.
 *
 * @param {import('./stores.mjs').Keeper} keeper
 * @param {Templates} templates
 * @param {number} length of the conversation before
 * @param {{ count: number, repeat: number }} plan so many appends to each of so many conversations
 * @returns {import('./harness.mjs').Way}
 */
export function appendWay(keeper, templates, length, { count, repeat }) {
  const sample = async () => {
    let [ms, done] = [0, 0]
    for (let i = 0; i < repeat && ms < ENOUGH_MS; i++) {
      const folder = await templates.copy(keeper)
      const opened = await keeper.open(folder)
      if (opened.count !== length) throw new Error(`${keeper.name}: ${opened.count} of ${length} messages`)
      // What opening left young would be moved by whichever append comes then.
      collectYoung()
      ms += await timed(async () => {
        const start = performance.now()
        for (let at = 0; at < count && performance.now() - start < ENOUGH_MS; at++, done++) {
          const waiting = /** @type {any} */ (opened.append(length + at))
          if (typeof waiting?.then === 'function') await waiting
        }
      })
      await opened.close()
      removeFolder(folder)
    }
    return (ms * 1000) / done
  }
  return { name: keeper.name, missing: keeper.missing, sample }
}

/**
 * Opens a conversation and reads all of it: ms.
 *
 * @param {import('./stores.mjs').Keeper} keeper
 * @param {Templates} templates
 * @param {number} length
 * @returns {import('./harness.mjs').Way}
 */
export function openWay(keeper, templates, length) {
  const sample = async () => {
    const folder = await templates.shared(keeper)
    /** @type {any} */
    let opened
    const ms = await timed(async () => (opened = await keeper.open(folder)))
    if (opened.count !== length) throw new Error(`${keeper.name}: ${opened.count} of ${length} messages`)
    await opened.close()
    return ms
  }
  return { name: keeper.name, missing: keeper.missing, sample }
}

const WARM = { length: 20, count: 3000, ms: 1000 }

/** Appends with every keeper until its code is compiled, or for a second. @param {readonly import('./stores.mjs').Keeper[]} keepers */
export async function warmUp(keepers) {
  const templates = new Templates(WARM.length)
  for (const keeper of keepers.filter((one) => one.missing === undefined)) {
    const folder = await templates.copy(keeper)
    const opened = await keeper.open(folder)
    const end = performance.now() + WARM.ms
    for (let i = 0; i < WARM.count && performance.now() < end; i++) await opened.append(WARM.length + i)
    await opened.close()
    removeFolder(folder)
  }
  templates.remove()
}
