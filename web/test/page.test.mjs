import assert from 'node:assert/strict'
import { readFile, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { makeHostile, makeSignals, hostile } from './data.mjs'
import { assertInBothThemes, axeFaults, comes, drawn, inEveryLook, openPage, scene, stage } from './engine.mjs'

const { engine, browser } = await stage()

const rows = (page) => page.locator('.table-row')
const row = (page, text) => rows(page).filter({ hasText: text }).first()
const query = (page) => page.getByRole('combobox', { name: 'Query of signals' })
const ask = async (page, text) => {
  await query(page).fill(text)
  await query(page).press('Enter')
}

scene('an install without events says how to begin', async () => {
  const page = await openPage(browser, engine)
  await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor()
  await page.getByText('waiting for the first event').waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('signals are made', async () => {
  await makeSignals(engine, 'critical', 3)
  await makeSignals(engine, 'low', 240)
  await makeHostile(engine)
})

scene('a person signs in with the key and sees the signals', async () => {
  const page = await openPage(browser, engine, { signedIn: false, path: '/signals?query=severity%3Acritical' })
  await page.getByLabel('Key', { exact: true }).fill('x'.repeat(40))
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('It is not valid here.').waitFor()
  assert.deepEqual(page.faults.splice(0).filter((f) => !f.includes('403')), [])
  await page.getByLabel('Key', { exact: true }).fill(engine.key)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await row(page, 'Test of critical').waitFor()
  await comes.equal(() => query(page).inputValue(), 'severity:critical')
  await page.getByRole('button', { name: 'Key', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.deepEqual(page.faults.filter((f) => !f.includes('401')), []) // what was being asked when they signed out is refused
})

scene('a person signs in with a name and a password, and may what their role may', async () => {
  const { password } = await engine.call('/api/nightjar/v1/users', { name: 'rita', role: 'reader' })
  const page = await openPage(browser, engine, { signedIn: false, path: '/signals?query=severity%3Acritical' })
  await page.getByLabel('Name').fill('rita')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await row(page, 'Test of critical').waitFor()
  await row(page, 'Test of critical').click()
  const triage = page.locator('.panel').getByRole('button', { name: 'Triage' })
  await triage.waitFor()
  await comes.equal(() => triage.isDisabled(), true)
  await comes.equal(() => triage.getAttribute('title'), 'needs analyst')
  await page.reload()
  await row(page, 'Test of critical').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('a key may what its role may, and the page says what it lacks', async () => {
  const found = await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent('@usr.id:user-critical-1'))
  const lacks = { reader: ['needs analyst'], analyst: ['', 'needs engineer'], engineer: ['', ''], responder: ['', 'needs engineer'], admin: ['', ''] }
  for (const [role, [triage, configure]] of Object.entries(lacks)) {
    const { key } = await engine.call('/api/nightjar/v1/keys', { name: `page ${role}`, role })
    const page = await openPage(browser, { ...engine, key }, { path: '/signals/' + found.data[0].id })
    await page.getByRole('button', { name: /^Save/ }).waitFor()
    const said = async (part) => (await page.getByRole('region', { name: part, exact: true }).getByText(/^needs /).allInnerTexts()).join()
    if (role !== 'reader') await page.getByText('would have hidden').waitFor()
    await comes.equal(() => said('Decide'), triage, role)
    await comes.equal(() => page.getByRole('radio', { name: 'Archived' }).isDisabled(), triage !== '', role)
    await comes.equal(() => said('Suppress'), role === 'reader' ? 'needs analyst,needs engineer' : configure, role)
    await page.locator('.person-button').click()
    await page.getByText(`Key “page ${role}”, ${role}`).waitFor()
    assert.deepEqual(page.faults, [], role)
  }
  const { key } = await engine.call('/api/nightjar/v1/keys', { name: 'page intake', role: 'intake' })
  const page = await openPage(browser, engine, { signedIn: false })
  await page.getByRole('button', { name: 'Use a key' }).click()
  await page.getByLabel('Key', { exact: true }).fill(key)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').filter({ hasText: 'A key of the role intake sees nothing here' }).waitFor()
})

scene('from the page to a signal that is closed it takes four presses', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=' + encodeURIComponent('severity:critical @nightjar.state:(open OR under_review)') })
  let presses = 0
  const press = async (what) => (presses++, await what.click())
  await press(row(page, 'user-critical-0'))
  await page.locator('.panel h1').waitFor()
  await press(page.locator('.panel').getByRole('button', { name: 'Triage' }))
  await press(page.getByRole('radio', { name: /True positive/ }))
  await page.getByRole('status').filter({ hasText: 'Archived as true positive.' }).waitFor()
  await row(page, 'user-critical-0').waitFor({ state: 'detached' })
  assert.ok(presses <= 6, `${presses} presses`)
  await comes.match(() => page.url(), /signal=/, 'the next one is open')
  const stored = await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent('@usr.id:user-critical-0'))
  assert.equal(stored.data[0].attributes.attributes.nightjar.reason, 'true_positive_malicious')
  await page.locator('.line').getByRole('button', { name: 'Undo' }).click()
  await row(page, 'user-critical-0').waitFor()
  await engine.until('the undo', async () => (await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent('@usr.id:user-critical-0'))).data[0].attributes.attributes.nightjar.state === 'open')
  assert.deepEqual(page.faults, [])
})

scene('the keyboard does all of it', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=' + encodeURIComponent('severity:critical @nightjar.state:(open OR under_review)') })
  await row(page, 'Test of critical').waitFor()
  await page.keyboard.press('j')
  await page.locator('.panel h1').waitFor()
  await page.keyboard.press('x')
  await page.keyboard.press('Shift+j')
  await page.getByText('2 selected').waitFor()
  await page.keyboard.press('e')
  await page.getByRole('dialog', { name: 'Archive 2 signals as' }).waitFor()
  await page.keyboard.press('2')
  await page.getByText('Archived as benign: 2 signals.').waitFor()
  await page.waitForFunction(() => document.querySelectorAll('.table-row').length === 1)
  await page.keyboard.press('z')
  await page.waitForFunction(() => document.querySelectorAll('.table-row').length === 3)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/signals\/[^?]+$/)
  await page.getByRole('heading', { name: 'Why it fired' }).waitFor()
  await page.keyboard.press('Escape')
  await page.waitForURL(/\/signals\?/)
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keys' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  await page.keyboard.press('/')
  await page.keyboard.type('x')
  await comes.match(() => query(page).inputValue(), /x$/, 'letters are text where somebody types')
  assert.deepEqual(page.faults, [])
})

scene('the notices of what the page is made with are served, and linked from the list of keys', async () => {
  const page = await openPage(browser, engine)
  await page.getByRole('button', { name: 'Key', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Keys', exact: true }).click()
  const text = await (await fetch(new URL(await page.getByRole('link', { name: 'Licences' }).getAttribute('href'), engine.base))).text()
  const { dependencies } = JSON.parse(await readFile(resolve(import.meta.dirname, '../package.json'), 'utf8'))
  for (const name of [...Object.keys(dependencies), 'style-mod', '@fontsource/inter', '@fontsource/jetbrains-mono', 'world-atlas']) assert.match(text, new RegExp(`^${name} \\d`, 'm'))
  assert.equal((text.match(/copyright/gi) ?? []).length >= Object.keys(dependencies).length, true)
  assert.deepEqual(page.faults, [])
})

scene('the address is the state: reload and back lead where one was', async () => {
  const page = await openPage(browser, engine)
  await row(page, 'Test of low').waitFor()
  await page.locator('.facets').getByRole('button', { name: /^Critical \d/ }).click()
  await page.waitForFunction(() => document.querySelectorAll('.table-row').length === 3)
  await row(page, 'user-critical-1').click()
  await page.locator('.panel h1').waitFor()
  const address = page.url()
  await page.reload()
  await page.locator('.panel h1').waitFor()
  await comes.equal(() => page.url(), address)
  await page.goBack()
  await page.locator('.panel').waitFor({ state: 'detached' })
  await page.goBack()
  await row(page, 'Test of low').waitFor()
  await page.goForward()
  await page.waitForFunction(() => document.querySelectorAll('.table-row').length === 3)
  assert.deepEqual(page.faults, [])
})

scene('thousands of rows are a screen of them, and all can be reached', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=severity%3Alow' })
  await row(page, 'Test of low').waitFor()
  await comes.ok(async () => (await rows(page).count()) < 80)
  await page.getByText('240 signals').waitFor()
  await engine.until('the last row', async () => {
    await page.locator('.table-rows').evaluate((el) => el.scrollTo(0, el.scrollHeight))
    return (await rows(page).last().getAttribute('aria-rowindex')) === '240'
  })
  await comes.equal(() => page.getByRole('grid').getAttribute('aria-rowcount'), '240')
  assert.deepEqual(page.faults, [])
})

scene('all that a query finds is archived as one, and undone as one', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=' + encodeURIComponent('severity:low @nightjar.state:(open OR under_review)') })
  await page.getByText('240 signals').waitFor()
  await row(page, 'Test of low').click()
  await page.locator('.panel h1').waitFor()
  await page.keyboard.press('x')
  await page.getByRole('button', { name: 'Select all 240' }).click()
  await page.getByText('All 240 selected').waitFor()
  await page.keyboard.press('e')
  await page.getByRole('dialog', { name: 'Archive all 240 signals as' }).waitFor()
  await page.keyboard.press('3')
  await page.getByText('Archived as false positive: 240 signals.').waitFor()
  await page.getByRole('heading', { name: /No signal of this query/ }).waitFor()
  await page.keyboard.press('z')
  await page.getByText('Undone: 240 signals as before.').waitFor()
  await page.locator('.bar').getByText('240 signals').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('a signal’s page decides, suppresses with a preview, and tells its history', async () => {
  const found = await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent('@usr.id:user-critical-2'))
  const page = await openPage(browser, engine, { path: '/signals/' + found.data[0].id })
  await page.getByRole('radio', { name: 'Archived' }).click()
  await page.getByText('Archiving takes a reason.').waitFor()
  await page.getByLabel('Reason').selectOption({ label: 'True positive' })
  await page.getByLabel('Note').fill(`It was ${hostile.script}`)
  await page.keyboard.press('Control+Enter')
  await page.getByRole('status').filter({ hasText: 'Archived as true positive.' }).waitFor()
  await page.locator('.history').getByText('archived it as true positive').waitFor()
  await page.getByText('1 true positive').waitFor()
  await page.getByRole('button', { name: 'Suppress anyway' }).click()
  await page.getByRole('status').filter({ hasText: 'Suppressed until' }).waitFor()
  const kept = await engine.call('/api/v2/security_monitoring/configuration/suppressions')
  assert.equal(kept.data[0].attributes.suppression_query, '@usr.id:user-critical-2')
  await page.locator('.line').getByRole('button', { name: 'Undo' }).click()
  await page.getByText('The suppression is deleted.').waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(page.faults, [])
})

scene('a query that can’t be read says where, and what was there stays', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=severity%3Acritical' })
  await row(page, 'Test of critical').waitFor()
  await ask(page, 'severity:(critical OR')
  await page.getByRole('alert').filter({ hasText: '1:22' }).waitFor()
  await page.getByText('These are of the last query that could be read.').waitFor()
  await comes.equal(() => rows(page).count(), 3)
  await ask(page, 'severity:none-has-this')
  await page.getByRole('heading', { name: /No signal of this query/ }).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('hostile text stays text', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=' + encodeURIComponent('rule_name:Hostile*') })
  await row(page, 'Hostile').waitFor()
  await comes.equal(() => rows(page).count(), Object.keys(hostile).length)
  for (const r of await rows(page).all()) await comes.equal(async () => (await r.boundingBox()).height, 24, 'a value breaks no row')
  for (let i = 0; i < Object.keys(hostile).length; i++) {
    await rows(page).nth(i).click()
    await page.locator('.panel .event-lines li').first().waitFor()
  }
  await page.getByText('⟨202E⟩').first().waitFor()
  await page.locator('.panel .lead .value').first().waitFor()
  for (const value of await page.locator('.panel .value').all()) {
    await value.click()
    await page.getByRole('menu').waitFor()
    await page.keyboard.press('Escape')
  }
  const ids = (await engine.call('/api/v2/security_monitoring/signals?page%5Blimit%5D=50&filter%5Bquery%5D=' + encodeURIComponent('rule_name:Hostile*'))).data.map((s) => s.id)
  for (const id of ids) {
    await page.goto('/signals/' + id)
    await page.locator('.event-row').nth(1).waitFor()
  }
  await page.goto('/signals/' + encodeURIComponent(hostile.image))
  await page.getByText('There is no signal').waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  await comes.equal(() => page.locator('img, script:not([src]), [onclick], [onload]').count(), 0)
  assert.deepEqual(page.faults.filter((f) => !f.includes('404')), [])
})

scene('a value of any kind can be asked for, and is asked for literally', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=' + encodeURIComponent('rule_name:Hostile*') })
  for (const name of ['query', 'quotes', 'script']) {
    await page.goto('/signals?query=' + encodeURIComponent('rule_name:Hostile*'))
    await row(page, hostile[name].slice(0, 12)).click()
    await page.locator('.panel .facts:not(.narrow) .value').first().click()
    await page.getByRole('menuitem', { name: 'Only these' }).click()
    await page.waitForFunction(() => document.querySelectorAll('.table-row').length === 1)
    await row(page, hostile[name].slice(0, 12)).waitFor()
  }
  assert.deepEqual(page.faults, [])
})

scene('where the engine is away, what was there stays and says since when', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=severity%3Acritical' })
  await page.locator('.bar').getByText('3 signals').waitFor()
  await page.context().setOffline(true)
  await page.getByText(/Not live since \d\d:\d\d:\d\d UTC/).waitFor()
  await comes.equal(() => rows(page).count(), 3)
  await page.context().setOffline(false)
  await page.getByRole('button', { name: 'Try now' }).click()
  await page.getByText('3 signals').waitFor()
})

