// What is seen around a signal: the bar at the top, whom signals are about, groups in the
// address, and that nothing moves while a panel loads.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { makeSignals, send } from './data.mjs'
import { axeFaults, comes, openBrowser, openPage, scene, startEngine } from './engine.mjs'
import { makeMethods } from './methods.mjs'
import { fitsItsWidth } from './people.mjs'
import { trial } from './pictures.mjs'

let engine, browser
before(async () => {
  engine = await startEngine('--lateness', '36500d')
  browser = await openBrowser()
  await makeMethods(engine)
  await makeSignals(engine, 'low', 130)
})
after(async () => {
  await browser?.close()
  await engine?.stop()
})

const row = (page, text) => page.locator('.table-row').filter({ hasText: text }).first()

/** watchShifts counts what moves in a place of the page, also right after a press, and names it; the ages in the list beside a panel grow as they do. */
const watchShifts = (page, place = '.panel') => page.evaluate((place) => {
  window.shifts = []
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) window.shifts.push({ by: e.value, of: e.sources.filter((s) => s.node?.parentElement?.closest(place)).map((s) => `${s.node.className ?? s.node.parentElement.className}: ${s.node.textContent.slice(0, 40)} ${s.previousRect.y}+${s.previousRect.height} is at ${s.currentRect.y}+${s.currentRect.height}`) })
  }).observe({ type: 'layout-shift', buffered: place !== '.panel' })
}, place)

/** settledPanel waits until the panel has all its parts. */
const settledPanel = (page) => page.waitForFunction(() => {
  const parts = [...document.querySelectorAll('.panel .part h2')].map((h) => h.textContent)
  return ['Why it fired', 'What else is known', 'Events'].every((p) => parts.includes(p)) && !document.querySelector('.panel .bone, .panel [aria-busy=true]')
})

/** late has each answer about a signal take its time, and the later ones come first. */
const late = (page) => page.route(/\/signals\/[^/]+\/(summary|explanation|investigation_queries)$|\/v1\/entity/, async (route) => {
  const slow = { summary: 250, explanation: 500, entity: 120, investigation_queries: 60 }
  const part = Object.keys(slow).find((p) => route.request().url().includes(p))
  await new Promise((done) => setTimeout(done, slow[part] ?? 0))
  await route.continue().catch(() => undefined)
})

const ofEachMethod = ['SSH brute force', 'SSH login after failures', 'New country of a user', 'Impossible travel', 'Unusual volume of object reads', 'Alerts of the vendor', 'Guessed, and in', 'Reverse shell from web server child']

const moved = async (page) => (await page.evaluate(() => window.shifts)).filter((s) => s.of.some((o) => !o.startsWith('tip')))

scene('nothing moves in the panel while it loads, of a signal of any method', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await row(page, 'SSH brute force').waitFor()
  await page.locator('.facets .severity').first().waitFor()
  await late(page)
  for (const name of ofEachMethod) {
    await page.locator('.table').evaluate((t) => t.scrollTo(0, 0))
    await row(page, name).click()
    await watchShifts(page)
    await settledPanel(page)
    assert.deepEqual(await moved(page), [], `${name}: what moved`)
  }
  await trial(page, 'story-panel')
  assert.deepEqual(page.faults, [])
})

scene('nothing moves on the page of a signal of any method while it loads', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await row(page, 'SSH brute force').waitFor()
  await late(page)
  const { data } = await engine.call('/api/v2/security_monitoring/signals/search', { filter: { query: '*', from: '0' }, page: { limit: 1000 } })
  for (const name of ofEachMethod) {
    const signal = data.find((s) => s.attributes.attributes.title.includes(name))
    assert.ok(signal, name)
    await page.goto('/signals/' + signal.id)
    await watchShifts(page, '.signal')
    await page.waitForFunction(() => {
      const parts = [...document.querySelectorAll('.signal h2')].map((h) => h.firstChild.textContent.trim())
      return ['Why it fired', 'Events', 'Who and what', 'History'].every((p) => parts.includes(p)) && !document.querySelector('.signal .bone, .signal [aria-busy=true]') && document.querySelector('.history li')
    })
    assert.deepEqual(await moved(page), [], `${name}: what moved`)
  }
  assert.deepEqual(page.faults, [])
})

