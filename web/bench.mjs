// make bench-web: how long the page takes with a million signals and a hundred million events.
// FILLED names a data folder that is filled already, and stays; SIGNALS=0 or EVENTS=0 leaves
// out what is done with them.
import { readFile } from 'node:fs/promises'
import { withSignals } from './test/acts.mjs'
import { exported, otherViews, withAnEvent, withEvents } from './test/acts-events.mjs'
import { openBrowser, openPage, startEngineOn } from './test/engine.mjs'
import { filled, Stopwatch } from './test/measure.mjs'

const [signals, events, rounds] = [Number(process.env.SIGNALS ?? 1_000_000), Number(process.env.EVENTS ?? 100_000_000), Number(process.env.ROUNDS ?? 5)]
const watch = new Stopwatch()
const data = process.env.FILLED ? { dir: process.env.FILLED, said: 'filled before' } : await filled(signals, events)
console.log(data.said)
const engine = await startEngineOn(data.dir)
const browser = await openBrowser()
const busy = async () => (await readFile('/proc/loadavg', 'utf8')).split(' ').slice(0, 2).join(' ')

async function round() {
  const page = await openPage(browser, engine, { path: signals > 0 ? '/signals' : '/search' })
  page.setDefaultTimeout(60_000)
  await page.locator('.table-row').first().waitFor()
  watch.note('first view, to the first row', await page.evaluate(() => performance.now()))
  if (signals > 0) for (const range of ['Last 7 days', 'All time']) await withSignals(page, watch, range)
  if (events > 0) {
    await page.goto('/search')
    await page.locator('.table-row').first().waitFor()
    watch.note('first view of search, to the first row', await page.evaluate(() => performance.now()))
    for (const range of ['Last 7 days', 'Last 24 hours', 'All time']) await withEvents(page, watch, range)
    await withAnEvent(page, watch)
    await otherViews(page, watch)
    await exported(page, watch)
  }
  for (const fault of page.faults) console.log('fault: ' + fault)
  await page.context().close()
}

try {
  console.log(`load ${await busy()}`)
  await engine.until('the states of signals', async () => engine.said().includes('lists of signals are fast'))
  for (let i = 0; i < rounds; i++) await round()
} finally {
  console.log(watch.table())
  console.log(`load ${await busy()}`)
  await browser.close()
  await (process.env.FILLED ? engine.end() : engine.stop())
}
