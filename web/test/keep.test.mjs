import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { hostile, send } from './data.mjs'
import { axeFaults, openBrowser, openPage, scene, startEngine } from './engine.mjs'

// What is kept: agents, sources, operation.

let engine, browser
before(async () => {
  engine = await startEngine()
  browser = await openBrowser()
})
after(async () => {
  await browser?.close()
  await engine?.stop()
})

const api = '/api/nightjar/v1'
const as = async (key, path, body) => {
  const answer = await fetch(engine.base + api + path, { method: 'POST', headers: { 'DD-API-KEY': key, 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  const text = await answer.text()
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}

/** enrol makes a host an agent that says of itself what it is told to. */
async function enrol(token, host, said) {
  const made = await as(token, '/agents/enroll', { host, agent_version: '1.0', kernel: '6.1.0 x86_64', tags: ['env:prod'] })
  await as(made.key, '/agents/sync', { agent: made.agent, host, instance: host + '-1', agent_version: '1.0', kernel: '6.1.0 x86_64', tags: ['env:prod'], wait_seconds: 0, ...said })
  return made.agent
}

/** asReader signs somebody in who may only read. */
async function asReader(path, name) {
  const { password } = await engine.call(api + '/users', { name, role: 'reader' })
  const page = await openPage(browser, engine, { signedIn: false, path })
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  return page
}

scene('without an agent, how one begins is said', async () => {
  const page = await openPage(browser, engine, { path: '/agents' })
  await page.getByRole('heading', { name: 'No agent watches a host yet' }).waitFor()
  await page.getByText(`--server ${engine.base}`).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('agents that fail come first, and an agent says what it can do and what it lost', async () => {
  const { key } = await engine.call(api + '/keys', { name: 'token of the test', role: 'enroll' })
  const { version } = await engine.call(api + '/agents/rollout')
  await enrol(key, 'a-good-one', { in_force: version, counts: { generated: 10, delivered: 10 } })
  const lossy = await enrol(key, 'b-loses', {
    in_force: version, counts: { generated: 900, delivered: 866, lost: { [hostile.image]: 34 }, kills: 2, denials: 14 },
    abilities: { kill: 'send_signal', exec: 'no: the kernel has no bpf among its security modules' },
  })
  await enrol(key, 'c-refuses', { refused: { version, errors: ['rule kill_miner: unknown field'] } })
  const page = await openPage(browser, engine, { path: '/agents' })
  await page.locator('.listing tbody tr').nth(2).waitFor()
  assert.deepEqual(await page.locator('.listing-open').allInnerTexts(), ['c-refuses', 'b-loses', 'a-good-one'])
  await page.getByRole('button', { name: 'b-loses' }).click()
  await page.waitForURL(new RegExp('agent=' + lossy))
  const panel = page.getByRole('complementary', { name: 'Agent' })
  await panel.getByText('no: the kernel has no bpf among its security modules').waitFor()
  await panel.getByText('by send_signal').waitFor()
  await panel.getByText(hostile.image).waitFor()
  await panel.getByText('2 kills, 14 denials').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.reload()
  await panel.getByRole('heading', { name: 'b-loses' }).waitFor()
  await page.keyboard.press('j')
  await panel.getByRole('heading', { name: 'a-good-one' }).waitFor()
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  await page.goBack()
  await panel.getByRole('heading', { name: 'a-good-one' }).waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(page.faults, [])
})

scene('the switch says what it touches, asks why, and holds', async () => {
  const page = await openPage(browser, engine, { path: '/agents' })
  await page.getByRole('button', { name: 'Disarm all agents' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('3 enrolled agents').waitFor()
  assert.equal(await dialog.getByRole('button', { name: 'Disarm all agents' }).isDisabled(), true)
  await dialog.getByLabel('Why').fill('it kills backups')
  await dialog.getByRole('button', { name: 'Disarm all agents' }).click()
  await page.getByText('it kills backups').waitFor()
  assert.equal((await engine.call(api + '/agents/arming')).disarmed, true)
  await page.getByRole('button', { name: 'Arm all agents' }).click()
  await dialog.getByLabel('Why').fill('mended')
  await dialog.getByRole('button', { name: 'Arm all agents' }).click()
  await page.getByText('agents do what their policies say').waitFor()
  assert.equal((await engine.call(api + '/agents/arming')).disarmed, false)
  assert.deepEqual(page.faults, [])
})

scene('a reader sees agents and switches nothing', async () => {
  const page = await asReader('/agents', 'rita')
  const button = page.getByRole('button', { name: 'Disarm all agents' })
  await button.waitFor()
  assert.equal(await button.isDisabled(), true)
  assert.equal(await button.getAttribute('title'), 'needs engineer or responder')
  assert.deepEqual(page.faults, [])
})

scene('an answer that fails is told in its place, and what is old says so', async () => {
  const page = await openPage(browser, engine, { path: '/agents' })
  await page.locator('.listing tbody tr').nth(2).waitFor()
  await page.route('**/api/nightjar/v1/agents', (r) => r.fulfill({ status: 500, json: { errors: ['ClickHouse is away'] } }))
  await page.getByText(/Not live since/).waitFor()
  assert.equal(await page.locator('.listing tbody tr').count(), 3)
  await page.reload()
  await page.getByRole('alert').getByText('ClickHouse is away').waitFor()
  await page.unroute('**/api/nightjar/v1/agents')
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.locator('.listing tbody tr').nth(2).waitFor()
  assert.deepEqual(page.faults.filter((f) => !f.includes('500')), [])
})

scene('agents on a telephone, in light', async () => {
  const page = await openPage(browser, engine, { path: '/agents', width: 390, height: 844, theme: 'light' })
  await page.locator('.listing tbody tr').nth(2).waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('button', { name: 'b-loses' }).click()
  await page.getByRole('complementary', { name: 'Agent' }).getByRole('heading', { name: 'b-loses' }).waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
  assert.deepEqual(page.faults, [])
})
