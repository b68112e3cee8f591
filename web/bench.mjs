// make bench-web: how long the page takes with a million signals and a hundred million events.
import { withEvents, withSignals } from './test/acts.mjs'
import { openBrowser, openPage, startEngineOn } from './test/engine.mjs'
import { filled, Stopwatch } from './test/measure.mjs'

const [signals, events, rounds] = [Number(process.env.SIGNALS ?? 1_000_000), Number(process.env.EVENTS ?? 100_000_000), Number(process.env.ROUNDS ?? 5)]
const watch = new Stopwatch()
const data = await filled(signals, events)
console.log(data.said)
const engine = await startEngineOn(data.dir)
const browser = await openBrowser()
try {
  await engine.until('the states of signals', async () => engine.said().includes('lists of signals are fast'))
  for (let i = 0; i < rounds; i++) {
    const page = await openPage(browser, engine, { path: '/signals' })
    page.setDefaultTimeout(120_000)
    await page.locator('.table-row').first().waitFor()
    watch.note('first view, to the first row', await page.evaluate(() => performance.now()))
    for (const range of ['Last 24 hours', 'All time']) await withSignals(page, watch, range)
    await page.goto('/search')
    await page.locator('.table-row').first().waitFor()
    for (const range of ['Last 7 days', 'Last 30 days']) await withEvents(page, watch, range)
    for (const fault of page.faults) console.log('fault: ' + fault)
    await page.context().close()
  }
} finally {
  console.log(watch.table())
  await browser.close()
  await engine.stop()
}
