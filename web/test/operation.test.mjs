import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { after } from 'node:test'
import { hostile, makeRule, send } from './data.mjs'
import { axeFaults, comes, openPage, scene, stage, startEngine } from './engine.mjs'

// Operation: how the engine is, whom it tells, who may come in, and who did what.

const api = '/api/nightjar/v1'

/** startSink is a webhook on loopback that answers as it is told, and remembers what it got. */
async function startSink() {
  const s = { got: [], status: 200, answer: 'thanks' }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => (body += part))
    request.on('end', () => {
      s.got.push({ headers: request.headers, body })
      response.writeHead(s.status)
      response.end(s.answer)
    })
  })
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  s.url = `http://127.0.0.1:${server.address().port}/hook`
  s.stop = () => new Promise((done) => (server.closeAllConnections(), server.close(done)))
  return s
}

const sink = await startSink()
after(() => sink.stop())
const { engine, browser } = await stage(startEngine('--allow-private-targets', '--retention', 'events=30d,signals=12mo,matches=35d'))

const rowOf = (page, name) => page.locator('.listing tbody tr').filter({ hasText: name })

/** signIn signs somebody in by their password. */
async function signIn(path, name, password) {
  const page = await openPage(browser, engine, { signedIn: false, path })
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  return page
}
async function asReader(path, name) {
  const { password } = await engine.call(api + '/users', { name, role: 'reader' })
  return signIn(path, name, password)
}
/** butRefused are the faults but for requests that the engine said were wrong, as a browser notes them. */
const butRefused = (page) => page.faults.filter((f) => !f.includes('status of 400'))
const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

scene('without a target the next step is said, and each type asks for what it needs', async () => {
  const page = await openPage(browser, engine, { path: '/operation/notifications' })
  await page.getByRole('heading', { name: 'Nobody is told of signals yet' }).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: 'Add a target…' }).click()
  await page.waitForURL(/notifications\/new$/)
  const kinds = page.locator('.kinds a')
  await comes.equal(() => kinds.count(), 8)
  const filled = {
    slack: { 'Webhook URL': 'https://hooks.slack.invalid/T0SECRETSLACK' }, teams: { 'Webhook URL': 'https://teams.invalid/T0SECRETTEAMS' },
    email: { To: 'soc@example.org, duty@example.org', From: 'nightjar@example.org', 'SMTP server': 'smtp.example.org:587', User: 'nightjar', Password: 'T0SECRETMAIL' },
    pagerduty: { 'Routing key': 'T0SECRETPAGER' }, opsgenie: { 'API key': 'T0SECRETOPS' },
    jira: { URL: 'https://jira.example.org', 'Mail and token': 'a@example.org:T0SECRETJIRA', Project: 'SEC' },
    alertmanager: { URL: 'http://alertmanager:9093' }, webhook: { URL: 'https://soc.example.org/hook', 'Signing secret': 'T0SECRETHOOK' },
  }
  for (const [type, fields] of Object.entries(filled)) {
    await page.goto('/operation/notifications/new')
    await page.locator(`.kinds a[href$="type=${type}"]`).click()
    await page.getByLabel('Name', { exact: true }).fill('of-' + type)
    for (const [label, text] of Object.entries(fields)) await page.getByLabel(label, { exact: true }).fill(text)
    await page.getByRole('button', { name: 'Make the target' }).click()
    await page.waitForURL(/notifications\/(?!new)[^/?]+$/)
    await page.getByText(`@${type}-of-${type}`, { exact: true }).first().waitFor()
    assert.equal((await page.content()).includes('T0SECRET'), false, type)
    await page.getByRole('button', { name: 'Change' }).click()
    await page.getByRole('button', { name: 'Save' }).waitFor()
    assert.equal((await page.locator('input').evaluateAll((all) => all.map((i) => i.value).join())).includes('T0SECRET'), false, type)
    await comes.deepEqual(() => axeFaults(page), [], type)
  }
  const kept = await engine.call(api + '/notification-targets')
  assert.equal(kept.targets.length, 8)
  assert.equal(JSON.stringify(kept).includes('T0SECRET'), false)
  for (const t of kept.targets) await engine.call(`${api}/notification-targets/${t.id}`, undefined, 'DELETE')
  assert.deepEqual(page.faults, [])
})

