import assert from 'node:assert/strict'
import { before } from 'node:test'
import { hostile, makeHostile, makeRule, send } from './data.mjs'
import { axeFaults, comes, openPage, scene, stage } from './engine.mjs'
import { trial } from './pictures.mjs'

// What is known of a value, at an address of its own.

const ip = '203.0.113.66'
const users = ['root', 'root', 'admin', 'root', 'deploy', 'root', 'admin']
const { engine, browser } = await stage()
let begin
before(async () => {
  await makeRule(engine, 'Failed again', 'high', 'sshd', { queries: [{ name: 'seen', query: 'source:sshd', groupByFields: ['@network.client.ip'] }], cases: [{ status: 'high', condition: 'seen > 4', notifications: [] }] })
  begin = Date.now() - 60_000
  await send(engine, users.map((id, i) => ({
    ddsource: 'sshd', service: 'sshd', hostname: 'bastion-' + (i % 2), timestamp: begin + i * 5000, status: i % 3 === 0 ? 'error' : 'info', message: `Failed password for ${id}`, usr: { id },
    network: { client: { ip, geoip: { city: { name: 'Amsterdam' }, country: { name: 'Netherlands' }, as: { name: 'Example Hosting' } } } },
  })))
  await makeHostile(engine)
  await engine.until('the signal', async () => (await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent(`@network.client.ip:${ip}`))).data.length > 0)
})

const address = (field, value) => `/entity/${encodeURIComponent(field)}/${encodeURIComponent(value)}`
const clock = (at) => new Date(at).toISOString().slice(11, 19)

scene('of an address: its signals, its events from first to last, where it is, what it was seen with', async () => {
  for (const [theme, width, height] of [['dark', 1440, 900], ['light', 1440, 900], ['dark', 390, 844]]) {
    const page = await openPage(browser, engine, { theme, width, height, path: address('@network.client.ip', ip) })
    await page.getByRole('heading', { name: ip }).waitFor()
    await page.getByText(`${users.length} events`).first().waitFor()
    const lead = await page.locator('.lead').innerText()
    assert.ok(lead.includes(clock(begin)) && lead.includes(clock(begin + (users.length - 1) * 5000)) && lead.includes('1 signal'), lead)
    await page.locator('.signal-row a').filter({ hasText: 'Failed again' }).waitFor()
    await comes.equal(() => page.locator('.event-row:not(.event-head)').count(), users.length)
    await page.getByText('Amsterdam, Netherlands').waitFor()
    await page.getByText('Example Hosting').waitFor()
    const seen = await page.getByRole('region', { name: 'Seen with' }).innerText()
    assert.match(seen, /root[\s\S]*4[\s\S]*admin[\s\S]*2[\s\S]*deploy[\s\S]*1/)
    await comes.deepEqual(() => axeFaults(page), [], `${theme} ${width}`)
    await comes.ok(() => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the window')
    if (width === 390) {
      const small = await page.locator('main a, main button').evaluateAll((all) => all.filter((el) => !el.closest('p') && el.offsetParent && el.getBoundingClientRect().height > 0 && el.getBoundingClientRect().height < 44).map((el) => el.textContent))
      assert.deepEqual(small, [], 'what is pressed is big enough')
    }
    await trial(page, `entity-${theme}-${width}`)
    assert.deepEqual(page.faults, [])
  }
})

scene('a press on a value leads there, and Back and reload lead back', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await page.locator('.table-row').filter({ hasText: 'Failed again' }).dblclick()
  await page.waitForURL(/\/signals\/./)
  const signal = page.url()
  await page.getByRole('button', { name: ip }).first().click()
  await page.getByRole('menuitem', { name: 'All about it' }).click()
  await page.waitForURL(/\/entity\/%40network\.client\.ip\/203/)
  await page.getByRole('heading', { name: ip }).waitFor()
  await page.getByRole('region', { name: 'Seen with' }).getByRole('button', { name: 'root' }).click()
  await page.getByRole('menuitem', { name: 'All about it' }).click()
  await page.getByRole('heading', { name: 'root' }).waitFor()
  await page.getByText('4 events').first().waitFor()
  await page.reload()
  await page.getByText('4 events').first().waitFor()
  await page.goBack()
  await page.getByRole('heading', { name: ip }).waitFor()
  await page.goBack()
  await page.waitForURL(signal)
  assert.deepEqual(page.faults, [])
})

scene('a range is part of the address, and a stretch of the histogram is one', async () => {
  const page = await openPage(browser, engine, { path: address('@network.client.ip', ip) + `?from=${begin - 3_600_000}&to=${begin - 1}` })
  await page.getByText('No event with it in').waitFor()
  await page.getByText('1 signal', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Look at all time' }).click()
  await page.waitForURL(/from=0/)
  await page.getByText(`${users.length} events`).first().waitFor()
  assert.deepEqual(page.faults, [])
})

scene('of what nobody has heard of it says so', async () => {
  const page = await openPage(browser, engine, { path: address('host', 'nowhere') })
  await page.getByText('No event with it in 30 days. No signal was ever about it.').waitFor()
  await page.getByText('No event has it in this time.').waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.goto('/entity')
  await page.getByRole('heading', { name: 'About whom?' }).waitFor()
  await page.goto(address('message', 'x'))
  await page.getByText('message names nobody').waitFor()
  assert.deepEqual(page.faults.filter((f) => !f.includes('400')), [])
})

scene('hostile values are text, also as an address', async () => {
  for (const value of [hostile.script, hostile.image, hostile.quotes, hostile.link, hostile.query, '../..', '..', 'a/b?c#d%2F', '%']) {
    const page = await openPage(browser, engine, { path: value === '..' ? '/entity/%40usr.id?value=..' : address('@usr.id', value) })
    await page.locator('.lead').getByText(/event/).first().waitFor()
    assert.equal(await page.evaluate(() => window.hacked), undefined)
    await comes.ok(async () => (await page.locator('h1').innerText()).replace(/\s+/g, ' ').startsWith(value.slice(0, 5)), await page.locator('h1').innerText())
    if (Object.values(hostile).includes(value)) await page.getByText('1 event').first().waitFor()
    assert.deepEqual(page.faults, [], value)
    await page.context().close()
  }
})

scene('a reader sees it all', async () => {
  const { key } = await engine.call('/api/nightjar/v1/keys', { name: 'entity reader', role: 'reader' })
  const page = await openPage(browser, { ...engine, key }, { path: address('@network.client.ip', ip) })
  await page.getByText(`${users.length} events`).first().waitFor()
  await page.locator('.signal-row a').filter({ hasText: 'Failed again' }).waitFor()
  assert.deepEqual(page.faults, [])
})
