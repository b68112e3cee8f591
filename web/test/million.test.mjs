// The page of an engine with a million signals: every view opens, and what people do
// works. The times are printed; `make bench-web` measures them where nothing else runs.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { withSignals } from './acts.mjs'
import { comes, openPage, scene, stage, startEngineOn } from './engine.mjs'
import { filled, Stopwatch } from './measure.mjs'

const watch = new Stopwatch()
const data = await filled(Number(process.env.SIGNALS ?? 1_000_000), 20_000)
console.log('# ' + data.said)
const { engine, browser } = await stage(startEngineOn(data.dir))
before(() => engine.until('the states of signals', async () => engine.said().includes('lists of signals are fast')))
after(() => console.log('# ' + watch.table().replaceAll('\n', '\n# ')))

scene('the first view of a million signals', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await page.locator('.table-row').first().waitFor()
  watch.note('first view, to the first row', await page.evaluate(() => performance.now()))
  await page.locator('.bar').getByText(/\d signals/).waitFor()
  await page.locator('.histogram rect').first().waitFor()
  await page.locator('.facet').getByRole('button', { name: /^Critical(?! and)/ }).first().waitFor()
  watch.note('first view, everything', await page.evaluate(() => performance.now()))
  assert.deepEqual(page.faults, [])
})

scene('every view opens', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await page.locator('.table-row').first().waitFor()
  for (const path of ['/search', '/rules', '/sources', '/suppressions', '/agents', '/operation', '/entity/@usr.id/u77']) {
    const began = performance.now()
    await page.goto(path)
    await page.locator('main').waitFor()
    while (page.waiting.size > 0) await page.waitForTimeout(2)
    watch.note('open ' + path, performance.now() - began)
    await comes.equal(() => page.getByRole('button', { name: 'Try again' }).count(), 0, path)
  }
  assert.deepEqual(page.faults, [])
})

scene('the list answers to what people do with it', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await page.locator('.table-row').first().waitFor()
  for (const range of ['Last 7 days', 'All time']) await withSignals(page, watch, range)
  assert.deepEqual(page.faults, [])
})

scene('thousands of rows are scrolled through', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=*&from=all&sort=-timestamp' })
  await page.locator('.table-row').first().waitFor()
  for (let last = 0; last < 2000; ) {
    await page.locator('.table-rows').evaluate((box) => (box.scrollTop = box.scrollHeight))
    await page.waitForTimeout(10)
    const seen = await page.locator('.table-row').last().getAttribute('aria-rowindex')
    last = Math.max(last, Number(seen))
  }
  await comes.ok(async () => (await page.locator('.table-row').count()) < 200, 'rows that nobody sees are in the document')
  assert.deepEqual(page.faults, [])
})

scene('what takes long says how far it is, and is cancelled', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=*&from=all' })
  await page.locator('.table-row').first().waitFor()
  let named = ''
  await page.route('**/signals/search', async (route) => {
    named = route.request().headers()['x-nightjar-search'] // and is never answered
  })
  await page.route('**/search/progress/*', (route) =>
    route.fulfill({ contentType: 'application/json', body: JSON.stringify(route.request().url().endsWith('/' + named) ? { running: true, read_rows: 12_000_000, total_rows: 61_000_000 } : { running: false }) }))
  await page.getByRole('combobox', { name: 'Query of signals' }).fill('failures')
  await page.keyboard.press('Enter')
  await page.getByText('Asking, 12M of 61M rows').waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText(/^Cancelled/).first().waitFor()
  assert.match(named, /^[0-9a-f]{32}$/)
  assert.deepEqual(page.faults, [])
})
