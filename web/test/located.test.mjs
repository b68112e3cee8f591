// Where an address is, and which lists and tables have it: by real databases, lists and tables.
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { makeRule, send } from './data.mjs'
import { axeFaults, comes, openBrowser, openPage, scene, startEngine } from './engine.mjs'
import { uint, writeDatabase } from './mmdb.mjs'
import { fitsItsWidth } from './people.mjs'
import { trial } from './pictures.mjs'

const ip = '203.0.113.66'
let engine, browser
before(async () => {
  const named = (en) => ({ names: { en } })
  const places = await writeDatabase('GeoLite2-City', { '203.0.113.0/24': { city: named('Rotterdam'), country: { iso_code: 'NL', ...named('Netherlands') }, location: { latitude: 51.92, longitude: 4.48 } } })
  const networks = await writeDatabase('GeoLite2-ASN', { '203.0.113.0/24': { autonomous_system_number: uint(64501, 32), autonomous_system_organization: 'Example Hosting' } })
  engine = await startEngine('--geoip', places, '--geoip', networks)
  browser = await openBrowser()
  await mkdir(join(engine.dir, 'intel'), { recursive: true })
  await writeFile(join(engine.dir, 'intel', 'bad.txt'), ip + '\n')
  await engine.call('/api/nightjar/v1/threat-lists', { name: 'bad_addresses', file: 'bad.txt' })
  await engine.until('the threat list', async () => (await engine.call('/api/nightjar/v1/entity?field=%40network.client.ip&value=' + ip)).threat_lists.length > 0)
  const tables = '/api/v2/reference-tables/'
  const upload = await engine.call(tables + 'uploads', { data: { type: 'upload', attributes: { table_name: 'watched_ips', headers: ['ip'], part_count: 1, part_size: 100 } } })
  await fetch(upload.data.attributes.part_urls[0], { method: 'PUT', body: `ip\n${ip}\n` })
  await engine.call(tables + 'tables', { data: { type: 'reference_table', attributes: { table_name: 'watched_ips', source: 'LOCAL_FILE', schema: { fields: [{ name: 'ip', type: 'STRING' }], primary_keys: ['ip'] }, file_metadata: { upload_id: upload.data.id } } } })
  engine.table = (await engine.call(tables + 'tables')).data.find((t) => t.attributes.table_name === 'watched_ips').id
  await makeRule(engine, 'Failed again', 'high', 'sshd', { queries: [{ name: 'seen', query: 'source:sshd', groupByFields: ['@network.client.ip'] }], cases: [{ status: 'high', condition: 'seen > 2', notifications: [] }] })
  await send(engine, [0, 1, 2, 3].map((i) => ({ ddsource: 'sshd', hostname: 'bastion-1', message: `Failed password ${i}`, usr: { id: 'root' }, network: { client: { ip } } })))
  await engine.until('the signal', async () => (await engine.call('/api/v2/security_monitoring/signals')).data.length > 0)
})
after(async () => {
  await browser?.close()
  await engine?.stop()
})

scene('the page of an address has it on a map, with its network, lists and tables', async () => {
  for (const [theme, width, height] of [['dark', 1440, 900], ['light', 1280, 900], ['light', 390, 844]]) {
    const page = await openPage(browser, engine, { theme, width, height, path: '/entity/ip/' + ip })
    const where = page.getByRole('region', { name: 'Where' })
    await where.getByText('Rotterdam, Netherlands').waitFor()
    await where.getByText('AS64501 Example Hosting').waitFor()
    const map = where.getByRole('img', { name: 'On a map: Rotterdam, Netherlands' })
    await map.locator('.land[d^="M"]').waitFor({ state: 'attached' })
    // The ring is where the place is, in the part of the world that is shown.
    const [x, y, w, h] = (await map.getAttribute('viewBox')).split(' ').map(Number)
    await comes.match(() => map.locator('.stop-ring').getAttribute('d'), /^M4\.48 -51\.92/)
    assert.ok(x < 4.48 && 4.48 < x + w && y < -51.92 && -51.92 < y + h, `${x} ${y} ${w} ${h}`)
    const listed = page.getByRole('region', { name: 'Listed in' })
    await listed.getByRole('link', { name: 'bad_addresses' }).waitFor()
    await listed.getByText('watched_ips').waitFor()
    await page.locator('.lead').getByText('It is on 1 threat list').waitFor()
    await comes.deepEqual(() => axeFaults(page), [], `${theme} ${width}`)
    await comes.ok(() => fitsItsWidth(page))
    await trial(page, `located-${theme}-${width}`)
    assert.deepEqual(page.faults, [])
  }
})

scene('a list and a table lead to what they have of it', async () => {
  const page = await openPage(browser, engine, { path: '/entity/ip/' + ip })
  const listed = page.getByRole('region', { name: 'Listed in' })
  await listed.getByRole('link', { name: 'watched_ips' }).click()
  await page.waitForURL((u) => u.pathname === `/sources/tables/${engine.table}` && u.searchParams.get('row') === ip)
  await page.getByText(ip).first().waitFor()
  await page.goBack()
  await listed.getByRole('link', { name: 'bad_addresses' }).click()
  await page.waitForURL((u) => u.pathname === '/sources/intel' && u.searchParams.get('value') === ip)
  await page.getByText(`bad_addresses has ${ip}`).waitFor()
  assert.deepEqual(page.faults, [])
})

scene('the panel of a signal says where its address is, and which lists and tables have it', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await page.locator('.table-row').filter({ hasText: 'Failed again' }).click()
  const panel = page.locator('.panel')
  await panel.getByText('Rotterdam, Netherlands · AS64501 Example Hosting').waitFor()
  await panel.getByRole('link', { name: 'bad_addresses' }).waitFor()
  await panel.getByRole('link', { name: 'watched_ips' }).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await trial(page, 'located-panel')
  assert.deepEqual(page.faults, [])
})
