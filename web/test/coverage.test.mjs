import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before } from 'node:test'
import { hostile, makeRule, send } from './data.mjs'
import { axeFaults, openBrowser, openPage, scene, startEngine } from './engine.mjs'
import { trial } from './pictures.mjs'


let engine, browser
before(async () => {
  engine = await startEngine()
  browser = await openBrowser()
})
after(async () => {
  await browser?.close()
  await engine?.stop()
})

const cell = (page, name) => page.locator('.coverage-cell', { hasText: name }).first()
const panel = (page) => page.locator('.keep-panel')
const test = (want) => `tests:
  - name: one is enough
    events: [{at: +0s, event: {ddsource: covered, usr: {id: a}}}]
    signals: ${want}
`
const keepTests = (id, text) => engine.call(`/api/nightjar/v1/rules/${id}/tests`, { text }, 'PUT')
const named = (...tags) => ({ tags: ['source:covered', ...tags] })
const ids = {}

scene('an install without rules says what those that ship would cover', async () => {
  const page = await openPage(browser, engine, { path: '/rules' })
  await page.getByRole('link', { name: 'Coverage' }).click()
  await cell(page, 'Brute Force').waitFor()
  assert.equal(await page.locator('.coverage-cell.proved, .coverage-cell.tagged').count(), 0)
  await page.getByText('0 of 216').waitFor()
  await page.getByRole('button', { name: /Not in force 3\d/ }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('what a test shows is told from what only has the tag, fails, is dead, or off', async () => {
  const make = async (name, technique, more = {}) => (ids[name] = (await makeRule(engine, name, 'high', 'covered', { ...named(`technique:${technique}`, 'tactic:TA0006-credential-access'), ...more })).id)
  await make('Shown by a test', 'T1110.004-credential-stuffing')
  await keepTests(ids['Shown by a test'], test('[{group: [a]}]'))
  await make('Has the tag', 'T1040-network-sniffing')
  await make('Its test fails', 'T1558-steal-or-forge-kerberos-tickets')
  await keepTests(ids['Its test fails'], test('[{group: [b]}]'))
  await make('Asks in vain', 'T1606-forge-web-credentials', { queries: [{ name: 'seen', query: 'source:covered @usr.idd:x', groupByFields: ['@usr.id'] }] })
  await make('Is off', 'T1187-forced-authentication', { isEnabled: false })
  await make(`Hostile ${hostile.image}`, 'T9999-unheard-of', {})
  await send(engine, [{ ddsource: 'covered', message: 'm', usr: { id: 'z' } }, { ddsource: 'sshd', message: 'Failed password for root from 203.0.113.66 port 41 ssh2' }])
  await engine.until('what is found of rules', async () => (await engine.call('/api/nightjar/v1/status')).without_effect.some((i) => i.name === 'Asks in vain' && i.field === ''))
  const page = await openPage(browser, engine, { path: '/rules/coverage?show=all' })
  for (const [technique, level] of [['Brute Force', 'proved'], ['Network Sniffing', 'tagged'], ['Steal or Forge Kerberos', 'tagged'], ['Forge Web Credentials', 'broken'], ['Forced Authentication', 'off'], ['Phishing', 'none']]) {
    await page.locator(`.coverage-cell.${level}`, { hasText: technique }).first().waitFor()
  }
  await page.getByText('1 of 216').waitFor()
  await page.getByText(/hasn’t: T9999/).waitFor()
  await page.getByText(/tests run \d\d:\d\d:\d\d UTC or later/).waitFor()
  await cell(page, 'Brute Force').click()
  await page.waitForURL(/technique=T1110/)
  await panel(page).getByRole('region', { name: 'Proved' }).getByRole('link', { name: 'Shown by a test' }).waitFor()
  await panel(page).getByText(/^1 test passes/).waitFor()
  await panel(page).getByRole('region', { name: 'Not in force' }).locator('.coverage-rule', { hasText: 'SSH brute force' }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await trial(page, 'coverage')
  await panel(page).getByRole('button', { name: /Credential Stuffing/ }).click()
  await panel(page).getByRole('heading', { name: 'Credential Stuffing' }).waitFor()
  await panel(page).getByText('a sub-technique of').waitFor()
  await page.reload()
  await panel(page).getByRole('heading', { name: 'Credential Stuffing' }).waitFor()
  await page.goBack()
  await panel(page).getByRole('heading', { name: 'Brute Force' }).waitFor()
  await page.keyboard.press('Escape')
  await panel(page).waitFor({ state: 'detached' })
  await cell(page, 'Steal or Forge Kerberos').click()
  await panel(page).getByText(/1 of 1 test fails: one is enough/).waitFor()
  await cell(page, 'Forge Web Credentials').click()
  await panel(page).getByText(/Asks in vain: .*@usr.idd/).waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(page.faults, [])
})

scene('a version that breaks its test is proved no more', async () => {
  const page = await openPage(browser, engine, { path: '/rules/coverage' })
  await page.locator('.coverage-cell.proved', { hasText: 'Brute Force' }).waitFor()
  await engine.call('/api/nightjar/v1/rules/' + ids['Shown by a test'], { cases: [{ status: 'high', condition: 'seen > 5', notifications: [] }] }, 'PUT')
  await page.reload()
  await page.locator('.coverage-cell.tagged', { hasText: 'Brute Force' }).waitFor()
  await engine.call('/api/nightjar/v1/rules/' + ids['Shown by a test'], { cases: [{ status: 'high', condition: 'seen > 0', notifications: [] }] }, 'PUT')
  assert.deepEqual(page.faults, [])
})

scene('one press has what ships in force, with its tests', async () => {
  const page = await openPage(browser, engine, { path: '/rules/coverage?technique=T1110' })
  await panel(page).locator('.coverage-rule', { hasText: 'SSH brute force' }).getByRole('button', { name: /^Enable/ }).click()
  await page.getByRole('status').filter({ hasText: '1 rule is in force' }).waitFor()
  await panel(page).getByRole('region', { name: 'Proved' }).getByRole('link', { name: 'SSH brute force', exact: true }).waitFor()
  await page.goto('/rules/coverage?technique=T1187')
  await panel(page).getByRole('button', { name: 'Enable Is off' }).click()
  await panel(page).getByRole('region', { name: 'Tagged only' }).getByRole('link', { name: 'Is off' }).waitFor()
  assert.deepEqual(page.faults, [])
})

scene('it is narrowed by level, source, tactic and words, and the address has it', async () => {
  const page = await openPage(browser, engine, { path: '/rules/coverage' })
  await cell(page, 'Brute Force').waitFor()
  await page.getByRole('button', { name: /^◐?Tagged only/ }).click()
  await page.waitForFunction(() => document.querySelectorAll('.coverage-cell:not(.sub):not(.tagged)').length === 0)
  await page.goBack()
  await cell(page, 'Brute Force').waitFor()
  await page.getByLabel('Source', { exact: true }).selectOption('sshd')
  await page.waitForURL(/source=sshd/)
  await page.waitForFunction(() => ![...document.querySelectorAll('.coverage-cell')].some((c) => c.textContent.includes('Network Sniffing')))
  await page.getByLabel('Source', { exact: true }).selectOption('')
  await page.getByLabel('Tactic', { exact: true }).selectOption('TA0006')
  await page.waitForFunction(() => document.querySelectorAll('.coverage-grid th').length === 1)
  await page.reload()
  await cell(page, 'Brute Force').waitFor()
  assert.equal(await page.locator('.coverage-grid th').count(), 1)
  await page.getByLabel('Find techniques and rules').fill('has the tag')
  await page.waitForFunction(() => document.querySelectorAll('.coverage-cell').length === 1)
  await page.getByLabel('Find techniques and rules').fill('nothing says this')
  await page.getByRole('heading', { name: 'No technique is so' }).waitFor()
  assert.deepEqual(page.faults, [])
})

scene('the keyboard leads from cell to cell, and opens what it is on', async () => {
  const page = await openPage(browser, engine, { path: '/rules/coverage?show=all' })
  await cell(page, 'Brute Force').waitFor()
  const at = () => page.evaluate(() => document.activeElement?.getAttribute('data-at'))
  await page.locator("[data-at='0 0']").focus()
  await page.keyboard.press('ArrowDown')
  assert.equal(await at(), '1 0')
  await page.keyboard.press('ArrowRight')
  assert.equal(await at(), '1 1')
  await page.keyboard.press('End')
  assert.equal(await at(), '1 13')
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('ArrowUp')
  assert.equal(await at(), '-1 0', 'the tactic')
  await page.keyboard.press('Enter')
  await panel(page).getByRole('heading', { name: 'Reconnaissance' }).waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForURL(/technique=T\d/)
  assert.deepEqual(page.faults, [])
})

scene('it is exported as a table and as a layer of the Navigator', async () => {
  const page = await openPage(browser, engine, { path: '/rules/coverage' })
  await page.locator('.coverage-cell.proved', { hasText: 'Brute Force' }).waitFor()
  const fileOf = async (item) => {
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    await page.getByRole('menuitem', { name: item }).click()
    return readFile(await (await download).path(), 'utf8')
  }
  const csv = await fileOf('CSV')
  assert.match(csv, /TA0006,Credential Access,T1110,Brute Force,proved,/)
  assert.match(csv, /TA0006,Credential Access,T1110.004,Credential Stuffing,proved,Shown by a test/)
  const layer = JSON.parse(await fileOf('ATT&CK Navigator layer'))
  assert.equal(layer.domain, 'enterprise-attack')
  assert.equal(layer.versions.layer, '4.5')
  const brute = layer.techniques.find((t) => t.techniqueID === 'T1110' && t.tactic === 'credential-access')
  assert.equal(brute.score, 100)
  assert.equal(layer.techniques.find((t) => t.techniqueID === 'T1040').score, 50)
  assert.deepEqual(page.faults, [])
})

scene('who may only read sees all of it and enables nothing', async () => {
  const { password } = await engine.call('/api/nightjar/v1/users', { name: 'rolf', role: 'reader' })
  const page = await openPage(browser, engine, { signedIn: false, path: '/rules/coverage?technique=T1003' })
  await page.getByLabel('Name').fill('rolf')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  const enable = panel(page).getByRole('button', { name: /^Enable/ }).first()
  await enable.waitFor()
  assert.equal(await enable.isDisabled(), true)
  assert.equal(await enable.getAttribute('title'), 'needs engineer')
  assert.deepEqual(page.faults, [])
})

scene('an answer that fails is told in its place', async () => {
  const page = await openPage(browser, engine, { path: '/rules/coverage' })
  await cell(page, 'Brute Force').waitFor()
  await page.route('**/attack_coverage', (r) => r.fulfill({ status: 500, json: { errors: ['ClickHouse is away'] } }))
  await page.reload()
  await page.getByRole('alert').getByText('ClickHouse is away').waitFor()
  await page.unrouteAll()
  await page.getByRole('button', { name: 'Try again' }).click()
  await cell(page, 'Brute Force').waitFor()
  assert.deepEqual(page.faults.filter((f) => !f.includes('500')), [])
})

for (const theme of ['dark', 'light']) {
  for (const [name, width, height] of [['wide', 1440, 900], ['telephone', 390, 844]]) {
    scene(`nothing of coverage is inaccessible: ${theme}, ${name}`, async () => {
      const page = await openPage(browser, engine, { path: '/rules/coverage', theme, width, height })
      await cell(page, 'Brute Force').waitFor()
      assert.deepEqual(await axeFaults(page), [], 'the matrix')
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'nothing is wider than the window')
      if (width < 500) assert.deepEqual(await page.evaluate(() => [...document.querySelectorAll('.coverage button')].filter((b) => b.getBoundingClientRect().height < 44 && b.getBoundingClientRect().height > 0).map((b) => b.textContent)), [], 'a finger reaches all')
      await trial(page, `coverage-${theme}-${name}`)
      await cell(page, 'Brute Force').click()
      await panel(page).getByRole('heading', { name: 'Brute Force' }).waitFor()
      assert.deepEqual(await axeFaults(page), [], 'with a technique open')
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'nothing is wider than the window')
      await trial(page, `technique-${theme}-${name}`)
      assert.deepEqual(page.faults, [])
    })
  }
}
