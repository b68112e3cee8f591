import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { axeFaults, openBrowser, openPage, scene, startEngine } from './engine.mjs'
import { asReader } from './people.mjs'

// Pipelines: their list, and how one is written.

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

scene('a reader sees pipelines and switches none', async () => {
  const page = await asReader(browser, engine, '/sources/pipelines', 'rosa')
  const off = page.getByRole('button', { name: /switch off/ }).first()
  await off.waitFor()
  assert.equal(await off.isDisabled(), true)
  assert.deepEqual(page.faults, [])
})
