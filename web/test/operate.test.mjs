// What an administrator changes while the engine runs: how long what is kept, one agent's
// switch, a target before it is saved, and all of a rule's document.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { enrol, hostile, makeRule, send } from './data.mjs'
import { axeFaults, openPage, scene, stage, startEngine } from './engine.mjs'
import { asReader, fitsItsWidth, write } from './people.mjs'

const api = '/api/nightjar/v1'
const folder = await mkdtemp(join(tmpdir(), 'nightjar-clock-'))
const clock = join(folder, 'clock')
await writeFile(clock, '-480h')
process.env.NIGHTJAR_TEST_CLOCK = clock
const got = []
const sink = createServer((request, response) => {
  let body = ''
  request.on('data', (part) => (body += part))
  request.on('end', () => (got.push({ headers: request.headers, body }), response.writeHead(200), response.end('thanks ' + hostile.image)))
})
await new Promise((done) => sink.listen(0, '127.0.0.1', done))
const url = `http://127.0.0.1:${sink.address().port}/hook`
after(async () => {
  await new Promise((done) => (sink.closeAllConnections(), sink.close(done)))
  await rm(folder, { recursive: true, force: true })
})
const { engine, browser } = await stage(startEngine('--allow-private-targets'))
const butRefused = (page) => page.faults.filter((f) => !f.includes('status of 400'))
const eventsOf = async (source) => (await engine.call(api + '/sql', { query: `SELECT count() AS n FROM events WHERE source = '${source}'` })).rows?.[0]?.[0]

