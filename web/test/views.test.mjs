import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { applyBundled, loadDemo } from './data.mjs'
import { comes, openPage, scene, stage } from './engine.mjs'
import { crowded } from './crowded.mjs'
import { evil, makeEvil } from './hostile.mjs'
import { fitsItsWidth, settled } from './people.mjs'

// Every view there is: without data, with the demo's, as a reader, and with names of the worst
// kind on a telephone. What each of them promises beyond that has scenes of its own.

const source = resolve(import.meta.dirname, '../src')
const api = '/api/nightjar/v1'
const { engine, browser } = await stage()

/** places are the addresses that are there from the start: each view, and each that it leads to. */
const places = [
  '/signals', '/search', '/search?form=raw', '/search?form=sql', '/entity', '/entity/host/nobody',
  '/sources', '/sources/connect', '/sources/connect/vector', '/sources/pipelines', '/sources/pipelines/new', '/sources/pipelines/sshd', '/sources/again', '/sources/tables', '/sources/tables/new', '/sources/intel',
  '/rules', '/rules/new', '/rules/bundled', '/rules/coverage?technique=T1110', '/suppressions', '/suppressions/new',
  '/agents', '/agents/policies', '/agents/responses', '/agents/tokens',
  '/operation', '/operation/evaluation', '/operation/storage', '/operation/sessions', '/operation/notifications', '/operation/notifications/new', '/operation/keys', '/operation/users', '/operation/audit',
]

/** openWatched is a window that also notes answers that refuse, and whatever would run. */
async function openWatched(options = {}) {
  const page = await openPage(browser, options.engine ?? engine, { path: '/signals', ...options })
  page.on('response', (r) => r.status() >= 400 && page.faults.push(`${r.status()} of ${r.url()}`))
  page.on('dialog', (d) => (page.faults.push('something ran: ' + d.message()), void d.dismiss()))
  return page
}

/** see opens an address, and gives its headings. */
async function see(page, path) {
  await page.goto(path)
  await settled(page, path)
  return headings(page)
}
const headings = (page) => page.evaluate(() => [...document.querySelectorAll('#content h1')].map((h) => h.textContent))

/** eachOf looks at every place, and tells all that is wrong at once. */
async function eachOf(page, all, look) {
  const wrong = []
  for (const path of all) {
    page.faults.length = 0
    await look(path).catch((e) => wrong.push(`${path}: ${e.message}`))
    wrong.push(...page.faults.map((f) => `${path}: ${f.slice(0, 500)}`))
  }
  assert.deepEqual(wrong, [])
}

