/**
 * `node test/bench/plot.mjs`: draws the plots of docs/performance.md from results.json; a run with `--write` does it, too.
 *
 * SVG without a script, with both axes logarithmic. What is behind and around the lines follows the reader's colours, light or dark.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { argv } from 'node:process'
import { fileURLToPath } from 'node:url'
import { readResults } from './results.mjs'

const FOLDER = new URL('../../docs/plots/', import.meta.url)

/**
 * @typedef {object} Plot
 * @property {string} file
 * @property {string} title
 * @property {string} x what is on the axis, with its unit
 * @property {string} y
 *
 * @typedef {import('./table.mjs').Series} Series
 */

/** By the names of the series in a report. @type {ReadonlyMap<string, Plot>} */
const PLOTS = new Map([
  [
    'append',
    {
      file: 'append.svg',
      title: 'What a message costs as the session grows',
      x: 'messages in the session',
      y: 'µs a message',
    },
  ],
  [
    'open',
    {
      file: 'open.svg',
      title: 'What opening a session costs as its log grows',
      x: 'size of the log, MB',
      y: 'ms until it is open and read',
    },
  ],
])

const WIDTH = 960
const HEIGHT = 480
const AREA = { left: 76, top: 48, right: 560, bottom: 416 }
const LEGEND = { x: 596, step: 22 }
/** Dark enough for a light page and light enough for a dark one. */
const OWN_COLOUR = '#d9480f'
const COLOURS = ['#3d8bfd', '#2b9348', '#b5179e', '#b8860b', '#0c8599', '#868e96']
const DASHES = ['', '7 4', '2 3']

/** @param {ReturnType<typeof readResults>} results */
export function drawPlots(results) {
  mkdirSync(FOLDER, { recursive: true })
  for (const { series } of Object.values(results)) {
    for (const [name, lines] of Object.entries(series ?? {})) {
      const plot = PLOTS.get(name)
      if (plot !== undefined) writeFileSync(new URL(plot.file, FOLDER), svg(plot, lines))
    }
  }
}

