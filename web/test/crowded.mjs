// What stands in the way of something else, or out of reach, as a browser lays it out.

/** crowded are the faults of what is seen of a page: a control that another thing covers, or that is out of the window; a text that runs over another; a page that is wider than its window. */
export const crowded = (page) => page.evaluate(() => {
  const wrong = []
  const of = (e) => `${e.tagName.toLowerCase()}.${String(e.className)} “${(e.getAttribute('aria-label') ?? e.textContent).trim().slice(0, 40)}”`
  const isSeen = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && getComputedStyle(e).opacity !== '0' && !e.closest('.unseen, .skip, svg, .cm-editor')
  const floats = (e) => e?.closest('.line, .table-heads, .rule-tabs, th') // it stays while what is below it is scrolled
  if (document.documentElement.scrollWidth > innerWidth) wrong.push(`the page is ${document.documentElement.scrollWidth} px wide`)

  /** seenOf is what of a rectangle those around it leave to be seen, and whether one of them is scrolled sideways. */
  const seenOf = (e, { left, top, right, bottom }) => {
    const seen = { left, top, right, bottom, scrolled: false }
    for (let at = e, isAbove = false; at && at !== document.body; isAbove = true, at = at.parentElement) {
      const s = getComputedStyle(at)
      if (s.overflowX === 'visible' && s.overflowY === 'visible') continue
      if (isAbove && /auto|scroll/.test(s.overflowX)) seen.scrolled = true
      const r = at.getBoundingClientRect()
      Object.assign(seen, { left: Math.max(seen.left, r.left), top: Math.max(seen.top, r.top), right: Math.min(seen.right, r.right), bottom: Math.min(seen.bottom, r.bottom) })
    }
    return seen
  }

  for (const e of document.querySelectorAll('a[href], button, input, select, textarea, [role=tab], [role=option]')) {
    const r = e.getBoundingClientRect()
    if (!isSeen(e) || r.width < 2 || r.height < 2) continue
    const seen = seenOf(e, r)
    if (!seen.scrolled && (r.right > innerWidth + 1 || r.left < -1)) wrong.push(`out of the window: ${of(e)}`)
    const [x, y] = [(r.left + r.right) / 2, (r.top + r.bottom) / 2]
    if (x < seen.left || x > seen.right || y < seen.top || y > seen.bottom) continue // it is scrolled to
    const above = document.elementFromPoint(x, y)
    if (above && !e.contains(above) && !above.contains(e) && ![...(e.labels ?? [])].some((l) => l.contains(above)) && !floats(above)) wrong.push(`covered: ${of(e)} by ${of(above)}`)
  }

  const words = []
  const range = document.createRange()
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const e = texts.currentNode.parentElement
    if (texts.currentNode.nodeValue.trim() === '' || e.closest('script, style, select, textarea, .query-text') || !isSeen(e)) continue
    range.selectNodeContents(texts.currentNode)
    for (const r of range.getClientRects()) {
      const seen = seenOf(e, r)
      if (seen.right - seen.left > 2 && seen.bottom - seen.top > 4) words.push({ ...seen, e })
    }
  }
  words.sort((a, b) => a.top - b.top)
  words.forEach((a, i) => {
    for (let j = i + 1; j < words.length && words[j].top < a.bottom - 4; j++) {
      const b = words[j]
      const [left, right, top] = [Math.max(a.left, b.left), Math.min(a.right, b.right), Math.max(a.top, b.top)]
      if (a.e === b.e || right - left <= 2 || Math.min(a.bottom, b.bottom) - top <= 4) continue
      const above = floats(document.elementFromPoint((left + right) / 2, top + 2))
      if (!above || (above.contains(a.e) && above.contains(b.e))) wrong.push(`one text over another: ${of(a.e)} and ${of(b.e)}`)
    }
  })
  return [...new Set(wrong)]
})