scene('no view is left out here', async () => {
  const names = [...(await readFile(join(source, 'views.ts'), 'utf8')).matchAll(/\{ name: '([^']+)'/g)].map((m) => m[1])
  assert.ok(names.length >= 8)
  const indexes = (await readdir(join(source, 'views'))).map((name) => join(source, 'views', name, 'index.tsx'))
  const tabs = (await Promise.all(indexes.map((path) => readFile(path, 'utf8')))).flatMap((text) => [...text.matchAll(/\{ href: '([^']+)'/g)].map((m) => m[1]))
  assert.ok(tabs.length >= 12)
  assert.deepEqual([...names.map((n) => '/' + n), ...tabs].filter((path) => !places.includes(path)), [])
})

scene('without data, each view says what it is', async () => {
  const page = await openWatched()
  await eachOf(page, places, async (path) => {
    await comes.ok(async () => (await see(page, path)).join('').length > 0 || (await page.locator('#content h2').count()) > 0, 'it has a heading')
  })
})

scene('with the demo’s data, each view opens, a reload shows the same, and Back returns', async () => {
  await applyBundled(engine)
  await loadDemo(engine)
  const { data: [signal] } = await engine.call('/api/v2/security_monitoring/signals?page%5Blimit%5D=1')
  const { data: [rule] } = await engine.call(api + '/rules?page%5Bsize%5D=1')
  places.push('/signals/' + signal.id, '/signals?signal=' + signal.id, '/rules/' + rule.id, '/sources?source=sshd', '/entity/%40network.client.ip/203.0.113.66')
  const page = await openWatched()
  const left = new Set()
  await eachOf(page, places, async (path) => {
    const says = await see(page, path)
    await page.reload()
    await settled(page, path)
    await comes.deepEqual(() => headings(page), says, 'after a reload')
    // Back of every place is in roles.test.mjs; here, of each view with much in it.
    const [view] = /^\/[a-z]+/.exec(path)
    if (left.has(view)) return
    left.add(view)
    const elsewhere = path.startsWith('/agents') ? 'Suppressions' : 'Agents'
    await page.locator('.top nav a', { hasText: elsewhere }).click()
    await settled(page, '/' + elsewhere.toLowerCase())
    await page.goBack()
    await settled(page, path)
    await comes.deepEqual(() => headings(page), says, 'after Back')
  })
})

scene('nothing lies over what can be pressed, or over a text, at any width, also when a window is made narrower', async () => {
  const { data: [signal] } = await engine.call('/api/v2/security_monitoring/signals?page%5Blimit%5D=1')
  const { data: rules } = await engine.call(api + '/rules?page%5Bsize%5D=100')
  const anomaly = rules.find((r) => r.options.detectionMethod === 'anomaly_detection') ?? rules[0]
  const { data: [event] } = await engine.call('/api/v2/logs/events/search', { filter: { query: 'source:sshd', from: '0' } })
  const list = '/signals?from=now-7d'
  const all = '&cols=' + encodeURIComponent('severity,title,entity,rule,source,host,assignee,events,first,last,state')
  const crowdedPlaces = [
    list, list + all, list + all + '&signal=' + signal.id, list + '&group=rule&signal=' + signal.id, '/signals/' + signal.id,
    '/search?from=now-7d&query=source%3Asshd', '/search?from=now-7d&query=source%3Asshd&event=' + event.id, '/search?from=now-7d&form=patterns', '/search?form=sql&sql=SELECT+timestamp%2C+source%2C+host%2C+message+FROM+events',
    '/rules', '/rules/' + anomaly.id, '/rules/coverage?technique=T1110', '/suppressions', '/sources?source=sshd', '/sources/pipelines', '/agents/policies', '/operation', '/operation/audit', '/entity/%40network.client.ip/203.0.113.66?from=now-7d',
  ]
  const page = await openWatched()
  await eachOf(page, crowdedPlaces, async (path) => {
    await page.setViewportSize({ width: 1440, height: 900 })
    await see(page, path)
    if (path.includes('&signal=') && !path.includes('cols=')) {
      await page.locator('.panel h1').waitFor()
      await page.keyboard.press('x')
      await page.locator('.ticked-bar').waitFor()
    }
    for (const [width, height] of [[1440, 900], [1280, 800], [900, 700], [390, 844]]) {
      await page.setViewportSize({ width, height })
      const filters = page.getByRole('button', { name: 'Filters' })
      if (width === 1280 && /(signal|event)=/.test(path)) await filters.click() // the least room there is
      await settled(page, path)
      await comes.deepEqual(() => crowded(page), [], `${path} at ${width}`)
    }
  })
})

scene('to a reader nothing is refused', async () => {
  const { key } = await engine.call(api + '/keys', { name: 'reads', role: 'reader' })
  const page = await openWatched({ engine: { ...engine, key } })
  await eachOf(page, places, (path) => see(page, path))
})

scene('no name runs, and none is wider than a telephone', async () => {
  const made = await makeEvil(engine)
  const kept = { signals: made.signal, rules: made.rule, suppressions: made.suppression, 'operation/notifications': made.target, 'sources/pipelines': made.pipeline, 'sources/tables': made.table }
  const own = Object.entries(kept).filter(([, id]) => id !== undefined).map(([view, id]) => `/${view}/${id}`)
  const page = await openWatched({ width: 390, height: 844 })
  const queries = ['/search?query=%40marker%3Aevil&event=' + made.event, '/search?form=raw&query=%40marker%3Aevil', '/search?form=sql&sql=SELECT+message%2C+host+FROM+events+WHERE+host+LIKE+%27%25img%25%27', '/agents?agent=' + made.agent, '/entity/%40usr.id/' + encodeURIComponent(evil)]
  await eachOf(page, [...places, ...own, ...queries], async (path) => {
    await see(page, path)
    if (path.startsWith('/signals/')) await page.locator('.tree-row').first().waitFor()
    await comes.equal(() => page.locator('[onerror], img[src="x"]').count(), 0, 'it stays text')
    await comes.ok(() => fitsItsWidth(page), `it is ${await page.evaluate(() => document.documentElement.scrollWidth)} px wide`)
  })
  assert.deepEqual([...made.refused.keys()], ['target', 'key'], 'what can’t be named so, since its names are letters and digits')
})
