// What people do with a long list of signals, each measured.

const rows = (page) => page.locator('.table-row')
const box = (page, name) => page.getByRole('combobox', { name })

/** now is in milliseconds since 1970, with its fractions, as the page counts them. */
const now = () => performance.timeOrigin + performance.now()

/** listAnswered is, in the page, whether the list has been asked since it was looked at first, and has what it was asked for. */
const listAnswered = `(() => {
  let asked = false
  return () => {
    const busy = document.querySelector('.queue').getAttribute('aria-busy') === 'true'
    asked ||= busy
    return asked && !busy
  }
})()`

/** listHeard is when the page first shows that it was heard: rows of the last question are dim, or others are there. */
const listHeard = `(() => {
  const before = document.querySelector('.queue .table-row')?.id
  return () => document.querySelector('.queue').classList.contains('waiting') || document.querySelector('.queue .table-row')?.id !== before
})()`

/** step measures an act that a list answers to: the first sign of it, its rows, and when all that was asked for was there. */
export async function step(page, watch, name, act) {
  const { at, sign } = await watch.measure(page, name, act, listAnswered, listHeard)
  watch.note(name + ', first sign', sign)
  let last = now() // when something was waited for; what is counted may be asked for some frames after the rows
  while (now() - last < 60) {
    if (page.waiting.size > 0) last = now()
    await page.waitForTimeout(2)
  }
  watch.note(name + ', everything', last - at)
}

async function choose(page, range) {
  await page.locator('button.time-range').click()
  return page.getByRole('menu').getByText(range, { exact: true })
}

/** drag chooses a stretch of the histogram. */
async function drag(page) {
  const chart = await page.locator('.histogram svg').boundingBox()
  await page.mouse.move(chart.x + chart.width * 0.4, chart.y + 20)
  await page.mouse.down()
  await page.mouse.move(chart.x + chart.width * 0.6, chart.y + 20, { steps: 3 })
  return () => page.mouse.up()
}

async function typed(page, name, text) {
  await box(page, name).fill(text)
  return () => box(page, name).press('Enter')
}

/** withSignals works through the list of signals, of the range whose name is given. */
export async function withSignals(page, watch, range) {
  const of = (name) => `signals, ${range}: ${name}`
  const within = await choose(page, range)
  await step(page, watch, of('choose the range'), () => within.click())
  await watch.measure(page, of('j opens the next'), () => page.keyboard.press('j'), () => document.querySelector('.panel h1') !== null)
  for (let i = 0; i < 5; i++) {
    await watch.measure(page, of('j'), () => page.keyboard.press('j'), `(() => {
      const selected = () => document.querySelector('.table-row[aria-selected=true]')?.id
      const before = selected()
      return () => selected() !== before && selected() !== undefined
    })()`)
    await page.waitForTimeout(100) // as long as somebody looks at one, at least
  }
  await page.keyboard.press('Escape')
  const head = (name) => page.getByRole('columnheader', { name: new RegExp('^' + name) }).getByRole('button').first()
  for (const column of ['Events', 'Last', 'Severity']) await step(page, watch, of('sort by ' + column), () => head(column).click())
  const facet = page.locator('.facet').getByRole('button', { name: /^Critical(?! and)/ }).first() // the view “Critical and high” is of another time
  await facet.waitFor()
  await step(page, watch, of('facet'), () => facet.click())
  for (const [name, text] of [['cheap filter', 'severity:high source:source3'], ['words', 'failures'], ['an attribute', '@usr.id:u77'], ['another attribute', '@nightjar.events:77'], ['everything', '*']]) {
    const enter = await typed(page, 'Query of signals', text)
    await step(page, watch, of(name), enter)
  }
  await page.locator('.histogram rect').first().waitFor()
  const release = await drag(page)
  await step(page, watch, of('zoom in'), release)
  await rows(page).first().waitFor()
}
