// What people do with many events, each measured.
import { step } from './acts.mjs'

const rows = (page) => page.locator('.table-row')
const query = (page) => page.getByRole('combobox', { name: 'Query of events' })

/** quiet waits until nothing is asked any more, and notes how long that took. */
async function quiet(page, watch, name, began) {
  while (page.waiting.size > 0) await page.waitForTimeout(5)
  watch.note(name, performance.now() - began)
}

/** asked types a query and presses Enter. */
const asked = async (page, text) => {
  await query(page).fill(text)
  return () => query(page).press('Enter')
}

/** withEvents searches events of the range whose name is given. */
export async function withEvents(page, watch, range) {
  const of = (name) => `events, ${range}: ${name}`
  await page.locator('button.time-range').click()
  await step(page, watch, of('choose the range'), () => page.getByRole('menu').getByText(range, { exact: true }).click())
  for (const [name, text] of [['cheap filter', 'status:error source:source3'], ['words', 'needle'], ['an attribute', '@usr.id:u77'], ['everything', '*']]) {
    await step(page, watch, of(name), await asked(page, text))
  }
  const facet = page.locator('.facet').getByRole('button', { name: /^error/ }).first()
  await facet.waitFor()
  await step(page, watch, of('a facet'), () => facet.click())
  await step(page, watch, of('the facet again'), () => page.locator('.facet').getByRole('button', { name: /^error/ }).first().click())
  await completes(page, watch, of)
  await page.locator('.histogram rect').first().waitFor()
  const chart = await page.locator('.histogram svg').boundingBox()
  await page.mouse.move(chart.x + chart.width * 0.4, chart.y + 20)
  await page.mouse.down()
  await page.mouse.move(chart.x + chart.width * 0.6, chart.y + 20, { steps: 3 })
  await step(page, watch, of('zoom in'), () => page.mouse.up())
  await rows(page).first().waitFor()
}

/** completes types values of a field of few and of one of many. */
async function completes(page, watch, of) {
  for (const text of ['host:host7', '@usr.id:u77']) {
    const began = performance.now()
    await query(page).fill(text)
    await page.getByRole('option').first().waitFor()
    watch.note(of('complete ' + text), performance.now() - began)
    await page.keyboard.press('Escape')
  }
  await query(page).fill('')
}

/** withAnEvent opens an event of the list, by its address, and what happened around it. */
export async function withAnEvent(page, watch) {
  await page.goto('/search')
  await rows(page).first().waitFor()
  await watch.measure(page, 'event: j opens the first', () => page.keyboard.press('j'), () => document.querySelector('.panel.event h1') !== null)
  await page.waitForURL(/event=/)
  let began = performance.now()
  const around = page.getByRole('button', { name: /^Around it/ })
  await around.click()
  await step(page, watch, 'event: everything around it', () => page.getByRole('menuitem', { name: 'Everything' }).click())
  const id = new URL(page.url()).searchParams.get('event')
  began = performance.now()
  await page.goto('/search?event=' + encodeURIComponent(id))
  await page.locator('.event-fields dt').first().waitFor()
  watch.note('event: by its address, with its fields', performance.now() - began)
  await quiet(page, watch, 'event: by its address, everything', began)
}

/** otherViews opens what else reads events. */
export async function otherViews(page, watch) {
  const views = [
    ['entity of a person', '/entity/%40usr.id/u77', (p) => p.locator('.lead').getByText(/event/)],
    ['entity of a host', '/entity/host/host77', (p) => p.locator('.lead').getByText(/event/)],
    ['sources', '/sources', (p) => p.getByText('source3').first()],
    ['sources again', '/sources', (p) => p.getByText('source3').first()],
    ['SQL count', '/search?form=sql&sql=' + encodeURIComponent('SELECT count() FROM events'), (p) => p.getByText(/^1000\d{5}$/).first()],
    ['SQL by source', '/search?form=sql&sql=' + encodeURIComponent('SELECT source, count() AS n FROM events GROUP BY source ORDER BY n DESC'), (p) => p.getByText('8 rows').first()],
  ]
  for (const [name, path, answer] of views) {
    const began = performance.now()
    await page.goto(path)
    await answer(page).waitFor()
    watch.note(`open ${name}, to its answer`, performance.now() - began)
    await quiet(page, watch, `open ${name}, everything`, began)
  }
}

/** exported writes the first 50,000 events of a search to a file. */
export async function exported(page, watch) {
  await page.goto('/search')
  await rows(page).first().waitFor()
  await page.getByRole('button', { name: /^Export/ }).click()
  const began = performance.now()
  const file = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: /NDJSON/ }).click()
  await file
  watch.note('export of 50,000 events', performance.now() - began)
}