scene('the bar says how many sources send, how far evaluation is behind, and what is wrong', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  const { sources } = await engine.call('/api/nightjar/v1/status')
  assert.equal(sources.silent, 0)
  const bar = page.locator('.person')
  await bar.getByText(`${sources.current} sources current, `).waitFor()
  await bar.getByRole('link', { name: 'sources current' }).click()
  await page.waitForURL(/\/sources$/)
  // What is wrong, as the engine would say it.
  let more = {}
  await page.route('**/api/nightjar/v1/status', async (route) => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, json: { ...(await answer.json()), ...more } })
  })
  more = { caught_up: false, lag_seconds: 84, sources: { current: 3, silent: 1, silences: [{ source: '<b>old</b>', last: Date.now() - 7_200_000 }] } }
  await page.goto('/signals')
  await bar.getByText('3 of 4 sources current, lag 84.0 s').waitFor()
  await comes.match(() => bar.getByText('3 of 4 sources current').getAttribute('title'), /Nothing for an hour of:\s<b>old<\/b>, 2h/)
  const wrong = bar.getByRole('link', { name: '1 thing to see to' })
  await comes.match(() => wrong.getAttribute('title'), /^Evaluation is 84 s behind\.$/)
  await wrong.click()
  await page.waitForURL(/\/operation\/evaluation$/)
  more = { ...more, storage: { over_quota: true } }
  await page.goto('/signals')
  await bar.getByRole('link', { name: '2 things to see to' }).click()
  await page.waitForURL(/\/operation$/)
  await page.getByText('The quota of the disk is used up').waitFor()
  await page.goto('/signals')
  await bar.getByRole('link', { name: '2 things to see to' }).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.setViewportSize({ width: 390, height: 844 })
  await bar.getByRole('link', { name: '2 things to see to' }).waitFor() // on a telephone, too
  await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth)
  assert.deepEqual(page.faults, [])
})

scene('the facet of entities names the kind of each value, whatever is loaded', async () => {
  const valuesOf = async (query) => (await engine.call('/api/nightjar/v1/signals/facets', { filter: { query }, facets: ['@nightjar.group'], limit: 100 })).facets[0].values
  for (const v of await valuesOf('*')) assert.match(v.field, v.value.startsWith('user-low') ? /^@usr\.id$/ : /./, v.value)
  const others = new Map((await valuesOf('-severity:low')).map((v) => [v.value, v.field]))
  for (const [value, field] of [['203.0.113.66', '@network.client.ip'], ['web-3', 'host'], ['laptop-9', 'host'], ['p.novak', '@usr.id']]) assert.equal(others.get(value), field)
  const page = await openPage(browser, engine, { path: '/signals?query=' + encodeURIComponent('rule_name:"Test of low"') })
  const facet = page.getByRole('region', { name: 'Entity' })
  await facet.getByText('more').click()
  const kinds = await facet.locator('.kind').allInnerTexts()
  assert.ok(kinds.length >= 20 && kinds.every((k) => k === 'usr'), `${kinds}`)
  await page.goto('/signals?group=%40nightjar.group&query=' + encodeURIComponent('-severity:low'))
  await page.getByRole('row', { name: /web-3.*1 signal/ }).waitFor()
  await comes.equal(() => page.getByRole('row', { name: /web-3.*1 signal/ }).locator('.kind').innerText(), 'host')
  assert.deepEqual(page.faults, [])
})