scene('a target is made, tried, changed without its secret, switched off and deleted', async () => {
  const page = await openPage(browser, engine, { path: '/operation/notifications/new?type=webhook' })
  await page.getByLabel('Name', { exact: true }).fill('not valid!')
  await page.getByLabel('URL', { exact: true }).fill('nowhere')
  await page.getByRole('button', { name: 'Make the target' }).click()
  await page.getByRole('alert').filter({ hasText: 'want letters, digits' }).waitFor()
  await page.getByRole('alert').filter({ hasText: 'want http:// or https://' }).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByLabel('Name', { exact: true }).fill('soc')
  await page.getByLabel('URL', { exact: true }).fill(sink.url)
  await page.getByLabel('Signing secret').fill('sesame-of-the-test')
  await page.getByLabel('archiving').check()
  await page.getByRole('button', { name: 'Make the target' }).click()
  await page.waitForURL((url) => !url.pathname.endsWith('/new')) // the form can be tried, too
  await page.getByRole('button', { name: 'Show what is sent' }).click()
  await page.locator('.trial-request pre').getByText('"signal_id"').waitFor()
  sink.answer = hostile.image
  await page.getByRole('button', { name: 'Send it' }).click()
  await page.locator('.trial').getByText('Delivered').waitFor()
  await page.locator('.trial').getByText(hostile.image).waitFor()
  const first = sink.got.at(-1)
  assert.match(first.headers['nightjar-signature'], /^sha256=[0-9a-f]{64}$/)
  sink.status = 410
  await page.getByRole('button', { name: 'Send it' }).click()
  await page.locator('.trial').getByText('Not delivered').waitFor()
  await page.locator('.trial').getByText(/410/).waitFor()
  sink.status = 200
  sink.answer = 'thanks'
  await page.getByRole('button', { name: 'Change' }).click()
  await page.getByLabel('Headers').fill('X-Team: soc')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('X-Team: soc').waitFor()
  await page.getByRole('button', { name: 'Send it' }).click()
  await page.locator('.trial').getByText('Delivered', { exact: true }).waitFor()
  assert.equal(sink.got.at(-1).headers['x-team'], 'soc')
  assert.ok(sink.got.at(-1).headers['nightjar-signature'], 'the secret stayed')
  await page.getByRole('button', { name: 'Switch off' }).click()
  await page.getByText('is off: it is told nothing').waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByRole('button', { name: 'Switch off' }).waitFor()
  await page.reload()
  await page.getByText('X-Team: soc').waitFor()
  await page.goBack()
  await page.goForward()
  await page.getByText('X-Team: soc').waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('heading', { name: 'Nobody is told of signals yet' }).waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(butRefused(page), [])
})

scene('what was told in one is shown together, and leads to its signals', async () => {
  await engine.call(api + '/notification-targets', { name: 'hourly', type: 'webhook', url: sink.url })
  const selectors = { trigger_source: 'security_signals', severities: ['info'], rule_types: [], query: '' }
  const route = await engine.call('/api/v2/security/signals/notification_rules', { data: { type: 'notification_rules', attributes: { name: 'hourly', enabled: true, targets: ['@webhook-hourly'], time_aggregation: 86400, selectors } } })
  await makeRule(engine, 'Together', 'info', 'together')
  await send(engine, ['ann', 'ben', 'cat'].map((id) => ({ ddsource: 'together', message: 'x', usr: { id } })))
  await engine.until('three in one', async () => (await engine.call(api + '/notifications?target=@webhook-hourly')).notifications.length === 3)
  const page = await openPage(browser, engine, { path: '/operation/notifications' })
  await rowOf(page, '@webhook-hourly').getByRole('button', { name: 'in one with others' }).first().click()
  await page.getByText('One message held 3 signals.').waitFor()
  await page.reload()
  await page.getByText('One message held 3 signals.').waitFor()
  const told = page.getByRole('table', { name: 'What was told' })
  const hrefs = await told.getByRole('link').evaluateAll((links) => links.map((a) => a.getAttribute('href')).sort())
  const { notifications } = await engine.call(api + '/notifications?target=@webhook-hourly')
  assert.deepEqual(hrefs, notifications.map((n) => '/signals/' + n.signal_id).sort())
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: 'Show all that was told' }).click()
  await page.getByText('One message held').waitFor({ state: 'detached' })
  await engine.call('/api/v2/security/signals/notification_rules/' + route.data.id, undefined, 'DELETE')
  assert.deepEqual(page.faults, [])
})

