// What people do with a long list of signals, each measured.

const rows = (page) => page.locator('.table-row')
const box = (page, name) => page.getByRole('combobox', { name })

/** answerTo waits for the answer to the next request to a path, and for a row or a word that there is none. */
function answerTo(page, path) {
  const answered = page.waitForResponse((r) => r.url().includes(path) && r.request().method() === 'POST')
  answered.catch(() => undefined)
  return async () => {
    const answer = await answered
    if (!answer.ok()) throw new Error(`${path}: ${answer.status()} ${await answer.text()}`)
  }
}

/** step measures an act whose answer is that to a request. Where others were asked for, too, it also notes when all was there. */
export async function step(page, watch, name, path, act) {
  const answer = answerTo(page, path)
  const began = performance.now()
  const seen = firstSign(page)
  await watch.measure(page, name, act, answer)
  const done = performance.now() // where the same rows are there again within a frame, no sign is seen before
  watch.note(name + ', first sign', (await Promise.race([seen, done])) - began)
  while (page.waiting.size > 0) await page.waitForTimeout(2)
  watch.note(name + ', everything', performance.now() - began)
}

/** firstSign is when the page first shows that it was heard: rows of the last question are dim, or others are there. It may never be. */
const firstSign = async (page) => {
  await page.evaluate(() => new Promise((done) => {
    const queue = document.querySelector('.queue')
    const before = queue.querySelector('.table-row')?.id
    const seen = new MutationObserver(() => {
      if (!queue.classList.contains('waiting') && queue.querySelector('.table-row')?.id === before) return
      seen.disconnect()
      requestAnimationFrame(done)
    })
    seen.observe(queue, { subtree: true, childList: true, attributes: true, attributeFilter: ['class', 'id'] })
  })).catch(() => undefined)
  return performance.now()
}

const lists = '/security_monitoring/signals/search'

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
  await step(page, watch, of('choose the range'), lists, () => within.click())
  await watch.measure(page, of('j opens the next'), () => page.keyboard.press('j'), () => page.locator('.panel h1').waitFor())
  for (let i = 0; i < 5; i++) {
    const before = await page.locator('.table-row[aria-selected=true]').getAttribute('id')
    await watch.measure(page, of('j'), () => page.keyboard.press('j'), () => page.locator(`.table-row[aria-selected=true]:not([id="${before}"])`).waitFor())
  }
  await page.keyboard.press('Escape')
  const head = (name) => page.getByRole('columnheader', { name: new RegExp('^' + name) }).getByRole('button').first()
  for (const column of ['Events', 'Last', 'Severity']) await step(page, watch, of('sort by ' + column), lists, () => head(column).click())
  const facet = page.locator('.facet').getByRole('button', { name: /^Critical(?! and)/ }).first() // the view “Critical and high” is of another time
  await facet.waitFor()
  await step(page, watch, of('facet'), lists, () => facet.click())
  for (const [name, text] of [['cheap filter', 'severity:high source:source3'], ['words', 'failures'], ['an attribute', '@usr.id:u77'], ['another attribute', '@nightjar.events:77'], ['everything', '*']]) {
    const enter = await typed(page, 'Query of signals', text)
    await step(page, watch, of(name), lists, enter)
  }
  await page.locator('.histogram rect').first().waitFor()
  const release = await drag(page)
  await step(page, watch, of('zoom in'), lists, release)
  await rows(page).first().waitFor()
}
