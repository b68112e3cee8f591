import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { hostile, send } from './data.mjs'
import { axeFaults, comes, openPage, scene, stage } from './engine.mjs'
import { asReader, fitsItsWidth, rowOf } from './people.mjs'

// Sources, and how one is connected.

const { engine, browser } = await stage()

/** logTime is a time as web servers write it: 29/Nov/2026:14:00:00 +0000. */
const logTime = (at) => `${at.toUTCString().slice(5, 16).replaceAll(' ', '/')}:${at.toISOString().slice(11, 19)} +0000`

scene('before anything has come, the way to a source is shown', async () => {
  const page = await openPage(browser, engine, { path: '/sources' })
  const nothing = page.getByRole('heading', { name: 'Nothing arrived in the last 7 days' })
  // The engine's own log may be there already.
  await nothing.or(page.locator('.listing tbody tr').first()).first().waitFor()
  if (await nothing.isVisible()) {
    await page.getByRole('link', { name: 'Connect a source' }).click()
    await page.waitForURL(/connect$/)
  }
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('a sender is connected by what its page of docs says, with this address and a key made here, and its first event shows with what read it', async () => {
  const page = await openPage(browser, engine, { path: '/sources/connect' })
  await page.getByLabel('Find a sender').fill('can post')
  await page.getByRole('button', { name: 'curl, NXLog, Cribl, anything that can post' }).click()
  await page.waitForURL(/connect\/http$/)
  await page.getByText('Waiting for the first event.').waitFor()
  const docs = await readFile(join(resolve(import.meta.dirname, '../..'), 'docs/sources/http.md'), 'utf8')
  const said = await page.locator('.snippet pre').allInnerTexts()
  assert.ok(said.length >= 4)
  for (const text of said) {
    assert.ok(text.includes(engine.base))
    assert.ok(docs.includes(text.replaceAll(engine.base, 'http://127.0.0.1:8420')), text)
  }
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: 'Make a key, and put it in' }).click()
  const key = await page.locator('.keep-secret pre').innerText()
  const filled = await page.locator('.keep-section .snippet pre').allInnerTexts()
  assert.equal(filled.some((t) => t.includes('NIGHTJAR_KEY')), false)
  assert.ok(filled.some((t) => t.includes(key)))
  await comes.deepEqual(() => axeFaults(page), [])
  await page.locator('.first-event[data-asked]').waitFor()
  const answer = await fetch(engine.base + '/api/v2/logs', { method: 'POST', headers: { 'DD-API-KEY': key, 'Content-Type': 'application/json' }, body: JSON.stringify([{ ddsource: 'nginx', hostname: 'bastion', message: `203.0.113.66 - - [${logTime(new Date())}] "GET /${hostile.image} HTTP/1.1" 200 5 "-" "curl"` }]) })
  assert.equal(answer.status, 202)
  await page.getByText('It arrives.').waitFor()
  const first = page.locator('.first-event')
  await first.getByText('bastion').waitFor()
  await first.getByText(/^Read by/).waitFor()
  await first.locator('.step-changes').getByText('network.client.ip', { exact: true }).first().waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  await comes.deepEqual(() => axeFaults(page), [])
  // The key sends, and sees nothing; and it is gone with the page.
  assert.equal((await fetch(engine.base + '/api/nightjar/v1/sources', { headers: { 'DD-API-KEY': key } })).status, 403)
  await page.reload()
  await page.getByText('Waiting for the first event.').waitFor()
  assert.equal((await page.content()).includes(key), false)
  assert.deepEqual(page.faults, [])
})

