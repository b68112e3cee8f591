import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { axeFaults, comes, openPage, scene, stage } from './engine.mjs'
import { asReader, fitsItsWidth, settled } from './people.mjs'

// An empty install: every view leads on, a sender that fails is told so, and the demo comes and goes.

const { engine, browser } = await stage()
const api = '/api/nightjar/v1'

const empty = ['/search', '/rules', '/rules/coverage', '/rules/bundled', '/suppressions', '/agents', '/agents/policies', '/entity', '/entity/host/nobody', '/operation', '/sources/pipelines', '/sources/tables', '/sources/intel']

scene('every view of an empty install leads to a source, or to the demo', async () => {
  const page = await openPage(browser, engine, { path: '/signals' })
  await page.getByRole('heading', { name: 'Connect a source' }).waitFor()
  await page.getByRole('button', { name: 'Load the demo data' }).waitFor()
  for (const path of empty) {
    await page.goto(path)
    const begin = page.getByRole('region', { name: 'How to begin' })
    await begin.getByText('Nothing has arrived yet').waitFor()
    await comes.equal(() => begin.getByRole('link', { name: 'Connect a source' }).getAttribute('href'), '/sources/connect', path)
    await begin.getByRole('button', { name: 'Try the demo data' }).waitFor()
  }
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('/rules/coverage')
  await page.getByRole('region', { name: 'How to begin' }).waitFor()
  await comes.equal(() => fitsItsWidth(page), true)
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('a reader of an empty install sees both ways, and why one is shut', async () => {
  const page = await asReader(browser, engine, '/rules', 'rolf')
  const demo = page.getByRole('region', { name: 'How to begin' }).getByRole('button', { name: 'Try the demo data' })
  await demo.waitFor()
  await comes.equal(() => demo.isDisabled(), true)
  await page.getByText('The demo data needs engineer.').waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('every sender of the documentation has its page', async () => {
  const page = await openPage(browser, engine, { path: '/sources/connect' })
  const docs = (await readdir(resolve(import.meta.dirname, '../../docs/sources'))).filter((f) => f !== 'README.md').map((f) => f.replace(/\.md$/, ''))
  await page.locator('.listing tbody tr').nth(docs.length - 1).waitFor()
  await comes.equal(() => page.locator('.listing tbody tr').count(), docs.length)
  for (const id of docs) {
    await page.goto(join('/sources/connect', id))
    await page.getByText('Waiting for the first event.').waitFor()
    await page.locator('.keep-section .snippet pre').first().waitFor()
    await comes.equal(() => page.locator('.connect-heading, .connect-text').filter({ hasText: /^<!--|\]\(/ }).count(), 0, id)
  }
  assert.deepEqual(page.faults, [])
})

scene('while an event is waited for, what is refused is told, and what to do about it', async () => {
  const page = await openPage(browser, engine, { path: '/sources/connect/rsyslog' })
  await page.getByText('This engine listens to no syslog').waitFor()
  await page.goto('/sources/connect/http')
  const post = (key, body, path = '/api/v2/logs') => fetch(engine.base + path, { method: 'POST', headers: { ...(key ? { 'DD-API-KEY': key } : {}), 'Content-Type': 'application/json' }, body })
  await page.locator('.first-event .troubles').waitFor()
  assert.equal((await post('0123456789abcdef0123456789abcdef', '[]')).status, 403)
  await page.getByText(/It is no key of this engine: make one below/).waitFor()
  assert.equal((await post('', '[]')).status, 401)
  await page.getByText(/It sent no key/).waitFor()
  assert.equal((await post(engine.key, '{"half":')).status, 400)
  await page.getByText(/their text can’t be read/).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
  await page.getByText(/Nothing has come so far/).waitFor({ state: 'detached' })
  const quiet = await openPage(browser, engine, { path: '/sources/connect/beats' })
  await quiet.getByText(/Nothing has come so far, and nothing was refused/).waitFor()
  assert.deepEqual(quiet.faults, [])
})

scene('the demo is loaded from any view, is said to be one, and is removed with what it made', async () => {
  const page = await openPage(browser, engine, { path: '/rules/coverage' })
  await page.getByRole('region', { name: 'How to begin' }).getByRole('button', { name: 'Try the demo data' }).click()
  await page.waitForURL(/\/signals/)
  const signals = async (query) => (await engine.call('/api/v2/security_monitoring/signals/search', { filter: { query }, page: { limit: 50 } })).data.length
  await engine.until('the signals of three attacks', async () => (await signals('env:demo')) >= 6)
  await engine.until('evaluation', async () => (await engine.call(api + '/status')).caught_up)
  const { rule_ids: rules, events } = await engine.call(api + '/demo')
  await page.goto('/sources')
  await page.getByText('Demo data is among this:').waitFor()
  await comes.equal(() => page.getByRole('region', { name: 'How to begin' }).count(), 0)
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: 'Remove the demo data' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText(`${rules.length} rules`).waitFor()
  await dialog.getByText(/^\d+ signals$/).waitFor()
  await dialog.getByText(`${events.toLocaleString('en')} events`).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await dialog.getByRole('button', { name: 'Remove it' }).click()
  await page.getByText(`The demo is removed: ${rules.length} rules deleted, its signals archived, ${events.toLocaleString('en')} events deleted.`).waitFor()
  await page.getByText('Demo data is among this:').waitFor({ state: 'detached' })
  await engine.until('its signals to be archived', async () => (await signals('env:demo -@workflow.triage.state:archived state:open')) === 0)
  const left = (await engine.call('/api/v2/security_monitoring/rules')).data.map((r) => r.id)
  assert.deepEqual(rules.filter((id) => left.includes(id)), [])
  await comes.equal(async () => (await engine.call('/api/v2/logs/events/search', { filter: { query: 'env:demo', from: 'now-2d' } })).data.length, 0)
  assert.deepEqual(page.faults, [])
})

scene('a clock that is wrong is told with the first event', async () => {
  const page = await openPage(browser, engine, { path: '/sources/connect/http' })
  await page.locator('.first-event[data-asked]').waitFor()
  await engine.call('/api/v2/logs', [{ ddsource: 'late-clock', hostname: 'web-9', message: 'm', timestamp: Date.now() - 3 * 3600_000 }])
  await page.getByText('It arrives.').waitFor()
  await page.getByText(/Its time is 3 h.* before its arrival/).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  // Of the last quarter of an hour there is none, and yet something has arrived.
  const asked = page.waitForResponse((r) => r.url().endsWith('/logs/events/search'))
  await page.goto('/rules')
  assert.equal((await (await asked).json()).data.length, 1)
  await settled(page, '/rules')
  await comes.equal(() => page.getByRole('region', { name: 'How to begin' }).count(), 0)
  await page.goto('/sources/connect/http')
  await page.locator('.first-event[data-asked]').waitFor()
  await engine.call('/api/v2/logs', [{ ddsource: 'early-clock', hostname: 'web-10', message: 'm', timestamp: Date.now() + 3 * 3600_000 }])
  await page.getByText(/Its time is .* after its arrival.*It is kept as of when it arrived\./).waitFor()
  assert.deepEqual(page.faults, [])
})