scene('a route tells of signals, what failed is told again, and a mute keeps quiet until its end', async () => {
  await engine.call(api + '/notification-targets', { name: 'duty', type: 'webhook', url: sink.url })
  const page = await openPage(browser, engine, { path: '/operation/notifications' })
  await page.getByRole('button', { name: 'Add a route…' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Name').fill(`nights ${hostile.image}`)
  await dialog.getByLabel('And signals').fill('host:(')
  await dialog.getByRole('button', { name: 'Add the route' }).click()
  await dialog.getByRole('alert').first().waitFor()
  await dialog.getByLabel('And signals').fill('')
  await dialog.getByLabel('Escalates', { exact: true }).selectOption('3600')
  await dialog.getByLabel('Escalates to').fill('@webhook-duty')
  await comes.deepEqual(() => axeFaults(page), [])
  await dialog.getByRole('button', { name: 'Add the route' }).click()
  await rowOf(page, 'nights').getByText('after 1 h to').waitFor()
  sink.status = 400
  sink.answer = 'no such room ' + hostile.script
  await makeRule(engine, `Told ${hostile.image}`, 'high', 'told-source')
  await send(engine, [{ ddsource: 'told-source', message: 'x', usr: { id: 'ann' } }])
  const told = page.getByRole('table', { name: 'What was told' })
  await told.getByText('failed').first().waitFor()
  await told.getByText('no such room').first().waitFor()
  await page.getByRole('table', { name: 'Notification targets' }).getByText('no such room').waitFor()
  sink.status = 200
  await told.getByRole('button', { name: /^Retry/ }).first().click()
  await told.getByText('sent').first().waitFor()
  assert.equal(JSON.parse(sink.got.at(-1).body).kind, 'opened')
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: 'Mute…' }).click()
  await dialog.getByLabel('Signals').fill('env:prod')
  await dialog.getByLabel('For').selectOption('1d')
  await dialog.getByLabel('Why').fill('the move')
  await dialog.getByRole('button', { name: 'Mute' }).click()
  await rowOf(page, 'the move').getByText(/left$/).waitFor()
  const { mutes } = await engine.call(api + '/mutes')
  assert.equal(mutes[0].query, 'env:prod')
  await rowOf(page, 'the move').getByRole('button', { name: /^Unmute/ }).click()
  await rowOf(page, 'the move').waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Undo' }).click()
  await rowOf(page, 'the move').waitFor()
  await rowOf(page, 'nights').getByRole('button', { name: /switch off/ }).click()
  await rowOf(page, 'nights').getByRole('button', { name: /switch on/ }).waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await rowOf(page, 'nights').getByRole('button', { name: /switch off/ }).waitFor()
  await rowOf(page, 'nights').getByRole('button', { name: /^nights/ }).click()
  await dialog.getByRole('button', { name: 'Delete' }).click()
  await rowOf(page, 'nights').waitFor({ state: 'detached' })
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(butRefused(page), [])
})