scene('an answer that takes longer than the pause between two questions is not cut short by the next', async () => {
  const page = await openPage(browser, engine, { path: '/sources' })
  await page.route('**/api/nightjar/v1/sources', async (route) => {
    await new Promise((done) => setTimeout(done, 3000)) // the page asks every 2 s
    await route.continue().catch(() => undefined)
  })
  await page.goto('/sources/connect/http')
  await page.locator('.first-event[data-asked]').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('an event that no pipeline reads leads to a pipeline for it', async () => {
  const page = await openPage(browser, engine, { path: '/sources/connect/http' })
  await page.locator('.first-event[data-asked]').waitFor()
  await send(engine, [{ ddsource: 'unheard', message: 'door 7 opened' }])
  await page.getByText('No pipeline reads it').waitFor()
  await page.getByRole('link', { name: 'Write a pipeline for it' }).click()
  await page.waitForURL(/pipelines\/new\?source=unheard/)
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
  await page.goto('/sources/connect')
  await page.getByLabel('Find a sender').fill('no such thing')
  await page.getByRole('heading', { name: 'No sender is called so' }).waitFor()
  assert.deepEqual(page.faults, [])
})

scene('sources have their counts, their lag, and what nobody reads', async () => {
  await send(engine, [
    ...[1, 2, 3].map((n) => ({ ddsource: 'late', message: `${n}`, timestamp: Date.now() - 5 * 3600_000 })),
    { ddsource: hostile.script, message: 'x' }, { ddsource: 'plain', message: 'y', timestamp: Date.now() }, { ddsource: '', message: 'of nobody' },
  ])
  const page = await openPage(browser, engine, { path: '/sources', theme: 'light' })
  await rowOf(page, 'late').getByText('5h / 5h').waitFor()
  await comes.match(() => rowOf(page, 'late').innerText(), /3\/h\s+3\s[^]*100 %/)
  await comes.match(() => rowOf(page, 'nginx').innerText(), /1\/h[^]*\b0 %/)
  await rowOf(page, hostile.script).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await rowOf(page, 'late').getByRole('link', { name: /show them/ }).click()
  await page.waitForURL(/\/search\?query=source%3Alate\+-%40nightjar\.pipelines/)
  await page.goBack()
  await page.getByRole('button', { name: 'late' }).click()
  await page.waitForURL(/source=late/)
  const panel = page.getByRole('complementary', { name: 'Source' })
  await panel.getByText('3, 100 %').waitFor()
  await comes.match(async () => (await panel.getByRole('link', { name: 'Write a pipeline for these' }).getAttribute('href')) ?? '', /new\?source=late&samples=source%3Alate/)
  await comes.deepEqual(() => axeFaults(page), [])
  await page.reload()
  await panel.getByRole('heading', { name: 'late', exact: true }).waitFor()
  await page.keyboard.press('Escape')
  await panel.waitFor({ state: 'detached' })
  await page.goBack()
  await panel.getByRole('heading', { name: 'late', exact: true }).waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(page.faults, [])
})

// Nothing makes a test wait for an hour: the answer is what it would be three hours later.
scene('silent sources are told first', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await page.route('**/api/nightjar/v1/sources', async (route) => {
    const answer = await route.fetch()
    const body = await answer.json()
    for (const s of body.sources) if (s.source === 'plain') Object.assign(s, { arrived: s.arrived - 3 * 3600_000, hour: 0 })
    await route.fulfill({ response: answer, json: body })
  })
  await page.goto('/sources')
  await page.getByText('plain is silent.').waitFor()
  await comes.match(() => page.locator('.listing tbody tr').first().innerText(), /^plain\s+silent for 3 h\s+none/)
  await page.getByRole('button', { name: 'plain' }).click()
  const panel = page.getByRole('complementary', { name: 'Source' })
  await panel.getByRole('heading', { name: 'It is silent' }).waitFor()
  await panel.getByRole('link', { name: 'Refused requests' }).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('of forty sources those that need attention come first; a need, a name and an order are in the address', async () => {
  const many = Array.from({ length: 40 }, (_, i) => ({ ddsource: `forty-${String(i).padStart(2, '0')}`, message: 'm', timestamp: Date.now() - (i === 7 ? 3600_000 : 0) }))
  await send(engine, [...many, { ddsource: 'forty-11', message: 'again' }])
  const page = await openPage(browser, engine, { path: '/signals' })
  await page.route('**/api/nightjar/v1/sources', async (route) => {
    const answer = await route.fetch()
    const body = await answer.json()
    for (const s of body.sources) {
      if (s.source === 'forty-03') Object.assign(s, { arrived: s.arrived - 3 * 3600_000, hour: 0 })
      if (s.source === 'forty-05') Object.assign(s, { unread: 0 })
      if (s.source === 'forty-09') Object.assign(s, { failed: 1 })
    }
    await route.fulfill({ response: answer, json: body })
  })
  const names = async () => (await page.locator('.listing tbody tr td:first-child').allInnerTexts()).map((t) => t.trim())
  await page.goto('/sources?find=forty')
  await rowOf(page, 'forty-39').waitFor()
  await comes.deepEqual(async () => (await names()).slice(0, 4), ['forty-03', 'forty-09', 'forty-07', 'forty-11'])
  await comes.equal(async () => (await names()).at(-1), 'forty-05')
  await page.getByRole('link', { name: 'forty-03 is silent.' }).click()
  await page.waitForURL(/\/sources\?show=silent$/)
  await rowOf(page, 'forty-09').waitFor({ state: 'detached' })
  await comes.deepEqual(names, ['forty-03'])
  await page.getByLabel('Show').selectOption('late')
  await rowOf(page, 'forty-07').waitFor()
  await page.goBack()
  await rowOf(page, 'forty-03').waitFor()
  await page.getByLabel('Find a source').fill('no such')
  await page.getByRole('heading', { name: 'No source is so' }).waitFor()
  await page.getByRole('button', { name: 'Show all' }).click()
  await page.getByLabel('First').selectOption('name')
  await page.waitForURL(/sort=name/)
  await page.reload()
  await rowOf(page, 'forty-39').waitFor()
  const sorted = (await names()).filter((n) => n.startsWith('forty'))
  assert.deepEqual(sorted, [...sorted].sort())
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('an address with words that are none shows all', async () => {
  const page = await openPage(browser, engine, { path: '/sources?show=constructor&sort=constructor' })
  await page.locator('.listing tbody tr').first().waitFor()
  await page.goto('/sources/pipelines?show=toString')
  await page.locator('.listing tbody tr').first().waitFor()
  assert.deepEqual(page.faults, [])
})

scene('an answer that fails is told in its place, and what is old says so', async () => {
  const page = await openPage(browser, engine, { path: '/sources' })
  await rowOf(page, 'late').waitFor()
  await page.route('**/api/nightjar/v1/sources', (r) => r.fulfill({ status: 500, json: { errors: ['ClickHouse is away'] } }))
  await page.getByText(/Not live since/).waitFor()
  await page.reload()
  await page.getByRole('alert').getByText('ClickHouse is away').waitFor()
  await page.unroute('**/api/nightjar/v1/sources')
  await page.getByRole('button', { name: 'Try again' }).click()
  await rowOf(page, 'late').waitFor()
  assert.deepEqual(page.faults.filter((f) => !f.includes('500')), [])
})

scene('a reader sees sources, and is told what making a key and writing a pipeline need; on a telephone', async () => {
  const page = await asReader(browser, engine, '/sources/connect/vector', 'rosa')
  const make = page.getByRole('button', { name: 'Make a key, and put it in' })
  await make.waitFor()
  await comes.equal(() => make.isDisabled(), true)
  await comes.equal(() => make.getAttribute('title'), 'needs admin')
  await page.setViewportSize({ width: 390, height: 844 })
  await comes.equal(() => fitsItsWidth(page), true)
  await page.goto('/sources')
  await rowOf(page, 'late').waitFor()
  await comes.equal(() => fitsItsWidth(page), true)
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: 'late' }).click()
  const write = page.getByRole('button', { name: 'Write a pipeline for these' })
  await write.waitFor()
  await comes.equal(() => write.isDisabled(), true)
  await comes.equal(() => fitsItsWidth(page), true)
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})
