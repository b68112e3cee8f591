import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { hostile, makeRule, send } from './data.mjs'
import { assertAccessible, axeFaults, inEveryLook, openPage, scene, stage } from './engine.mjs'

const { engine, browser } = await stage()

const rows = (page) => page.locator('.table-row')
const row = (page, text) => rows(page).filter({ hasText: text }).first()
const query = (page) => page.getByRole('combobox', { name: 'Query of events' })
const ask = async (page, text) => {
  await query(page).fill(text)
  await query(page).press('Enter')
}
const search = (q, more = '') => '/search?query=' + encodeURIComponent(q) + more
const fails = (n, more = {}) => Array.from({ length: n }, (_, i) => ({ ddsource: 'door', hostname: 'gate-' + (i % 3), service: 'lock', message: `knock ${i}`, status: i % 10 === 0 ? 'error' : 'info', timestamp: Date.now() - i * 1000, usr: { id: 'user-' + (i % 4), name: 'user-' + (i % 4) }, evt: { outcome: i % 5 === 0 ? 'success' : 'failure' }, ...more }))

scene('where nothing has arrived, it says how to begin', async () => {
  const page = await openPage(browser, engine, { path: '/search' })
  await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('link', { name: 'How to begin' }).click()
  await page.waitForURL(/\/signals/)
  assert.deepEqual(page.faults, [])
})

