import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
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

const rowOf = (page, name) => page.locator('.listing tbody tr').filter({ hasText: name })

scene('a sender is connected by what its page of docs says, with this address, and its first event shows', async () => {
  const page = await openPage(browser, engine, { path: '/sources/connect' })
  await page.getByRole('button', { name: 'curl, NXLog, Cribl, anything that can post' }).click()
  await page.waitForURL(/connect\/http$/)
  await page.getByText('Waiting for the first event.').waitFor()
  const said = await page.locator('.snippet pre').allInnerTexts()
  const docs = await readFile(join(resolve(import.meta.dirname, '../..'), 'docs/sources/http.md'), 'utf8')
  assert.ok(said.length >= 4)
  for (const text of said) {
    assert.ok(text.includes(engine.base))
    assert.ok(docs.includes(text.replaceAll(engine.base, 'http://127.0.0.1:8420')), text)
  }
  assert.deepEqual(await axeFaults(page), [])
  await page.locator('.first-event[data-asked]').waitFor()
  await send(engine, [{ ddsource: 'sshd', hostname: 'bastion', message: `Failed password for root from 203.0.113.66 port 22 ssh2 ${hostile.image}` }])
  await page.getByText('It arrives.').waitFor()
  await page.locator('.first-event').getByText('203.0.113.66').waitFor()
  await page.locator('.first-event').getByText('bastion').waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('every sender of the docs has a page here', async () => {
  const page = await openPage(browser, engine, { path: '/sources/connect' })
  await page.locator('.listing-open').first().waitFor()
  const names = await page.locator('.listing-open').allInnerTexts()
  assert.ok(names.length >= 15, names.join())
  for (const name of names) {
    await page.goto('/sources/connect')
    await page.getByRole('button', { name, exact: true }).click()
    await page.locator('.snippet').first().waitFor()
  }
  await page.goto('/sources/connect/nobody')
  await page.getByRole('heading', { name: 'There is no page about this sender' }).waitFor()
  assert.deepEqual(page.faults, [])
})

scene('sources have their counts, and one that went quiet comes first', async () => {
  await send(engine, [
    ...[1, 2, 3].map((n) => ({ ddsource: 'went-quiet', message: `${n}`, timestamp: Date.now() - 5 * 3600_000 })),
    { ddsource: hostile.script, message: 'x' }, { ddsource: 'nginx', message: '192.0.2.7 - - [29/Nov/2026:14:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"', timestamp: Date.now() },
  ])
  const page = await openPage(browser, engine, { path: '/sources', theme: 'light' })
  await rowOf(page, 'went-quiet').getByText('5h ago').waitFor()
  assert.match(await page.locator('.listing tbody tr').first().innerText(), /went-quiet/)
  assert.match(await rowOf(page, 'went-quiet').innerText(), /none\s+3\s[^]*100 %/)
  assert.match(await rowOf(page, 'nginx').innerText(), /1\s[^]*\b0 %/)
  await rowOf(page, hostile.script).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('a pipeline is switched off, and on by undo', async () => {
  const page = await openPage(browser, engine, { path: '/sources/pipelines' })
  const enabled = async () => (await engine.call(api + '/pipelines')).data.find((p) => p.id === 'nginx').pipeline.is_enabled
  const { name } = (await engine.call(api + '/pipelines')).data.find((p) => p.id === 'nginx').pipeline
  assert.equal(await enabled(), true)
  await page.getByRole('button', { name: new RegExp(`switch off ${name}$`) }).click()
  await page.getByRole('button', { name: new RegExp(`switch on ${name}$`) }).waitFor()
  assert.equal(await enabled(), false)
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByRole('button', { name: new RegExp(`switch off ${name}$`) }).waitFor()
  assert.equal(await enabled(), true)
  assert.deepEqual(await axeFaults(page), [])
  await page.goto('/sources/tables')
  await page.getByRole('heading', { name: 'There is no reference table yet' }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('a reader sees pipelines and switches none; sources on a telephone', async () => {
  const page = await asReader('/sources/pipelines', 'rosa')
  const off = page.getByRole('button', { name: /switch off/ }).first()
  await off.waitFor()
  assert.equal(await off.isDisabled(), true)
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('/sources')
  await rowOf(page, 'went-quiet').waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
  assert.deepEqual(page.faults, [])
})
