// A host that falls silent, and a start without its end, with the engine's clock moved on.
import assert from 'node:assert/strict'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { send } from './data.mjs'
import { axeFaults, comes, openBrowser, openPage, scene, startEngine } from './engine.mjs'
import { ruleOf } from './methods.mjs'
import { trial } from './pictures.mjs'

const minute = 60_000
let engine, browser, last, begun
before(async () => {
  const clock = join(await mkdtemp(join(tmpdir(), 'nightjar-clock-')), 'clock')
  await writeFile(clock, '0')
  process.env.NIGHTJAR_TEST_CLOCK = clock
  engine = await startEngine('--silence-delay', '1s')
  delete process.env.NIGHTJAR_TEST_CLOCK
  browser = await openBrowser()
  await ruleOf(engine, 'A host fell silent', [{ name: 'beats', query: 'source:heartbeat', groupByFields: ['host'] }], ['beats < 1'], { detectionMethod: 'threshold', evaluationWindow: 300 })
  await ruleOf(engine, 'A job did not end', [{ name: 'begun', query: 'source:job @is:start', groupByFields: ['host'] }, { name: 'ended', query: 'source:job @is:end', groupByFields: ['host'] }], ['begun > 0 then not ended > 0'], { detectionMethod: 'threshold', evaluationWindow: 300 })
  const beat = (host, at) => ({ ddsource: 'heartbeat', hostname: host, timestamp: at, message: `${host} is alive` })
  last = Date.now() + 500 // a group falls silent after it was heard of, since the rule was made
  begun = last - 2000
  // One goes on, so far ahead as the intake takes it.
  await send(engine, [...[3, 2, 1, 0].map((i) => beat('pump-1', last - i * minute)), ...Array.from({ length: 12 }, (_, i) => beat('pump-2', last + (i - 3) * minute))])
  await send(engine, [{ ddsource: 'job', hostname: 'store-1', timestamp: begun, message: 'backup begins', is: 'start' }, { ddsource: 'job', hostname: 'store-2', timestamp: begun, message: 'backup begins', is: 'start' }, { ddsource: 'job', hostname: 'store-2', timestamp: begun + 1000, message: 'backup ended', is: 'end' }])
  await writeFile(clock, '8m')
  await engine.call('/api/v2/logs', [{ ddsource: 'other', message: 'the clock is looked at' }])
})
after(async () => {
  await browser?.close()
  await engine?.stop()
})

/** judged waits for a signal of a rule: it is judged behind the clock, once in a while. */
async function judged(name) {
  for (let i = 0; i < 3; i++) {
    const found = await engine.until(name, async () => (await theSignals(name)).length > 0).catch((e) => e)
    if (found === true) return theSignals(name)
  }
  throw new Error(`no signal of ${name}`)
}

const theSignals = async (name) => (await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent(`rule_name:"${name}"`))).data
const millis = (at) => new Date(at).toISOString().slice(11, 23)
const cellsOf = (page, n) => page.locator('.tree-row:not(.tree-head)').nth(n).evaluate((row) => [...row.children].map((cell) => cell.textContent.replace(/^[✓–│├└ ]+/, '')))

scene('a silence: since when nothing was heard, in a window that is empty', async () => {
  const found = await judged('A host fell silent')
  assert.deepEqual(found.map((s) => s.attributes.attributes.nightjar.group), [['pump-1']], 'the other host goes on')
  for (const [theme, width, height] of [['dark', 1440, 900], ['light', 390, 844]]) {
    const page = await openPage(browser, engine, { theme, width, height, path: '/signals/' + found[0].id })
    await page.locator('.tree-row').first().waitFor()
    await page.locator('.lead').getByText('Nothing was heard').waitFor()
    await comes.equal(() => page.locator('.lead').innerText(), 'Nothing was heard for host pump-1 for 5m.')
    await comes.deepEqual(() => cellsOf(page, 0), ['holds', 'beats < 1', 'in 5 min', '0', millis(last + 5 * minute)])
    await comes.deepEqual(() => axeFaults(page), [])
    await trial(page, `why-silence-${theme}-${width}`)
    assert.deepEqual(page.faults, [])
  }
})

scene('an absence: what was to follow did not', async () => {
  const found = await judged('A job did not end')
  assert.deepEqual(found.map((s) => s.attributes.attributes.nightjar.group), [['store-1']], 'the other job ended')
  const page = await openPage(browser, engine, { path: '/signals/' + found[0].id })
  await page.locator('.tree-row').nth(1).waitFor()
  await page.locator('.lead').getByText('What was to follow did not').waitFor()
  await comes.equal(() => page.locator('.lead').innerText(), 'What was to follow did not for host store-1, within 5m.')
  await comes.deepEqual(() => axeFaults(page), [])
  await trial(page, 'why-absence')
  assert.deepEqual(page.faults, [])
})