scene('retention is changed, after what that deletes was shown; a mistake stands at its field', async () => {
  await send(engine, [{ ddsource: 'app', message: 'long ago' }, { ddsource: 'app', message: 'and this' }])
  await engine.until('the old events', async () => Number(await eventsOf('app')) === 2)
  await writeFile(clock, '0h')
  await send(engine, [{ ddsource: 'app', message: 'now' }])
  await engine.until('the new event', async () => Number(await eventsOf('app')) === 3)
  const page = await openPage(browser, engine, { path: '/operation/storage' })
  await page.getByText('As the engine was started.').waitFor()
  await page.getByRole('button', { name: 'Change' }).click()
  const form = page.getByRole('form', { name: 'How long what is kept' })
  assert.equal(await form.getByRole('button', { name: 'Change' }).isDisabled(), true)
  await form.getByLabel('Events').fill('soon')
  await form.getByLabel('Disk quota').fill('1MB')
  await form.getByRole('button', { name: 'Change' }).click()
  await form.getByRole('alert').filter({ hasText: '"soon" is not a time to keep something' }).waitFor()
  await form.getByRole('alert').filter({ hasText: 'less than' }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await form.getByLabel('Disk quota').fill('')
  await form.getByLabel('Events').fill('5d')
  await form.getByRole('button', { name: 'Change' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('2 events of 1 day').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await dialog.getByRole('button', { name: 'Leave it' }).click()
  assert.equal(Number(await eventsOf('app')), 3, 'looking deletes nothing')
  await form.getByRole('button', { name: 'Change' }).click()
  await dialog.getByRole('button', { name: 'Delete and change' }).click()
  await page.getByText('first key set events to 5d').waitFor()
  await engine.until('the old events to go', async () => Number(await eventsOf('app')) === 1)
  await page.reload()
  await page.getByText('first key set events to 5d').waitFor()
  await page.getByText('kept 5 days after they arrived').waitFor()
  const said = (await engine.call(api + '/audit?limit=50')).entries.filter((e) => e.action.endsWith('UpdateRetention'))
  assert.ok(said.some((e) => e.detail === 'events=5d' && e.outcome === 'done'), JSON.stringify(said))
  assert.deepEqual(butRefused(page), [])
})

scene('a reader sees how long what is kept, and why the control is shut; on a telephone', async () => {
  const page = await asReader(browser, engine, '/operation/storage', 'keeps')
  await page.setViewportSize({ width: 390, height: 844 })
  await page.getByText('needs admin').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Change' }).isDisabled(), true)
  assert.equal(await fitsItsWidth(page), true)
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('one agent is disarmed with a reason, which its panel and the list say, and armed', async () => {
  const { key } = await engine.call(api + '/keys', { name: 'a token', role: 'enroll' })
  const { version } = await engine.call(api + '/agents/rollout')
  const id = await enrol(engine, key, 'kills-backups', { in_force: version })
  await enrol(engine, key, 'another', { in_force: version })
  const page = await openPage(browser, engine, { path: '/agents?agent=' + id })
  const panel = page.getByRole('complementary', { name: 'Agent' })
  await panel.getByRole('button', { name: 'Disarm…' }).click()
  const dialog = page.getByRole('dialog')
  assert.equal(await dialog.getByRole('button', { name: 'Disarm' }).isDisabled(), true)
  await dialog.getByLabel('Why').fill(`it kills ${hostile.image}`)
  assert.deepEqual(await axeFaults(page), [])
  await dialog.getByRole('button', { name: 'Disarm' }).click()
  await panel.getByText(`it kills ${hostile.image}`).waitFor()
  await panel.getByText('It has not heard of it yet').waitFor()
  await page.locator('.listing tbody tr').filter({ hasText: 'kills-backups' }).getByText(/, disarmed/).waitFor()
  assert.equal(await page.locator('.listing tbody tr').filter({ hasText: 'another' }).getByText(/disarmed/).count(), 0)
  await page.reload()
  await panel.getByRole('button', { name: 'Arm…' }).click()
  await dialog.getByLabel('Why').fill('mended')
  await dialog.getByRole('button', { name: 'Arm', exact: true }).click()
  await panel.getByRole('button', { name: 'Disarm…' }).waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(page.faults, [])
})

scene('a target is tried before it is saved, with its secret, and nothing of it is kept', async () => {
  const page = await openPage(browser, engine, { path: '/operation/notifications/new?type=webhook' })
  await page.getByLabel('URL', { exact: true }).fill('nowhere')
  await page.getByRole('button', { name: 'Send it' }).click()
  await page.getByRole('alert').filter({ hasText: 'want http:// or https://' }).first().waitFor()
  await page.getByLabel('URL', { exact: true }).fill(url)
  await page.getByLabel('Signing secret').fill('T0SECRETTRIAL')
  await page.getByRole('button', { name: 'Show what is sent' }).click()
  await page.locator('.trial-request pre').getByText('"signal_id"').waitFor()
  await page.getByRole('button', { name: 'Send it' }).click()
  await page.locator('.trial').getByText('Delivered', { exact: true }).waitFor()
  assert.match(got.at(-1).headers['nightjar-signature'], /^sha256=[0-9a-f]{64}$/)
  assert.equal((await page.locator('main').innerText()).includes('T0SECRET'), false)
  assert.equal(((await engine.call(api + '/notification-targets')).targets ?? []).length, 0)
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(butRefused(page), [])
})

scene('a case’s actions and a schedule are edited in fields, and the YAML is the same document', async () => {
  const { id } = await makeRule(engine, 'All of a rule', 'high', 'app')
  const page = await openPage(browser, engine, { path: '/rules/' + id })
  await page.getByText('Own severity, actions').first().click()
  await page.getByRole('button', { name: 'Add an action to case 1' }).click()
  await page.getByLabel('Action 1').selectOption('user_behavior')
  await page.getByLabel('Behaviour').fill('too many logins')
  await page.getByText('Filters, tables, and what few rules say').click()
  await page.getByRole('button', { name: 'Add a calculated field' }).click()
  await page.getByLabel('Field 1').fill('@sum')
  await page.getByLabel('Is', { exact: true }).fill('@a + @b')
  await page.locator('.rule-tabs').getByText('no errors').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('tab', { name: 'YAML' }).click()
  const lines = async () => page.locator('.cm-content').evaluate((e) => [...e.querySelectorAll('.cm-line')].map((l) => l.textContent).join('\n'))
  await page.locator('.cm-content').waitFor()
  assert.match(await lines(), /^name: All of a rule\nmessage: \|/) // what is below is not in the document yet
  await write(page, 'The rule as YAML', 'name: [')
  await page.getByRole('list', { name: 'What is wrong with the rule' }).waitFor()
  assert.equal(await page.getByRole('button', { name: /Save as v2/ }).isDisabled(), true)
  const draft = await page.evaluate((place) => JSON.parse(JSON.parse(sessionStorage.getItem(place)).text), 'nightjar.draft.' + id)
  assert.equal(draft.cases[0].actions[0].options.userBehaviorName, 'too many logins', 'what can’t be read changes nothing')
  const { name: _, ...rest } = draft
  await write(page, 'The rule as YAML', `name: All of a rule, in YAML # said so\n${Object.entries(rest).map(([k, v]) => `${k}: ${JSON.stringify(v)}`).join('\n')}`)
  await page.locator('.rule-tabs').getByText('no errors').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('button', { name: /Save as v2/ }).click()
  await page.getByText('Saved as v2').waitFor()
  const kept = await engine.call(`${api}/rules/${id}`)
  assert.equal(kept.name, 'All of a rule, in YAML')
  assert.equal(kept.cases[0].actions[0].options.userBehaviorName, 'too many logins')
  assert.deepEqual(kept.calculatedFields, [{ name: '@sum', expression: '@a + @b' }])
  await page.getByRole('tab', { name: 'Form' }).click()
  await page.getByText('Kept, and edited in the').waitFor({ state: 'detached' })
  assert.deepEqual(page.faults, [])
})

scene('several suppressions are switched, extended and deleted at once, with a way back', async () => {
  const path = '/api/v2/security_monitoring/configuration/suppressions'
  const day = 864e5
  const suppress = async (name, more = {}) => (await engine.call(path, { data: { type: 'suppressions', attributes: { name, enabled: true, rule_query: '*', suppression_query: '@usr.id:nobody', ...more } } })).data.id
  const ids = [await suppress(`Alpha ${hostile.image}`), await suppress('Beta', { expiration_date: Date.now() + 3 * day }), await suppress('Gamma')]
  const stored = async (id) => (await engine.call(`${path}/${id}`)).data.attributes
  const page = await openPage(browser, engine, { path: '/suppressions?sort=name' })
  const row = (text) => page.locator('.table-row').filter({ hasText: text }).first()
  await row('Alpha').getByRole('checkbox').click()
  await row('Beta').getByRole('checkbox').click()
  await page.getByText('2 suppressions selected').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('button', { name: 'Disable', exact: true }).click()
  await page.getByRole('status').filter({ hasText: 'Disabled 2 suppressions.' }).waitFor()
  assert.deepEqual(await Promise.all(ids.map(async (id) => (await stored(id)).enabled)), [false, false, true])
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByRole('status').filter({ hasText: 'Undone: 2 suppressions.' }).waitFor()
  assert.deepEqual(await Promise.all(ids.map(async (id) => (await stored(id)).enabled)), [true, true, true])
  const until = (await stored(ids[1])).expiration_date
  await row('Beta').getByRole('checkbox').click()
  await row('Gamma').getByRole('checkbox').click()
  await page.getByRole('button', { name: 'Extend by 7 days' }).click()
  await page.getByRole('status').filter({ hasText: 'Extended 1 suppression, 1 needed no change.' }).waitFor()
  assert.equal((await stored(ids[1])).expiration_date, until + 7 * day)
  await row('Alpha').getByRole('checkbox').click()
  await row('Gamma').getByRole('checkbox').click()
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText(hostile.image).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('status').filter({ hasText: '2 suppressions deleted.' }).waitFor()
  await row('Alpha').waitFor({ state: 'detached' })
  await row('Beta').waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(page.faults, [])
})
