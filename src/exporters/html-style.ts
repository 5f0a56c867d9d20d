/**
 * The style sheet of the page. It names no other file, no font that has to be fetched, and colours for light and dark, all of them at least
 * 4.5 to 1 on what they stand on.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fcfbf9; --sheet: #ffffff; --ink: #1f1d1a; --soft: #635e57; --line: #e4dfd7; --wash: #f4f1ec;
  --user: #3f4fb5; --user-wash: #eff1fc; --user-line: #d5daf5;
  --model: #0b6b60; --tool: #7a5200; --good: #1c6b34; --bad: #a8231b; --bad-wash: #fdf0ee; --open: #7a5200;
  --ins: #e6f4e8; --del: #fbe9e7; --mark: #8a6200;
  --text: ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", sans-serif;
  --code: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161618; --sheet: #1c1c1f; --ink: #e8e5df; --soft: #a39d94; --line: #313035; --wash: #212125;
    --user: #aab6ff; --user-wash: #20243a; --user-line: #343b60;
    --model: #6fd3c4; --tool: #dcb169; --good: #7fd493; --bad: #ff9b90; --bad-wash: #331d1b; --open: #dcb169;
    --ins: #17301d; --del: #3a1f1d; --mark: #dcb169;
  }
}
*, *::before, *::after { box-sizing: border-box }
html { scroll-padding-top: 1.5rem; -webkit-text-size-adjust: 100%; text-size-adjust: 100% }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 var(--text); overflow-wrap: anywhere }
a { color: var(--user); text-underline-offset: .15em; text-decoration-thickness: from-font }
:focus-visible { outline: 2px solid var(--user); outline-offset: 2px; border-radius: 3px }
.skip { position: absolute; left: -99rem }
.skip:focus { left: 1rem; top: 1rem; background: var(--sheet); padding: .5rem 1rem; z-index: 1 }
.page { display: grid; grid-template-columns: minmax(0, 1fr); max-width: 48.5rem; margin: 0 auto; padding: 0 1.25rem 4rem }

.head { padding: 3.5rem 0 1.75rem }
.head h1 { font-size: clamp(1.5rem, 1.2rem + 1.2vw, 2rem); line-height: 1.22; letter-spacing: -.018em; margin: 0 0 1rem; text-wrap: balance; font-weight: 680 }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); gap: .55rem 1.5rem; margin: 0; font-size: .875rem }
.facts div { display: flex; flex-direction: column; line-height: 1.4 }
.facts dt { color: var(--soft); font-size: .75rem; letter-spacing: .01em }
.facts dd { margin: 0; font-variant-numeric: tabular-nums }
.facts .long { grid-column: span 2 }
.shape { display: block; max-width: 100%; height: auto; margin: 1.4rem 0 0 }
.shape .user { fill: var(--user) } .shape .assistant { fill: var(--model) } .shape .tool { fill: var(--line) } .shape .system { fill: var(--line) }
.shape .failed { fill: var(--bad) }
.bar { display: flex; gap: .5rem; align-items: baseline; margin: 1.25rem 0 0; font-size: .8125rem; color: var(--soft) }
.bar[hidden] { display: none }
@media (hover: none) { .bar span { display: none } }
button { font: inherit; white-space: nowrap; color: var(--ink); background: var(--sheet); border: 1px solid var(--line); border-radius: 6px; padding: .2rem .65rem; cursor: pointer }
button:hover { border-color: var(--soft) }
kbd { font: .75rem var(--code); border: 1px solid var(--line); border-radius: 4px; padding: 0 .3em; background: var(--sheet) }

.index { font-size: .875rem; line-height: 1.45; border-block: 1px solid var(--line); padding: .6rem 0; max-height: 17rem; overflow-y: auto; scrollbar-width: thin; overscroll-behavior: contain; align-self: start }
.index > details > summary { color: var(--soft); padding: .15rem 0 }
.index ol, .index ul { list-style: none; margin: .35rem 0 .5rem; padding: 0 }
.index li { content-visibility: auto; contain-intrinsic-size: auto 1.5rem; display: flex; gap: .6em; padding: .14rem 0 }
.index li > span { flex: none; min-width: 1.6em; text-align: right; color: var(--soft); font-variant-numeric: tabular-nums }
.index a { color: var(--soft); text-decoration: none; overflow: hidden; display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; line-clamp: 2 }
.index a:hover { color: var(--ink); text-decoration: underline }
.index h2 { font-size: .75rem; font-weight: 600; color: var(--soft); margin: 1rem 0 0 }

.day { display: flex; align-items: center; gap: .9rem; margin: 2.25rem 0 .25rem; color: var(--soft); font-size: .8125rem; font-variant-numeric: tabular-nums }
.day::before, .day::after { content: ""; height: 1px; background: var(--line); flex: 1 }
article { content-visibility: auto; contain-intrinsic-size: auto 10rem; padding: .35rem 0; min-width: 0 }
article.turn { padding-top: 1.5rem }
.who { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 .6rem; margin: 0 0 .3rem; font-size: .8125rem; color: var(--soft) }
.who b { font-weight: 650; color: var(--model) }
.user .who b { color: var(--user) } .tool .who b { color: var(--tool) } .system .who b { color: var(--soft) }
.who a { color: inherit; text-decoration: none; font-variant-numeric: tabular-nums }
.who a:hover { text-decoration: underline }
.alts { margin-left: auto; white-space: nowrap; font-variant-numeric: tabular-nums }
.alts a { display: inline-block; padding: 0 .4em; color: var(--mark); font-weight: 650 }
.alts span { color: var(--mark) }
.user > .body { background: var(--user-wash); border: 1px solid var(--user-line); border-radius: 10px; padding: .8rem 1.1rem }
article:target { border-radius: 10px; box-shadow: -4px 0 0 var(--mark) }
article:target:not(.user) { padding-left: .75rem; margin-left: -.75rem }

.body > :first-child { margin-top: 0 } .body > :last-child { margin-bottom: 0 }
.body { max-width: 46rem }
.body p, .body ul, .body ol, .body blockquote, .body table { margin: 0 0 .85em }
.body p { white-space: pre-line; text-wrap: pretty }
.body p.typed { white-space: pre-wrap }
.body h3, .body h4, .body h5, .body h6 { font-size: 1.05rem; line-height: 1.35; margin: 1.5em 0 .5em; font-weight: 660; letter-spacing: -.005em }
.body h3 { font-size: 1.2rem } .body h4 { font-size: 1.1rem } .body h6 { color: var(--soft) }
.body ul, .body ol { padding-left: 1.5em } .body li { margin: .2em 0 } .body li > ul, .body li > ol { margin: .2em 0 }
.body li::marker { color: var(--soft) }
.body blockquote { border-left: 3px solid var(--line); padding-left: 1em; color: var(--soft) }
.body hr { border: 0; border-top: 1px solid var(--line); margin: 1.5em 0 }
.wide { overflow-x: auto; margin: 0 0 .85em }
table { border-collapse: collapse; font-size: .9375rem; font-variant-numeric: tabular-nums }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .9rem .3rem 0; text-align: left; vertical-align: top }
th { font-weight: 620 }
code { font-family: var(--code); font-size: .875em; background: var(--wash); border-radius: 4px; padding: .1em .3em }
.user > .body code { background: color-mix(in srgb, var(--user) 9%, transparent) }
pre { position: relative; font: .8125rem/1.55 var(--code); background: var(--wash); border: 1px solid var(--line); border-radius: 8px; padding: .75rem .9rem; margin: 0 0 .95em; overflow: auto; max-height: 32rem; white-space: pre-wrap; tab-size: 4 }
.body > pre, .body li pre, .body blockquote pre { white-space: pre; overflow-wrap: normal }
.user > .body > pre { background: var(--sheet) }
pre code { font: inherit; background: none !important; padding: 0; border-radius: 0 }
pre[data-lang]::before { content: attr(data-lang); float: right; margin: -.2rem 0 0 1rem; color: var(--soft); font: .6875rem/1.4 var(--text) }
.target { color: var(--soft); font-size: .875em }

summary { cursor: pointer; list-style: none }
summary::-webkit-details-marker { display: none }
summary::before { content: ""; display: inline-block; width: .38em; height: .38em; margin: 0 .6em .16em .1em; border: solid var(--soft); border-width: 0 1.5px 1.5px 0; transform: rotate(-45deg); flex: none }
details[open] > summary::before { transform: rotate(45deg); margin-bottom: .24em }
.calls { margin: .35rem 0 .95em; border: 1px solid var(--line); border-radius: 10px; background: var(--sheet); overflow: clip }
.calls details + details { border-top: 1px solid var(--line) }
.calls summary { display: flex; align-items: baseline; gap: .55rem; padding: .42rem .8rem; font-size: .8125rem; line-height: 1.5; min-width: 0 }
.calls summary::before { margin-right: .1em }
.calls summary:hover { background: var(--wash) }
.calls summary b { flex: none; font-weight: 620; max-width: 14rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.calls summary code { flex: 1 1 0; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; background: none; padding: 0; color: var(--soft); font-size: .75rem }
.calls summary span { flex: none; max-width: 40%; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; color: var(--soft); font-size: .75rem; font-variant-numeric: tabular-nums }
.calls summary i { flex: none; font-style: normal; font-weight: 700; width: 1em; text-align: center }
.done i { color: var(--good) } .failed i, .failed > summary span { color: var(--bad) } .open i { color: var(--open) }
.io { padding: .2rem .8rem .8rem; min-width: 0 }
.io > :last-child { margin-bottom: 0 }
.io h4 { margin: .6rem 0 .25rem; font-size: .75rem; font-weight: 600; color: var(--soft) }
.io pre { margin-bottom: .5rem; max-height: 26rem }
.failed > .io pre.said { background: var(--bad-wash); border-color: color-mix(in srgb, var(--bad) 30%, transparent) }
.args { margin: 0; font-size: .8125rem; display: grid; grid-template-columns: minmax(4rem, auto) minmax(0, 1fr); gap: .3rem .9rem }
.args dt { color: var(--soft); font-size: .75rem; line-height: 1.75; max-width: 12rem } .args dd { margin: 0; min-width: 0; font: .75rem/1.75 var(--code); white-space: pre-wrap }
.args dd.block { max-height: 26rem; overflow: auto; background: var(--wash); border-radius: 6px; padding: .35rem .6rem; line-height: 1.55 }
.args dd.ins { background: var(--ins) } .args dd.del { background: var(--del) }
.note { margin: .35rem 0 .95em; font-size: .875rem; color: var(--soft) }
.note > summary { display: flex; align-items: baseline; min-width: 0 }
.note > summary b { font-weight: 600; flex: none; margin-right: .6em }
.note > summary span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0 }
.note[open] > summary span { visibility: hidden }
.note > div { border-left: 2px solid var(--line); padding: .2rem 0 .2rem .9rem; margin: .4rem 0 0 .2rem }
.note > div > :last-child { margin-bottom: 0 }
.state { font-size: .875rem; color: var(--open); margin: .35rem 0 .85em }
.state.failed { color: var(--bad); background: var(--bad-wash); border-radius: 8px; padding: .5rem .8rem }
figure { margin: 0 0 .95em } figure img { display: block; max-width: 100%; height: auto; max-height: 36rem; border: 1px solid var(--line); border-radius: 8px; background: var(--wash) }
figcaption, .file { font-size: .8125rem; color: var(--soft) } figcaption { margin-top: .35rem }
.file { display: inline-flex; gap: .6em; border: 1px solid var(--line); border-radius: 8px; padding: .35rem .7rem; margin: 0 0 .85em; background: var(--sheet) }
.file b { color: var(--ink); font-weight: 600 }

.branches { margin-top: 3.5rem }
.branches > h2 { font-size: 1.15rem; margin: 0 0 .5rem; letter-spacing: -.005em }
.branch { border-top: 1px solid var(--line); padding: .55rem 0 }
.branch > summary { display: flex; align-items: baseline; gap: .5rem; font-size: .9375rem }
.branch > summary b { color: var(--mark); font-weight: 650; flex: none; font-variant-numeric: tabular-nums }
.branch > summary span { color: var(--soft); font-size: .8125rem; margin-left: auto; flex: none }
.branch > .from { margin: .5rem 0 0; font-size: .8125rem; color: var(--soft) }
.branch > .strand { border-left: 2px solid var(--line); padding-left: 1.1rem; margin: .25rem 0 1rem .3rem }
.foot { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--line); font-size: .8125rem; color: var(--soft) }

@media (min-width: 75rem) {
  .page { grid-template-columns: 16rem minmax(0, 46rem); grid-template-rows: auto 1fr; max-width: 71rem; column-gap: 4.5rem }
  .index { grid-area: 1 / 1 / span 2; position: sticky; top: 0; max-height: 100vh; border: 0; padding: 3.75rem .5rem 2rem 0 }
  main, .head { grid-column: 2 }
}
@media (max-width: 40rem) {
  .page { padding-inline: 1rem } .head { padding-top: 2rem } .user > .body { padding: .7rem .85rem }
  .facts .long { grid-column: auto } .args { grid-template-columns: minmax(0, 1fr); gap: 0 } .args dd { margin-bottom: .4rem }
  .calls summary span { max-width: 30% }
}
@media print {
  :root { --paper: #fff; --sheet: #fff; --ink: #000; --soft: #444; --line: #bbb; --wash: #f6f6f6; --user: #23307d; --user-wash: #fff; --user-line: #999; --model: #0b5048 }
  @page { margin: 18mm 16mm }
  body { font-size: 10.5pt; line-height: 1.45 }
  .page { display: block; max-width: none; padding: 0 } .body { max-width: none }
  .index, .bar, .skip, .shape { display: none }
  .head { padding: 0 0 1rem }
  article { content-visibility: visible; break-inside: auto }
  .who, summary, h3, h4, h5, h6 { break-after: avoid } figure, tr { break-inside: avoid }
  pre, .args dd.block, .io pre { max-height: none; overflow: visible; white-space: pre-wrap !important; overflow-wrap: anywhere !important }
  a { color: inherit; text-decoration: none } .body a[href^="http"]::after { content: " (" attr(href) ")"; font-size: .85em; color: var(--soft) }
}
`
