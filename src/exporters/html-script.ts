/**
 * Conveniences of the page, for browsers that run scripts: all folds at once, and keys. Nothing is lost without it. It is the only script that the
 * page lets run, by its hash, and it reads no text of the session.
 */
export const SCRIPT = `
(() => {
  const bar = document.querySelector('.bar')
  const all = (selector) => Array.from(document.querySelectorAll(selector))
  const unfold = (isOpen) => all('.calls details, .note').forEach((each) => { each.open = isOpen })
  const toggle = () => unfold(!all('.calls details, .note').some((each) => each.open))
  const step = (by) => {
    const list = all('article').filter((each) => each.closest('.branch:not([open])') === null)
    const top = (at) => list[at].getBoundingClientRect().top
    let [from, to] = [0, list.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if (top(middle) > (by > 0 ? 30 : 17)) to = middle
      else from = middle + 1
    }
    const next = list[by > 0 ? from : from - 1]
    if (next) next.scrollIntoView()
  }
  const keys = { j: () => step(1), k: () => step(-1), t: toggle }
  bar.hidden = false
  bar.querySelector('button').addEventListener('click', toggle)
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('button, summary, input')) return
    const act = keys[event.key]
    if (act) act()
  })
})()
`