scene('which groups are open stands in the address', async () => {
  const page = await openPage(browser, engine, { path: '/signals?group=severity' })
  const group = (name) => page.getByRole('row', { name: new RegExp(name) }).first()
  await group('High.*signal').click()
  await page.waitForURL(/unfold=high/)
  await row(page, 'SSH brute force').waitFor()
  await group('Medium.*signal').click()
  await page.waitForURL(/unfold=high&unfold=medium/)
  await row(page, 'Unusual volume').waitFor()
  await page.reload()
  await row(page, 'Unusual volume').waitFor()
  await row(page, 'SSH brute force').waitFor()
  await page.goBack()
  await row(page, 'Unusual volume').waitFor({ state: 'detached' })
  await row(page, 'SSH brute force').waitFor()
  const other = await openPage(browser, engine, { path: new URL(page.url()).pathname + new URL(page.url()).search })
  await row(other, 'SSH brute force').waitFor()
  await comes.equal(() => other.getByRole('row', { name: /High.*signal/ }).first().getAttribute('aria-expanded'), 'true')
  // By something else: the groups of before are no longer there.
  await other.getByRole('button', { name: /Group by/ }).click()
  await other.getByRole('menuitemcheckbox', { name: 'Rule' }).click()
  await other.waitForURL((u) => u.searchParams.get('group') === 'rule_id' && !u.searchParams.has('unfold'))
  assert.deepEqual([...page.faults, ...other.faults], [])
})

scene('a sequence is told by its steps', async () => {
  const { data } = await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent('rule_name:"SSH login after failures"'))
  const page = await openPage(browser, engine, { path: '/signals/' + data[0].id })
  const lead = page.locator('.lead')
  await lead.getByText('guessing (34 failed_logins), then in (1 logins)').waitFor()
  await comes.match(() => lead.innerText(), /^guessing \(34 failed_logins\), then in \(1 logins\) 1m \d+s later for ip 203\.0\.113\.66\.$/)
  assert.deepEqual(page.faults, [])
})

scene('on a telephone the list is sorted, and says why it has no columns', async () => {
  await send(engine, [])
  const page = await openPage(browser, engine, { width: 390, height: 844, theme: 'light', path: '/signals' })
  await row(page, 'SSH').waitFor()
  await page.getByRole('button', { name: 'Worst first' }).click()
  await page.getByText('A row has two lines on a narrow screen').waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await trial(page, 'story-telephone-order')
  await page.getByRole('menuitemcheckbox', { name: 'Most events first' }).click()
  await page.waitForURL(/sort=-events/)
  await page.waitForFunction(() => document.querySelector('.table-row .cell-title')?.textContent.includes('Unusual volume'))
  await comes.ok(() => fitsItsWidth(page))
  assert.deepEqual(page.faults, [])
})

scene('from the link of a notification to closed, with reason and note, it takes five presses; and one more takes it back', async () => {
  const { data } = await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent('rule_name:"Alerts of the vendor"'))
  const page = await openPage(browser, engine, { path: '/signals/' + data[0].id })
  let presses = 0
  const press = async (what) => (presses++, await what.click())
  await press(page.getByRole('radio', { name: 'Archived' }))
  await press(page.getByLabel('Reason')) // opens it; the choice is one more
  await page.getByLabel('Reason').selectOption({ label: 'True positive' })
  presses++
  await press(page.getByLabel('Note'))
  await page.keyboard.type('the laptop is made anew')
  await press(page.getByRole('button', { name: /^Save/ }))
  await page.locator('.history').getByText('archived it as true positive').waitFor()
  await page.locator('.history').getByText('the laptop is made anew').waitFor()
  assert.ok(presses <= 6, `${presses} presses`)
  const stored = async () => (await engine.call('/api/v2/security_monitoring/signals/' + data[0].id)).data.attributes.custom.workflow.triage
  const triage = await stored()
  assert.deepEqual([triage.state, triage.archiveReason, triage.archiveComment], ['archived', 'true_positive_malicious', 'the laptop is made anew'])
  await press(page.locator('.line').getByRole('button', { name: 'Undo' }))
  await engine.until('the undo', async () => (await stored()).state === 'open')
  assert.deepEqual(page.faults, [])
})
