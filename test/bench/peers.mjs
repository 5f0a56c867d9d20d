/** What is compared: the built product, and the peers as far as they are installed. */

/** The product, as its users import it. */
export const foldlog = await load('../../dist/index.js')
/** The product's conversions. */
export const messages = await load('../../dist/messages/index.js')
/** The product's importers. */
export const importers = await load('../../dist/importers/index.js')
/** The product's exporters. */
export const exporters = await load('../../dist/exporters/index.js')
/** `{ SessionManager }` of pi. */
export const pi = await load('./peers/pi.mjs')
/** `{ Database }` of better-sqlite3. */
export const sqlite = await load('./peers/sqlite.mjs')

const NOT_INSTALLED = 'not installed (npm ci in test/bench/peers)'
/** Why a row of each has nothing to measure; undefined where it has. */
export const missing = {
  foldlog: foldlog === undefined ? 'not built (npm run build)' : undefined,
  pi: pi === undefined ? NOT_INSTALLED : undefined,
  sqlite: sqlite === undefined ? NOT_INSTALLED : undefined,
  /** Of a peer that {@link loadPeer} gave. @param {unknown} peer */
  of: (peer) => (peer === undefined ? NOT_INSTALLED : undefined),
}

/** The peers that few groups compare with. @param {string} name of a file in peers/ @returns {Promise<any>} undefined if it is not installed */
export function loadPeer(name) {
  return load(`./peers/${name}.mjs`)
}

/** @param {string} path */
async function load(path) {
  try {
    return await import(path)
  } catch (error) {
    // Missing packages are expected and shown in the tables; anything else is a failure.
    if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}