scene('newer signals wait until somebody asks for them', async () => {
  const page = await openPage(browser, engine, { path: '/signals?query=severity%3Ahigh' })
  await page.getByRole('heading', { name: /No signal of this query/ }).waitFor()
  await makeSignals(engine, 'high', 2)
  await page.goto('/signals?query=severity%3Ahigh')
  await row(page, 'Test of high').waitFor()
  await engine.call('/api/v2/logs', [{ ddsource: 'page-high', message: 'one more', usr: { id: 'user-late' } }])
  await page.getByRole('button', { name: /1 newer signal/ }).waitFor()
  await comes.equal(() => rows(page).count(), 2)
  await page.keyboard.press('.')
  await row(page, 'user-late').waitFor()
  assert.deepEqual(page.faults, [])
})

inEveryLook('nothing is inaccessible', async (look) => {
  const page = await openPage(browser, engine, { ...look, path: '/signals?query=severity%3Acritical' })
  await row(page, 'Test of critical').waitFor()
  await drawn(page)
  await assertInBothThemes(page, 'the list')
  await row(page, 'Test of critical').click()
  await page.getByRole('heading', { name: 'Why it fired' }).waitFor()
  await page.locator('.tree').waitFor()
  await assertInBothThemes(page, 'a signal')
  await page.keyboard.press('e')
  await page.getByRole('dialog').waitFor()
  await assertInBothThemes(page, 'triage')
  await page.keyboard.press('Escape')
  const id = (await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=severity%3Acritical')).data[0].id
  await page.goto('/signals/' + id)
  await page.getByText('would have hidden').waitFor()
  await assertInBothThemes(page, 'a signal’s page')
  assert.deepEqual(page.faults, [])
})

scene('what the first view loads is at most 150 KB, compressed', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await row(page, 'Test of').waitFor()
  const loaded = await page.evaluate(() => performance.getEntriesByType('resource').map((r) => new URL(r.name).pathname).filter((p) => !p.startsWith('/api/')))
  const dist = resolve(import.meta.dirname, '../dist')
  let bytes = gzipSync(await readFile(join(dist, 'index.html'))).length
  for (const path of loaded) bytes += path.endsWith('.woff2') ? (await readFile(join(dist, path))).length : gzipSync(await readFile(join(dist, path))).length
  console.log(`# first view: ${(bytes / 1000).toFixed(1)} KB of ${loaded.length} files; ${(await readdir(join(dist, 'assets'))).length} in all`)
  assert.ok(bytes <= 150_000, `${bytes} bytes`)
})
