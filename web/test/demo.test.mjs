import assert from 'node:assert/strict'
import { axeFaults, comes, drawn, openPage, scene, stage } from './engine.mjs'
import { trial } from './pictures.mjs'

// The signals of the demo's data.

const { engine, browser } = await stage()

const row = (page, text) => page.locator('.table-row').filter({ hasText: text }).first()

scene('an empty install is filled by one press', async () => {
  const page = await openPage(browser, engine)
  await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor()
  await trial(page, 'first-start')
  await page.getByRole('button', { name: 'Load the demo data' }).click()
  await engine.until('the signals of three attacks', async () => (await engine.call('/api/v2/security_monitoring/signals?page%5Blimit%5D=50')).data.length >= 6)
  await page.goto('/signals')
  await row(page, 'SSH login after failures').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('each of its signals says why it is there', async () => {
  const { data } = await engine.call('/api/v2/security_monitoring/signals?page%5Blimit%5D=50')
  const page = await openPage(browser, engine, { theme: 'light' })
  for (const { id } of data) {
    await page.goto('/signals/' + id)
    await page.locator('.tree, .processes').first().waitFor()
    await page.locator('.event-row').nth(1).waitFor()
    await page.locator('.history li').first().waitFor()
    await comes.deepEqual(() => axeFaults(page), [], id)
  }
  await page.goto('/signals')
  await row(page, 'SSH brute force').dblclick()
  await page.locator('.window-chart').first().waitFor()
  await page.getByText('would have hidden').waitFor()
  await trial(page, 'signal')
  assert.deepEqual(page.faults, [])
})

scene('a journey is on a map', async () => {
  const now = Date.now()
  await engine.call('/api/v2/security_monitoring/rules', {
    name: 'Impossible travel', message: '{{@usr.id}} was in two places.', isEnabled: true, type: 'log_detection', tags: [],
    queries: [{ name: 'logins', query: 'source:okta @evt.outcome:success', aggregation: 'geo_data', metric: '@network.client.geoip', groupByFields: ['@usr.id'] }],
    cases: [{ name: '', status: 'high', condition: '', notifications: [] }],
    options: { detectionMethod: 'impossible_travel', evaluationWindow: 0, keepAlive: 3600, maxSignalDuration: 86400, impossibleTravelOptions: { baselineUserLocations: false } },
  })
  const login = (ago, city, country, iso, latitude, longitude) => ({
    ddsource: 'okta', evt: { outcome: 'success' }, timestamp: now - ago * 60_000, message: 'login', usr: { id: 'j.lindqvist' },
    network: { client: { ip: `192.0.2.${ago}`, geoip: { city: { name: city }, country: { name: country, iso_code: iso }, location: { latitude, longitude } } } },
  })
  await engine.call('/api/v2/logs', [login(60, 'Stockholm', 'Sweden', 'SE', 59.3, 18.1), login(30, 'Singapore', 'Singapore', 'SG', 1.35, 103.8), login(10, 'Stockholm', 'Sweden', 'SE', 59.3, 18.1)])
  const found = await engine.until('the signal', async () => (await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent('rule_name:Impossible*'))).data[0])
  const page = await openPage(browser, engine, { path: '/signals/' + found.id })
  await page.locator('.journey .land').waitFor()
  await page.locator('.stops').getByText(/km\/h/).first().waitFor()
  await comes.ok(async () => (await page.locator('.stop').count()) >= 2)
  await comes.ok(async () => (await page.locator('.leg').count()) >= 1)
  await comes.deepEqual(() => axeFaults(page), [])
  await trial(page, 'journey')
  assert.deepEqual(page.faults, [])
})

scene('a view is saved, and is there for the next window', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=severity%3Ahigh' })
  await row(page, 'SSH brute force').waitFor()
  await page.getByRole('button', { name: 'Save this view' }).click()
  await page.getByLabel('Name of the view').fill('The high ones <b>')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByRole('button', { name: 'The high ones <b>', exact: true }).waitFor()
  const other = await openPage(browser, engine, { path: '/signals' })
  await other.getByRole('button', { name: 'The high ones <b>', exact: true }).click()
  await other.waitForURL(/query=severity/)
  await other.getByRole('button', { name: /Delete the view/ }).click({ force: true })
  await other.getByRole('button', { name: 'The high ones <b>', exact: true }).waitFor({ state: 'detached' })
  assert.deepEqual([...page.faults, ...other.faults], [])
})

scene('the list, dark and light and on a telephone', async () => {
  for (const [name, options] of [['signals', { theme: 'dark' }], ['signals-light', { theme: 'light' }], ['signals-telephone', { theme: 'light', width: 390, height: 844 }]]) {
    const page = await openPage(browser, engine, { ...options, path: '/signals?from=now-7d' })
    await row(page, 'SSH brute force').waitFor()
    if (!options.width) await row(page, 'SSH brute force').click()
    if (!options.width) await page.locator('.panel .window-chart').first().waitFor()
    await page.locator('.facets').getByText('Triage').waitFor({ state: options.width ? 'attached' : 'visible' })
    await drawn(page)
    await trial(page, name)
    assert.deepEqual(page.faults, [])
  }
})