/** @param {Plot} plot @param {readonly Series[]} all @returns {string} */
export function svg(plot, all) {
  // Everybody looks the same in all plots; names stand in the order in which their lines end.
  const looks = looksOf(all.map(({ name }) => name))
  const lines = all.toSorted((a, b) => lastOf(b) - lastOf(a))
  const x = scale(values(lines, 0), AREA.left, AREA.right)
  const y = scale(values(lines, 1), AREA.bottom, AREA.top)
  const body = [
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="title" x="${AREA.left}" y="24">${escape(plot.title)}</text>`,
    ...x.ticks.map((tick) => vertical(x.of(tick), power(tick))),
    ...y.ticks.map((tick) => horizontal(y.of(tick), power(tick))),
    `<text class="axis" x="${(AREA.left + AREA.right) / 2}" y="${HEIGHT - 20}" text-anchor="middle">${escape(plot.x)}</text>`,
    `<text class="axis" transform="translate(20 ${(AREA.top + AREA.bottom) / 2}) rotate(-90)" text-anchor="middle">${escape(plot.y)}</text>`,
    ...lines.map((line, i) => named(line, i, looks)),
    // The own ones last, so that they are over the others.
    ...lines.toSorted((a, b) => Number(isOwn(a.name)) - Number(isOwn(b.name))).map((line) => drawn(line, looks, x, y)),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img">
<title>${escape(plot.title)}: ${escape(plot.y)}, by ${escape(plot.x)}</title>
<style>${STYLE}</style>
${body.join('\n')}
</svg>
`
}

const STYLE = `
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.page { fill: #ffffff }
.grid { stroke: #d1d9e0; stroke-width: 1 }
.line { fill: none; stroke-width: 1.6 }
.own { stroke-width: 3.6 }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc }
  .page { fill: #0d1117 }
  .grid { stroke: #3d444d }
}
`

/** @param {string} name */
function isOwn(name) {
  return name.startsWith('foldlog')
}

/** @typedef {{ colour: string, attributes: string }} Look */

/** @param {readonly string[]} names @returns {ReadonlyMap<string, Look>} */
function looksOf(names) {
  const own = names.filter(isOwn).map((name, i) => look(name, OWN_COLOUR, i))
  const others = names
    .filter((name) => !isOwn(name))
    .map((name, i) => look(name, COLOURS[i % COLOURS.length], Math.floor(i / COLOURS.length)))
  return new Map([...own, ...others])
}

/** @param {string} name @param {string} colour @param {number} dash @returns {[string, Look]} */
function look(name, colour, dash) {
  const dashed = dash === 0 ? '' : ` stroke-dasharray="${DASHES[dash % DASHES.length]}"`
  return [name, { colour, attributes: `class="line${isOwn(name) ? ' own' : ''}" stroke="${colour}"${dashed}` }]
}

/** @param {Series} line @param {ReadonlyMap<string, Look>} looks @param {Scale} x @param {Scale} y */
function drawn({ name, points }, looks, x, y) {
  const { colour, attributes } = /** @type {Look} */ (looks.get(name))
  const places = points.map(([at, value]) => [round(x.of(at)), round(y.of(value))])
  const dots = places.map(
    ([at, height]) => `<circle cx="${at}" cy="${height}" r="${isOwn(name) ? 4 : 2.6}" fill="${colour}"/>`,
  )
  return `<polyline ${attributes} points="${places.join(' ')}"/>${dots.join('')}`
}

/** @param {Series} line @param {number} i @param {ReadonlyMap<string, Look>} looks */
function named({ name }, i, looks) {
  const { attributes } = /** @type {Look} */ (looks.get(name))
  const row = AREA.top + 8 + i * LEGEND.step
  const text = `<text class="${isOwn(name) ? 'title' : 'axis'}" x="${LEGEND.x + 36}" y="${row + 4}">${escape(shortName(name))}</text>`
  return `<path ${attributes} d="M${LEGEND.x} ${row}h28"/>${text}`
}

/** What fits beside the plot. @param {string} name */
function shortName(name) {
  return name.length <= 46 ? name : `${name.slice(0, 45)}…`
}

/**
 * @typedef {object} Scale
 * @property {(value: number) => number} of where it is
 * @property {readonly number[]} ticks powers of ten
 */

/** Logarithmic, from the power of ten below all to the one above. @param {readonly number[]} all @param {number} from @param {number} to @returns {Scale} */
function scale(all, from, to) {
  const [low, high] = [Math.floor(Math.log10(Math.min(...all))), Math.ceil(Math.log10(Math.max(...all)))]
  const span = Math.max(1, high - low)
  const ticks = Array.from({ length: span + 1 }, (_, i) => 10 ** (low + i))
  return { of: (value) => from + ((Math.log10(value) - low) / span) * (to - from), ticks }
}

/** @param {readonly Series[]} lines @param {0 | 1} which */
function values(lines, which) {
  return lines.flatMap(({ points }) => points.map((point) => point[which]))
}

/** @param {Series} line */
function lastOf({ points }) {
  return points.at(-1)?.[1] ?? 0
}

/** @param {number} at @param {string} text */
function vertical(at, text) {
  const line = `<path class="grid" d="M${round(at)} ${AREA.top}V${AREA.bottom}"/>`
  return `${line}<text x="${round(at)}" y="${AREA.bottom + 20}" text-anchor="middle">${text}</text>`
}

/** @param {number} at @param {string} text */
function horizontal(at, text) {
  const line = `<path class="grid" d="M${AREA.left} ${round(at)}H${AREA.right}"/>`
  return `${line}<text x="${AREA.left - 8}" y="${round(at) + 4}" text-anchor="end">${text}</text>`
}

/** @param {number} value */
function power(value) {
  return value >= 1 ? value.toLocaleString('en-US') : String(Number(value.toPrecision(1)))
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10
}

/** @param {string} text */
function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

if (argv[1] === fileURLToPath(import.meta.url)) drawPlots(readResults())
