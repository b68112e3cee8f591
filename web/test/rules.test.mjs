import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { hostile, makeRule, makeSignals } from './data.mjs'
import { axeFaults, openBrowser, openPage, scene, startEngine } from './engine.mjs'

const pictures = process.env.PICTURES ?? join(tmpdir(), 'nightjar-pictures')

let engine, browser
before(async () => {
  engine = await startEngine()
  browser = await openBrowser()
  await mkdir(pictures, { recursive: true })
})
after(async () => {
  await browser?.close()
  await engine?.stop()
})

const picture = (page, name) => page.screenshot({ path: join(pictures, name + '.png') })
const rows = (page) => page.locator('.table-row')
const row = (page, text) => rows(page).filter({ hasText: text }).first()
const rule = (id) => engine.call('/api/nightjar/v1/rules/' + id)
const open = async (name, options = {}) => {
  const { data } = await engine.call('/api/nightjar/v1/rules?page%5Bsize%5D=100')
  const { id } = data.find((r) => r.name === name)
  const page = await openPage(browser, engine, { path: '/rules/' + id, ...options })
  await page.getByRole('heading', { level: 1, name }).waitFor()
  return { page, id }
}
// A rule that can't be read is what the engine refuses: the browser notes each refusal.
const faultsOf = (page) => page.faults.filter((f) => !/status of 400/.test(f))