scene('a reader sees who is told, and changes nothing; on a telephone', async () => {
  const page = await asReader('/operation/notifications', 'nora')
  const add = page.getByRole('button', { name: 'Add a target…' })
  await add.waitFor()
  for (const name of ['Add a target…', 'Add a route…', 'Mute…']) await comes.equal(() => page.getByRole('button', { name }).isDisabled(), true)
  await comes.equal(() => add.getAttribute('title'), 'needs engineer')
  await page.setViewportSize({ width: 390, height: 844 })
  await page.getByRole('button', { name: '@webhook-duty', exact: true }).click()
  await page.getByRole('button', { name: 'Send it' }).waitFor()
  for (const name of ['Change', 'Switch off', 'Delete', 'Send it', 'Show what is sent']) await comes.equal(() => page.getByRole('button', { name, exact: true }).isDisabled(), true)
  await comes.equal(() => fits(page), true)
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('a key is made, shown once, works, is rotated and revoked', async () => {
  const page = await openPage(browser, engine, { path: '/operation/keys?role=intake' })
  await page.getByLabel('Name of a new key').fill('shipper one')
  await page.getByRole('button', { name: 'Make a key' }).click()
  const key = await page.locator('.keep-secret pre').innerText()
  const post = async (key) => (await fetch(engine.base + '/api/v2/logs', { method: 'POST', headers: { 'DD-API-KEY': key, 'Content-Type': 'application/json' }, body: '[{"message":"x"}]' })).status
  assert.equal(await post(key), 202)
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: 'I have it' }).click()
  await page.reload()
  await rowOf(page, 'shipper one').waitFor()
  assert.equal((await page.content()).includes(key), false)
  await rowOf(page, 'shipper one').getByRole('button', { name: /^Rotate/ }).click()
  await page.getByLabel('The one before is good for').selectOption('')
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click()
  const another = await page.locator('.keep-secret pre').innerText()
  assert.notEqual(another, key)
  assert.deepEqual([await post(key), await post(another)], [403, 202])
  await page.getByRole('button', { name: 'I have it' }).click()
  await rowOf(page, 'shipper one').getByRole('button', { name: /^Revoke/ }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
  await rowOf(page, 'shipper one').waitFor({ state: 'detached' })
  assert.equal(await post(another), 403)
  assert.deepEqual(page.faults, [])
})

scene('a person is added, changed, disabled, given another password, and deleted', async () => {
  const page = await openPage(browser, engine, { path: '/operation/users' })
  await page.getByLabel('Name of a new person').fill(`ann ${hostile.image}`)
  await page.getByRole('button', { name: 'Add, and make a password' }).click()
  const password = await page.locator('.keep-secret pre').innerText()
  await page.getByRole('button', { name: 'I have it' }).click()
  const ann = rowOf(page, 'ann')
  await ann.first().waitFor()
  const theirs = await signIn('/signals', `ann ${hostile.image}`, password)
  await theirs.getByRole('link', { name: 'Signals' }).waitFor()
  await page.reload()
  await ann.first().getByText('1 session').waitFor()
  await page.getByRole('table', { name: 'Sessions' }).getByRole('button', { name: /^Sign out ann/ }).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await ann.first().getByRole('button', { name: /^Change/ }).click()
  await page.getByRole('menuitem', { name: 'Disable' }).click()
  await ann.first().getByText('disabled').waitFor()
  await theirs.reload()
  await theirs.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.getByRole('button', { name: 'Undo' }).click()
  await ann.first().getByText('not signed in').waitFor()
  await ann.first().getByRole('combobox').selectOption('responder')
  await page.getByText('is responder now').waitFor()
  await ann.first().getByRole('button', { name: /^Change/ }).click()
  await page.getByRole('menuitem', { name: 'Make another password…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Make another password' }).click()
  await comes.notEqual(() => page.locator('.keep-secret pre').innerText(), password)
  await page.getByRole('button', { name: 'I have it' }).click()
  await ann.first().getByRole('button', { name: /^Change/ }).click()
  await page.getByRole('menuitem', { name: 'Delete…' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('table', { name: 'Users' }).getByRole('button', { name: /^Change ann/ }).waitFor({ state: 'detached' })
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(page.faults, [])
})

scene('the audit log is verified, filtered by what is pressed, and exported', async () => {
  const page = await openPage(browser, engine, { path: '/operation/audit' })
  await page.getByText(/verified until entry/).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByLabel('What').selectOption('keys')
  await page.waitForURL(/kind=keys/)
  await rowOf(page, 'CreateUser').first().getByRole('button', { name: 'first key' }).click()
  await page.waitForURL(/caller=first/)
  await page.getByLabel('About').fill('shipper one')
  await page.waitForURL(/object=shipper/)
  await rowOf(page, 'CreateKey').first().waitFor()
  await rowOf(page, 'CreateUser').first().waitFor({ state: 'detached' })
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    (async () => { await page.getByRole('button', { name: 'Export' }).click(); await page.getByRole('menuitem', { name: 'CSV' }).click() })(),
  ])
  const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n')
  assert.match(lines[0], /^seq,at,kind/)
  assert.ok(lines.length > 1 && lines.slice(1).every((l) => l.includes('shipper one')), lines.join('\n'))
  await page.getByLabel('With the words').fill('nothing has these words')
  await page.getByRole('heading', { name: 'No entry is so' }).waitFor()
  await page.getByRole('button', { name: 'Show all entries' }).click()
  await rowOf(page, 'CreateUser').first().waitFor()
  await page.setViewportSize({ width: 390, height: 844 })
  await comes.equal(() => fits(page), true)
  assert.deepEqual(page.faults, [])
})

scene('operation says how the engine is, what came in, and where to look', async () => {
  await makeRule(engine, 'Evaluated', 'low', 'of-nobody')
  const late = await fetch(engine.base + '/api/v2/logs', { method: 'POST', headers: { 'DD-API-KEY': engine.key, 'Content-Type': 'application/json' }, body: JSON.stringify([{ message: 'old', ddsource: 'late-one', timestamp: Date.now() - 10 * 864e5 }]) })
  assert.equal(late.status, 202)
  const page = await openPage(browser, engine, { path: '/operation' })
  await page.getByText('What it holds').waitFor()
  await page.getByText('None: rules were evaluated over everything that arrived.').waitFor()
  await page.getByText('seen by no rule: their time is further back than --lateness.').waitFor()
  await page.getByText(/events a second/).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('link', { name: 'Each rule’s watermark and cost' }).click()
  await rowOf(page, 'Evaluated').getByText('running').waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.goBack()
  await page.getByRole('link', { name: 'Tables, retention and backups' }).click()
  await page.getByText('kept 30 days after they arrived').waitFor()
  await page.getByRole('table', { name: 'Tables' }).getByText('events', { exact: true }).waitFor()
  await page.getByRole('table', { name: 'What goes next' }).getByText('events').first().waitFor()
  await page.getByText('None was made.').waitFor()
  const backup = await fetch(engine.base + api + '/backup', { method: 'POST', headers: { 'DD-API-KEY': engine.key } })
  assert.equal(backup.status, 200)
  const size = (await backup.arrayBuffer()).byteLength
  assert.ok(size > 0)
  await page.getByRole('table', { name: 'Backups' }).getByText('written').waitFor()
  await page.getByText(/the last that was written is \d+s old/).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.setViewportSize({ width: 390, height: 844 })
  await comes.equal(() => fits(page), true)
  assert.deepEqual(page.faults, [])
})

scene('gaps are acknowledged, with a reason and a name; a reader may not', async () => {
  const gap = { first: 100, last: 120, events: 21, state: 'lost', reason: `the disk of ${hostile.image}`, since: new Date().toISOString() }
  let accepted
  const withGap = async (page) => {
    await page.route('**/api/nightjar/v1/status', async (r) => {
      const answer = await r.fetch()
      await r.fulfill({ response: answer, json: { ...(await answer.json()), gaps: [{ ...gap, ...accepted }], events_lost: 21, caught_up: false } })
    })
    await page.route('**/api/nightjar/v1/status/accept-loss', async (r) => {
      accepted = { accepted: true, accepted_by: 'first key', accepted_at: new Date().toISOString(), comment: r.request().postDataJSON().comment }
      await r.fulfill({ json: { gaps: 1, events: 21 } })
    })
  }
  const { password } = await engine.call(api + '/users', { name: 'gina', role: 'reader' })
  const reader = await openPage(browser, engine, { path: '/signals', signedIn: false })
  await withGap(reader)
  await reader.getByLabel('Name').fill('gina')
  await reader.getByLabel('Password', { exact: true }).fill(password)
  await reader.getByRole('button', { name: 'Sign in' }).click()
  await reader.getByRole('link', { name: 'Operation' }).click()
  const theirs = reader.getByRole('button', { name: 'I know of it…' })
  await theirs.waitFor()
  await comes.equal(() => theirs.isDisabled(), true)
  const page = await openPage(browser, engine, { path: '/signals' })
  await withGap(page)
  await page.getByRole('link', { name: 'Operation' }).click()
  await page.getByText('arrivals 100 to 120').waitFor()
  await page.getByRole('button', { name: 'I know of it…' }).click()
  const dialog = page.getByRole('dialog')
  await comes.equal(() => dialog.getByRole('button', { name: 'I know', exact: true }).isDisabled(), true)
  await dialog.getByLabel('What you know').fill('disk of Tuesday, ticket 4711')
  await dialog.getByRole('button', { name: 'I know', exact: true }).click()
  await page.getByText('first key knows of it since').waitFor()
  await page.getByText('disk of Tuesday, ticket 4711').waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('who signed in sees their own sessions, and ends one', async () => {
  const { password } = await engine.call(api + '/users', { name: 'sam', role: 'analyst' })
  const other = await signIn('/signals', 'sam', password)
  await other.getByRole('link', { name: 'Signals' }).waitFor()
  const page = await signIn('/signals', 'sam', password)
  await page.getByRole('button', { name: 'sam' }).click()
  await page.getByRole('menuitem', { name: 'Your sessions' }).click()
  await page.waitForURL(/operation\/sessions/)
  const rows = page.getByRole('table', { name: 'Sessions' }).locator('tbody tr')
  await rows.nth(1).waitFor()
  await comes.equal(() => rows.count(), 2)
  await comes.deepEqual(() => axeFaults(page), [])
  await rows.filter({ hasNotText: 'this one' }).getByRole('button', { name: /^Sign out/ }).click()
  await rows.nth(1).waitFor({ state: 'detached' })
  await other.reload()
  await other.getByRole('heading', { name: 'Sign in' }).waitFor()
  await rows.getByRole('button', { name: /^Sign out/ }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.deepEqual(page.faults, [])
})

scene('a reader is told that keys are for admins', async () => {
  const page = await asReader('/operation/keys', 'rolf')
  await page.getByRole('heading', { name: 'This is for admins' }).waitFor()
  assert.deepEqual(page.faults, [])
})
