import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openBrowser, openPage, startEngine } from './engine.mjs'

let engine, browser
before(async () => {
  engine = await startEngine('--demo')
  browser = await openBrowser()
  await engine.until('a signal', async () => (await engine.call('/api/v2/security_monitoring/signals')).data?.length > 0)
})
after(async () => {
  await browser?.close()
  await engine?.stop()
})

test('a person signs in with the key and sees the signals', async () => {
  const page = await openPage(browser, engine, { signedIn: false })
  await page.getByLabel('Key', { exact: true }).fill('x'.repeat(40))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('It is not valid here.').waitFor()
  assert.deepEqual(page.faults.splice(0).filter((f) => !f.includes('403')), [])
  await page.getByLabel('Key', { exact: true }).fill(engine.key)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('row').filter({ hasText: 'SSH brute force' }).first().waitFor()
  assert.equal(new URL(page.url()).pathname, '/signals')
  assert.deepEqual(page.faults, [])
})