scene('an install without rules says how to get one', async () => {
  const page = await openPage(browser, engine, { path: '/rules' })
  await page.getByRole('heading', { name: 'There is no rule yet' }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.locator('.rules-empty').getByRole('button', { name: 'New rule' }).click()
  await page.getByRole('heading', { name: 'New rule' }).waitFor()
  assert.deepEqual(faultsOf(page), [])
})

scene('each rule is in its state, with the reason', async () => {
  await makeSignals(engine, 'high', 3, 'page-rules')
  await makeRule(engine, 'Silent so far', 'low', 'page-rules AND @usr.id:nobody')
  await makeRule(engine, 'Asks in vain', 'medium', 'page-rules @usr.idd:x')
  await makeRule(engine, 'Switched off', 'medium', 'page-rules', { isEnabled: false })
  await makeRule(engine, `Hostile ${hostile.image}`, 'info', 'page-rules AND @usr.id:nobody')
  await engine.call('/api/nightjar/v1/rules', {
    name: 'Of the cloud', message: 'm', isEnabled: true, type: 'cloud_configuration', tags: [], cases: [{ status: 'low', condition: 'a > 0', notifications: [] }],
    options: { complianceRuleOptions: { resourceType: 'aws_s3_bucket', complexRule: false, regoRule: { policy: 'package x', resourceTypes: ['aws_s3_bucket'] } } },
    complianceSignalOptions: { userActivationStatus: true, userGroupByFields: [] },
  })
  await engine.until('what is found of rules', async () => (await engine.call('/api/nightjar/v1/status')).without_effect.some((i) => i.name === 'Asks in vain' && i.field === ''))
  const page = await openPage(browser, engine, { path: '/rules' })
  for (const [name, state] of [['Test of high', 'Live'], ['Silent so far', 'Never fired'], ['Asks in vain', 'Dead attribute'], ['Switched off', 'Disabled'], ['Of the cloud', 'Unsupported']]) {
    await row(page, name).getByText(state, { exact: true }).waitFor({ timeout: 30_000 })
  }
  await row(page, 'Asks in vain').getByText(/no event of .* has @usr.idd/).waitFor()
  await row(page, 'Test of high').locator('.cell-daily').getByText('3.0').waitFor()
  assert.match(await rows(page).first().innerText(), /Unsupported/, 'what should be looked at is first')
  assert.deepEqual(await axeFaults(page), [])
  await picture(page, 'rules')
  await page.locator('.rules-facets').getByRole('button', { name: /Dead attribute/ }).click()
  await page.waitForFunction(() => document.querySelectorAll('.table-row').length === 1)
  await page.reload()
  await row(page, 'Asks in vain').waitFor()
  assert.equal(await rows(page).count(), 1, 'the address is the state')
  await page.goto('/rules?query=' + encodeURIComponent('enabled:false'))
  await row(page, 'Switched off').waitFor()
  assert.equal(await rows(page).count(), 1)
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(page.faults, [])
})

scene('a query that can’t be read says where, and the keyboard leads through the list', async () => {
  const page = await openPage(browser, engine, { path: '/rules' })
  await row(page, 'Test of high').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('type:(a OR')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').filter({ hasText: '1:' }).waitFor()
  await page.getByText('These are of the last query that could be read.').waitFor()
  await page.goto('/rules?sort=name')
  await row(page, 'Asks in vain').waitFor()
  await page.keyboard.press('j')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Asks in vain' }).waitFor()
  await page.keyboard.press('Escape')
  await row(page, 'Test of high').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('a rule is checked as it is typed, previewed by the engine, saved as a version and restored', async () => {
  const { page, id } = await open('Test of high')
  await page.locator('.rule-given tbody tr').nth(2).waitFor()
  assert.equal(await page.locator('.rule-given tbody tr').count(), 3)
  await page.getByLabel('Condition of case 1').fill('seen > ')
  await page.locator('.rule-tabs').getByText('1 error').waitFor()
  const save = page.getByRole('button', { name: /Save as v2/ })
  assert.equal(await save.isDisabled(), true, 'what is wrong can’t be saved')
  await page.getByLabel('Condition of case 1').fill('seen > 5')
  await page.getByText('Events match, and no case holds for any group').waitFor()
  await page.reload()
  assert.equal(await page.getByLabel('Condition of case 1').inputValue(), 'seen > 5', 'a reload loses nothing')
  await page.getByText('no errors').waitFor()
  await page.keyboard.press('Control+s')
  await page.getByRole('status').filter({ hasText: 'Saved as v2.' }).waitFor()
  assert.equal((await rule(id)).cases[0].condition, 'seen > 5')
  await page.getByRole('button', { name: /v2/ }).filter({ hasText: 'seen > 5' }).waitFor()
  await page.getByRole('button', { name: /^v1/ }).click()
  await page.getByRole('button', { name: 'Restore v1' }).click()
  await page.getByRole('status').filter({ hasText: 'v1 is in force again, as v3.' }).waitFor()
  assert.equal((await rule(id)).cases[0].condition, 'seen > 0')
  assert.equal(await page.getByLabel('Condition of case 1').inputValue(), 'seen > 0')
  assert.deepEqual(faultsOf(page), [])
})

scene('what somebody else saved meanwhile is not overwritten', async () => {
  const { page, id } = await open('Silent so far')
  await page.getByLabel('Name', { exact: true }).fill('Mine')
  await engine.call('/api/nightjar/v1/rules/' + id, { name: 'Theirs' }, 'PUT')
  await page.getByText('no errors').waitFor()
  await page.getByRole('button', { name: /Save as/ }).click()
  await page.getByRole('status').filter({ hasText: 'Not saved' }).waitFor()
  assert.equal((await rule(id)).name, 'Theirs')
  await engine.call('/api/nightjar/v1/rules/' + id, { name: 'Silent so far' }, 'PUT')
})

scene('the JSON says all of it, and a mistake in it is told', async () => {
  const { page, id } = await open('Silent so far')
  await page.getByRole('tab', { name: 'JSON' }).click()
  const text = page.getByLabel('The rule as JSON')
  const doc = JSON.parse(await text.inputValue())
  assert.equal(doc.id, undefined)
  await text.fill('{"name": ')
  await page.locator('.rule-tabs').getByText('1 error').waitFor()
  delete doc.message
  await text.fill(JSON.stringify({ ...doc, message: 'said <b>otherwise</b>', filters: [{ action: 'require', query: 'service:x' }] }))
  await page.getByText('no errors').waitFor()
  await page.getByRole('button', { name: /Save as/ }).click()
  await page.getByRole('status').filter({ hasText: 'Saved as' }).waitFor()
  const stored = await rule(id)
  assert.equal(stored.message, 'said <b>otherwise</b>')
  assert.equal(stored.filters[0].query, 'service:x')
  assert.deepEqual(faultsOf(page), [])
})

scene('tests of a rule are run by the engine, on the draft', async () => {
  const { page } = await open('Test of high')
  await page.getByRole('button', { name: 'Add a test' }).click()
  await page.getByLabel('Name of the test').fill('an event of the source')
  await page.getByLabel('Event as it is sent').fill('{"ddsource": "page-rules", "message": "x"}')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByText('seen lets it through').waitFor()
  await page.getByLabel('Events', { exact: true }).fill('source:another')
  await page.getByText('seen leaves it out, expected to let it through').waitFor()
  await page.getByText('1 of 1 fail').waitFor()
  assert.deepEqual(faultsOf(page), [])
})

scene('a rule is made of a search, cloned, disabled with a way back, exported and deleted', async () => {
  const page = await openPage(browser, engine, { path: '/rules/new?query=' + encodeURIComponent('source:page-rules') + '&group=%40usr.id' })
  await page.getByLabel('Name', { exact: true }).fill('Of a search')
  await page.getByLabel('Message').fill('Look at {{@usr.id}}.')
  await page.getByText('no errors').waitFor()
  await page.locator('.rule-given tbody tr').nth(2).waitFor()
  await page.getByRole('button', { name: /Store the rule/ }).click()
  await page.waitForURL(/\/rules\/(?!new)/)
  const id = new URL(page.url()).pathname.split('/').at(-1)
  assert.deepEqual((await rule(id)).queries[0].groupByFields, ['@usr.id'])
  await page.getByRole('button', { name: 'Disable', exact: true }).click()
  await page.getByRole('button', { name: 'Enable', exact: true }).waitFor()
  assert.equal((await rule(id)).isEnabled, false)
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByRole('button', { name: 'Disable', exact: true }).waitFor()
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Export as JSON' }).click()
  assert.equal((await download).suggestedFilename(), `${id}.json`)
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Clone' }).click()
  await page.getByRole('heading', { name: 'Of a search (copy)' }).waitFor()
  await page.goto('/rules/' + id)
  await page.getByRole('button', { name: 'More' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  assert.deepEqual(await axeFaults(page), [], 'the dialog')
  await page.getByRole('button', { name: 'Delete the rule' }).click()
  await page.waitForURL(/\/rules$/)
  await assert.rejects(rule(id), /404/)
  await page.goto('/rules/' + id)
  await page.getByRole('heading', { name: /There is no rule/ }).waitFor()
  assert.deepEqual(faultsOf(page).filter((f) => !f.includes('404')), [])
})

scene('who may only read sees all of it and changes nothing', async () => {
  const { password } = await engine.call('/api/nightjar/v1/users', { name: 'rolf', role: 'reader' })
  const page = await openPage(browser, engine, { signedIn: false, path: '/rules' })
  await page.getByLabel('Name').fill('rolf')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await row(page, 'Test of high').getByText('Live').waitFor()
  assert.equal(await page.getByRole('button', { name: 'New rule' }).getAttribute('title'), 'needs engineer')
  await row(page, 'Test of high').click()
  await page.getByText('Running a rule over history needs analyst.').waitFor()
  await page.locator('.rule-version').first().waitFor()
  assert.equal(await page.getByRole('button', { name: 'Disable', exact: true }).isDisabled(), true)
  assert.deepEqual(page.faults, [])
})

for (const theme of ['dark', 'light']) {
  for (const [name, width, height] of [['wide', 1440, 900], ['telephone', 390, 844]]) {
    scene(`nothing of rules is inaccessible: ${theme}, ${name}`, async () => {
      const { page } = await open('Test of high', { theme, width, height })
      await page.locator('.rule-given tbody tr').first().waitFor()
      await page.locator('.rule-version').first().waitFor()
      assert.deepEqual(await axeFaults(page), [], 'a rule')
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'nothing is wider than the window')
      await picture(page, `rule-${theme}-${name}`)
      await page.goto('/rules')
      await row(page, 'Test of high').getByText('Live').waitFor()
      assert.deepEqual(await axeFaults(page), [], 'the list')
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'nothing is wider than the window')
      if (width < 500) await picture(page, `rules-${theme}-${name}`)
      assert.deepEqual(page.faults, [])
    })
  }
}