scene('events are found, counted by field and over time, and narrowed by a press', async () => {
  await makeRule(engine, 'Knocks', 'low', 'door')
  await send(engine, fails(500))
  const page = await openPage(browser, engine, { path: search('source:door') })
  await page.locator('.bar').getByText('500 events').waitFor()
  const facet = page.locator('.facet', { has: page.getByRole('heading', { name: '@evt.outcome' }) })
  await facet.getByRole('button', { name: 'success 100' }).click()
  await page.locator('.bar').getByText('100 events').waitFor()
  assert.equal(await query(page).inputValue(), 'source:door @evt.outcome:success')
  await facet.getByRole('button', { name: 'failure 400' }).waitFor() // what is chosen is not counted against it
  await page.goBack()
  await page.locator('.bar').getByText('500 events').waitFor()
  await page.getByRole('img', { name: /^500 events from/ }).waitFor()
  await page.getByLabel('Find a field').fill('usr.na')
  await page.locator('.facet', { has: page.getByRole('heading', { name: '@usr.name' }) }).getByRole('button', { name: 'user-1 125' }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('a query is completed from the data, and errors stand at their place', async () => {
  const page = await openPage(browser, engine, { path: search('source:door') })
  await page.locator('.bar').getByText('500 events').waitFor()
  await query(page).fill('')
  await query(page).pressSequentially('@evt.outc')
  await page.getByRole('option', { name: /@evt.outcome/ }).waitFor()
  await query(page).press('Tab')
  assert.equal(await query(page).inputValue(), '@evt.outcome:')
  await page.getByRole('option', { name: /success/ }).click()
  await query(page).press('Enter')
  await page.locator('.bar').getByText('100 events').waitFor()
  await ask(page, 'source:(door OR')
  await page.getByRole('alert').filter({ hasText: /1:\d+/ }).waitFor()
  await page.getByText('Shown: your last valid query.').waitFor()
  assert.equal(await rows(page).count() > 0, true)
  await ask(page, 'source:door AND host:gate-1 OR host:gate-2')
  await page.getByText(/^Read as/).waitFor()
  assert.deepEqual(page.faults, [])
})

scene('Tab mends a query, says what no event has, and groups an OR', async () => {
  const page = await openPage(browser, engine, { path: search('source:door') })
  await page.locator('.bar').getByText('500 events').waitFor()
  await query(page).fill('source:door @usr.name:(user-1 OR ')
  const said = page.locator('.query-said')
  await said.filter({ hasText: '1:34' }).getByRole('button', { name: 'Remove OR and close the group' }).waitFor() // it says so while one types
  await page.getByRole('option').first().waitFor()
  await page.keyboard.press('Escape') // of what is offered: a Tab would take it
  await page.locator('#completions').waitFor({ state: 'hidden' })
  await query(page).press('Tab')
  await page.locator('.bar').getByText('125 events').waitFor()
  assert.equal(await query(page).inputValue(), 'source:door @usr.name:(user-1)')
  await ask(page, 'source:door -@usr.nmae:user-1')
  await said.filter({ hasText: 'No event of door has @usr.nmae, so this leaves nothing out. 100 % have @usr.name. Use @usr.name' }).waitFor()
  await page.locator('.query-shown .odd').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await query(page).press('Tab')
  await page.locator('.bar').getByText('375 events').waitFor()
  await ask(page, 'source:door host:gate-1 OR host:gate-2')
  await page.getByRole('button', { name: 'Group the OR instead' }).click()
  await page.locator('.bar').getByText('333 events').waitFor()
  assert.equal(await query(page).inputValue(), 'source:door host:(gate-1 OR gate-2)')
  await ask(page, 'source:doo')
  await page.getByRole('button', { name: 'Use source:door' }).click()
  await page.locator('.bar').getByText('500 events').waitFor()
  await row(page, 'knock').getByRole('button', { name: 'gate-' }).first().click() // a value in a cell
  await page.getByRole('menuitem').first().waitFor()
  await page.keyboard.press('Escape')
  assert.equal(new URL(page.url()).searchParams.get('event'), null, 'the row is not opened')
  assert.deepEqual(page.faults, [])
})

scene('an event in full has an address, its record, the pipeline that read it, and its signals', async () => {
  await engine.call('/api/v2/logs?ddsource=sshd', [{ ddsource: 'sshd', hostname: 'b1', message: 'Failed password for invalid user git from 203.0.113.66 port 40102 ssh2' }])
  const found = await engine.until('the event', async () => (await engine.call('/api/v2/logs/events?filter%5Bquery%5D=source%3Asshd')).data[0])
  // Its address opens whatever the query and the range say.
  const page = await openPage(browser, engine, { path: search('source:door', '&from=now-15m&event=' + found.id) })
  const panel = page.getByRole('complementary', { name: 'Event' })
  await panel.locator('.event-raw').getByText('Failed password').waitFor()
  await panel.getByRole('heading', { name: /Read by OpenSSH server/ }).waitFor()
  await panel.locator('.event-steps li').getByText('grok').first().waitFor()
  await panel.locator('.event-steps li').getByText(/µs|ms/).first().waitFor()
  // The record's numbers point into the fields, and back; ECS's names stand beside ours.
  const mark = panel.locator('.raw-mark').filter({ hasText: '203.0.113.66' })
  await panel.locator('.raw-mark:has-text("203.0.113.66") + .raw-number').click()
  await panel.locator('.event-fields .lit').getByText('@network.client.ip').waitFor()
  assert.equal(await panel.locator('.event-fields .lit .field-mark').innerText(), await panel.locator('.raw-mark:has-text("203.0.113.66") + .raw-number').innerText())
  await mark.click()
  await page.getByRole('menuitem').first().waitFor()
  await page.keyboard.press('Escape')
  await panel.getByRole('button', { name: 'ECS names' }).click()
  await panel.locator('.ecs-name').getByText('source.ip').waitFor()
  await panel.locator('.event-fields').getByRole('button', { name: '203.0.113.66' }).first().click()
  await page.getByRole('menuitem', { name: 'Search events with it' }).waitFor()
  await page.keyboard.press('-')
  await page.waitForURL(/-%40network.client.ip/)
  await engine.until('the query of the address', async () => /^source:door -@network\.client\.ip:203/.test(await query(page).inputValue()))
  await panel.getByRole('button', { name: /Around it/ }).click()
  await page.getByRole('menuitem', { name: 'On b1' }).click()
  await page.locator('.bar').getByText('1 event', { exact: true }).waitFor()
  assert.equal(new URL(page.url()).searchParams.get('event'), found.id)
  const newest = (await engine.call('/api/v2/logs/events?filter%5Bquery%5D=source%3Adoor&page%5Blimit%5D=1')).data[0]
  await engine.until('a signal that counted it', async () => (await engine.call(`/api/v2/security_monitoring/events/${newest.id}/matching_signals`)).data?.length)
  await page.goto(search('source:door'))
  await row(page, newest.attributes.message).click()
  await panel.getByRole('heading', { name: /Counted by 1 rule, \d+ signal/ }).waitFor()
  await panel.locator('.event-counted').getByRole('link', { name: 'Knocks' }).first().waitFor()
  await panel.locator('.event-counted a[href^="/signals/"]').first().click()
  await page.waitForURL(/\/signals\//)
  await page.goto('/search?event=' + 'A'.repeat(22))
  await page.getByText('There is no such event').waitFor()
  assert.deepEqual(page.faults.filter((f) => !f.includes('404')), [])
})

scene('the keyboard moves through events, and closes them', async () => {
  const page = await openPage(browser, engine, { path: search('source:door') })
  await row(page, 'knock').waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('j')
  await page.waitForURL(/event=/)
  assert.equal(await rows(page).nth(1).getAttribute('aria-selected'), 'true')
  await page.keyboard.press('Escape')
  await page.locator('.panel').waitFor({ state: 'detached' })
  await page.keyboard.press('f')
  await page.getByLabel('Find a field').and(page.locator(':focus')).waitFor()
  await page.keyboard.type('host')
  assert.equal(await page.getByLabel('Find a field').inputValue(), 'host')
  assert.deepEqual(page.faults, [])
})

scene('columns are in the address, and an older page of rows follows', async () => {
  const page = await openPage(browser, engine, { path: search('source:door') })
  await row(page, 'knock').waitFor()
  await page.getByRole('button', { name: 'Columns' }).click()
  await page.getByRole('menuitemcheckbox', { name: '@usr.name' }).click()
  await page.getByRole('columnheader', { name: '@usr.name' }).waitFor()
  await page.reload()
  await page.getByRole('columnheader', { name: '@usr.name' }).waitFor()
  await row(page, 'user-1').waitFor()
  await engine.until('the last row', async () => {
    await page.locator('.table-rows').evaluate((el) => el.scrollTo(0, el.scrollHeight))
    return (await rows(page).last().getAttribute('aria-rowindex')) === '500'
  })
  await row(page, 'knock 499').waitFor()
  await page.getByRole('button', { name: 'Raw', exact: true }).click()
  await page.getByRole('columnheader', { name: 'Event' }).waitFor()
  assert.deepEqual(page.faults, [])
})

scene('the tail shows what arrives, and stands still while somebody reads', async () => {
  const page = await openPage(browser, engine, { path: search('source:tail') })
  await page.getByRole('heading', { name: /No event of this query/ }).waitFor()
  await send(engine, [{ ddsource: 'tail', message: 'first' }])
  await page.getByRole('button', { name: 'Tail', exact: true }).click()
  await row(page, 'first').waitFor()
  await send(engine, [{ ddsource: 'tail', message: 'second' }])
  await row(page, 'second').waitFor()
  await row(page, 'first').click()
  await page.getByRole('button', { name: 'Paused', exact: true }).waitFor()
  await send(engine, [{ ddsource: 'tail', message: 'third' }, { ddsource: 'tail', message: 'fourth' }])
  await page.getByText('Paused, 2 waiting').waitFor()
  assert.equal(await rows(page).count(), 2)
  await page.keyboard.press('Escape')
  await row(page, 'third').waitFor()
  await page.getByRole('button', { name: 'Tailing', exact: true }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('the tail holds the newest 5,000, and what it let go of is read again as one goes down', async () => {
  const old = Array.from({ length: 500 }, (_, i) => ({ ddsource: 'busy', message: `old ${i}`, timestamp: Date.now() - 600_000 - i * 10 }))
  await send(engine, old)
  const page = await openPage(browser, engine, { path: search('source:busy') })
  await page.locator('.bar').getByText('500 events').waitFor()
  await page.getByRole('button', { name: 'Tail', exact: true }).click()
  await page.getByRole('button', { name: 'Tailing', exact: true }).waitFor()
  for (let n = 1; n <= 6; n++) {
    await send(engine, Array.from({ length: 900 }, (_, i) => ({ ddsource: 'busy', message: `new ${n} ${i}` })))
    await row(page, `new ${n} `).waitFor()
  }
  await page.getByText('the list holds the newest 5,000').waitFor()
  await engine.until('the last row', async () => {
    await page.locator('.table-rows').evaluate((el) => el.scrollTo(0, el.scrollHeight))
    return (await rows(page).last().getAttribute('aria-rowindex')) === '5900'
  })
  await row(page, 'old 499').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('what is found is exported whole, with its number said', async () => {
  await send(engine, Array.from({ length: 1200 }, (_, i) => ({ ddsource: 'export', message: i === 0 ? '=cmd|"calc"!A1, "x"\nb' : `row ${i}`, timestamp: Date.now() - i * 10 })))
  const page = await openPage(browser, engine, { path: search('source:export') })
  await page.locator('.bar').getByText('1,200 events').waitFor()
  const file = async (item) => {
    await page.getByRole('button', { name: 'Export', exact: true }).click()
    await page.getByText('Export 1,200 events').waitFor()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: item }).click()])
    await page.getByRole('status').filter({ hasText: '1,200 events exported.' }).waitFor()
    return readFile(await download.path(), 'utf8')
  }
  const lines = (await file(/NDJSON/)).trimEnd().split('\n').map(JSON.parse)
  assert.equal(lines.length, 1200)
  assert.equal(new Set(lines.map((l) => l.id)).size, 1200)
  assert.equal(lines[0].message, '=cmd|"calc"!A1, "x"\nb', 'NDJSON has values as they are')
  const csv = await file(/CSV/)
  assert.match(csv, /^timestamp,source,host,message\r\n/)
  assert.ok(csv.includes(`,"'=cmd|""calc""!A1, ""x""\nb"\r\n`), 'no spreadsheet runs what an event says')
  assert.deepEqual(page.faults, [])
})

scene('a search becomes a rule that the engine takes', async () => {
  const page = await openPage(browser, engine, { path: search('source:door @evt.outcome:failure') })
  await page.locator('.bar').getByText('400 events').waitFor()
  await page.getByRole('button', { name: 'Make a rule' }).click()
  await page.waitForURL(/\/rules\/new/)
  await page.getByLabel('Name', { exact: true }).fill('Failures at the door')
  await page.getByText('no errors').waitFor()
  await page.getByRole('button', { name: /Store the rule/ }).click()
  await page.waitForURL(/\/rules\/(?!new)/)
  const stored = await engine.call('/api/nightjar/v1/rules/' + new URL(page.url()).pathname.split('/').at(-1))
  assert.equal(stored.queries[0].query, 'source:door @evt.outcome:failure')
  assert.deepEqual(page.faults, [])
})

scene('a message of 200 KB freezes nothing: a row and the record show a part, and say so', async () => {
  const long = 'long ' + 'x'.repeat(200_000)
  await send(engine, [{ ddsource: 'long', message: long, blob: 'y'.repeat(50_000) }])
  const page = await openPage(browser, engine, { path: search('source:long', '&cols=%2540blob,message') })
  await row(page, 'long').waitFor()
  assert.ok((await row(page, 'long').innerText()).length < 3000, 'a cell shows 2 KB')
  await row(page, 'long').click({ position: { x: 20, y: 12 } })
  const panel = page.getByRole('complementary', { name: 'Event' })
  await panel.getByRole('button', { name: /Show all 200,\d+ characters/ }).waitFor()
  assert.ok((await panel.locator('.event-fields').innerText()).length < 5000)
  await panel.getByRole('button', { name: /Show all/ }).click()
  await engine.until('all of it', async () => (await panel.locator('.event-raw').first().innerText()).length > 200_000)
  assert.deepEqual(page.faults, [])
})

scene('each clause says how many events it has, and which one leaves nothing', async () => {
  const page = await openPage(browser, engine, { path: search('source:door @evt.outcome:success @usr.name:user-9 host:gate-1') })
  await page.getByText('No event of this time has @usr.name:user-9.').waitFor()
  const clauses = page.getByRole('region', { name: 'Each clause' })
  await clauses.getByRole('row', { name: 'and @usr.name:user-9 0 0' }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await clauses.getByRole('button', { name: /^Without @usr.name:user-9: 3\d events/ }).click()
  await page.locator('.bar').getByText(/^3\d events$/).waitFor()
  assert.equal(await query(page).inputValue(), 'source:door @evt.outcome:success host:gate-1')
  await page.getByRole('button', { name: 'Each clause' }).click()
  await clauses.getByRole('row', { name: 'source:door 500 500' }).waitFor()
  await page.reload()
  await clauses.getByRole('row', { name: 'and @evt.outcome:success 100 100' }).waitFor()
  await ask(page, 'source:door @http.nothing:x')
  await page.getByText('No event of door has @http.nothing').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('rows come before all is searched, and a list that is cancelled says of which time it is', async () => {
  const day = 864e5
  await send(engine, [...Array.from({ length: 3 }, (_, i) => ({ ddsource: 'slow', message: `near ${i}` })), { ddsource: 'slow', message: 'far', timestamp: Date.now() - 3 * day }])
  const page = await openPage(browser, engine, { path: search('source:door') })
  await row(page, 'knock').waitFor()
  await page.route('**/logs/events/search', async (route) => {
    const body = route.request().postDataJSON()
    if (body.page.cursor === undefined) await route.continue({ postData: JSON.stringify({ ...body, page: { ...body.page, time_limit_ms: 1 } }) })
  })
  await page.route('**/search/progress/*', (route) => route.fulfill({ json: { running: true, read_rows: 12e6, total_rows: 61e6, done: 0.4 } }))
  await page.goto(search('source:slow', '&from=now-5d'))
  await row(page, 'near 2').waitFor()
  await page.getByRole('status').filter({ hasText: /Asking, 40 % of the time/ }).getByRole('button', { name: 'Cancel' }).click()
  await page.getByText(/^Cancelled\. These are of .* of 5 days, \d/).waitFor()
  assert.equal(await rows(page).count(), 3)
  assert.deepEqual(await axeFaults(page), [])
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  await page.getByRole('button', { name: 'Go on' }).click()
  await row(page, 'far').waitFor()
  await page.getByText(/^Cancelled/).waitFor({ state: 'detached' })
  assert.deepEqual(page.faults, [])
})

scene('what takes long says how far it is, wherever it is asked, and is cancelled at a press', async () => {
  const page = await openPage(browser, engine, { path: '/search' })
  await row(page, 'knock').waitFor()
  await page.route('**/search/progress/*', (route) => route.fulfill({ json: { running: true, read_rows: 12e6, total_rows: 61e6 } }))
  const held = ['**/nightjar/v1/sql', '**/nightjar/v1/entity?**', /nightjar\/v1\/sources(\?|$)/, '**/nightjar/v1/backtests', '**/nightjar/v1/attack_coverage']
  for (const path of held) await page.route(path, () => undefined)
  const rule = (await engine.call('/api/v2/security_monitoring/rules')).data[0]
  for (const path of ['/search?form=sql&sql=SELECT%201', '/entity/host/gate-1', '/sources', '/rules/coverage', '/rules/' + rule.id]) {
    await page.goto(path)
    const asking = page.getByRole('status').filter({ hasText: /Asking, 12M of 61M/ }).first()
    await asking.getByRole('button', { name: 'Cancel' }).click()
    await asking.waitFor({ state: 'detached' })
  }
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  assert.deepEqual(page.faults, [])
})

scene('an older answer that comes late does not overwrite a newer one', async () => {
  const page = await openPage(browser, engine, { path: search('source:door') })
  await page.locator('.bar').getByText('500 events').waitFor()
  let release
  const held = new Promise((done) => (release = done))
  await page.route('**/api/**', async (route) => {
    if (route.request().postData()?.includes('user-1')) await held
    await route.continue().catch(() => undefined) // it was given up
  })
  await ask(page, 'source:door @usr.name:user-1')
  await ask(page, 'source:door @evt.outcome:success')
  await page.locator('.bar').getByText('100 events').waitFor()
  release()
  await ask(page, 'source:door @evt.outcome:success host:gate-1')
  await page.locator('.bar').getByText(/^3\d events$/).waitFor()
  // The count may come before the rows.
  await page.waitForFunction(() => [...document.querySelectorAll('.table-row')].every((r) => r.textContent.includes('gate-1')))
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  assert.deepEqual(page.faults, [])
})

scene('hostile text stays text', async () => {
  await send(engine, Object.values(hostile).map((text) => ({ ddsource: 'hostile', hostname: hostile.quotes, service: hostile.script, message: text, usr: { id: text.slice(0, 500) }, note: text.slice(0, 2000) })))
  const page = await openPage(browser, engine, { path: search('source:hostile', '&cols=service,%2540usr.id,message') })
  await row(page, '<script>').waitFor()
  for (const r of await rows(page).all()) assert.equal((await r.boundingBox()).height, 24, 'a value breaks no row')
  for (let i = 0; i < Object.keys(hostile).length; i++) {
    await rows(page).nth(i).click({ position: { x: 20, y: 12 } }) // beside the values, which have a menu
    await page.locator('.panel .event-fields .value').first().waitFor()
  }
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.equal(await page.locator('img, script:not([src]), [onclick], [onload]').count(), 0)
  assert.deepEqual(page.faults, [])
})

scene('where the engine is away, what was there stays and says since when', async () => {
  const page = await openPage(browser, engine, { path: search('source:door') })
  await page.locator('.bar').getByText('500 events').waitFor()
  await page.getByRole('button', { name: 'Tail', exact: true }).click()
  await page.context().setOffline(true)
  await page.getByText(/Not live since \d\d:\d\d:\d\d UTC/).waitFor()
  assert.ok((await rows(page).count()) > 10)
  await page.context().setOffline(false)
  await page.getByRole('button', { name: 'Tailing', exact: true }).waitFor()
})

scene('a reader searches, and may save nothing', async () => {
  const { password } = await engine.call('/api/nightjar/v1/users', { name: 'rea', role: 'reader' })
  const page = await openPage(browser, engine, { signedIn: false, path: '/search?form=sql' })
  await page.getByLabel('Name').fill('rea')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: 'Saved' }).click()
  await page.getByRole('menuitem', { name: /Save this statement/ }).getByText('needs analyst').waitFor()
  await page.goto(search('source:door'))
  await row(page, 'knock').waitFor()
  assert.deepEqual(page.faults, [])
})

inEveryLook('nothing is inaccessible', async (look) => {
  const page = await openPage(browser, engine, { ...look, path: search('source:door') })
  await row(page, 'knock').waitFor()
  await page.locator('.bar').getByText('500 events').waitFor()
  assert.deepEqual(await axeFaults(page), [], 'the list')
  await row(page, 'knock').click()
  await page.locator('.panel .event-steps, .panel .event-fields').first().waitFor()
  await page.locator('.panel .event-counted li').first().waitFor()
  await assertAccessible(page, 'an event')
  assert.deepEqual(page.faults, [])
})
