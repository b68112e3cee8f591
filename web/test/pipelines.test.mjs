import assert from 'node:assert/strict'
import { hostile, send } from './data.mjs'
import { axeFaults, openPage, scene, stage } from './engine.mjs'
import { asReader, editorOf, fitsItsWidth, rowOf, write } from './people.mjs'

// Pipelines: their list, and how one is written.

const { engine, browser } = await stage()

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
  assert.deepEqual(page.faults, [])
})

scene('the list is in order, finds, and changes the order with a way back', async () => {
  const page = await openPage(browser, engine, { path: '/sources/pipelines' })
  await page.locator('.listing tbody tr').first().waitFor()
  const order = async () => (await engine.call('/api/v1/logs/config/pipeline-order')).pipeline_ids
  const before = await order()
  const second = (await engine.call(api + '/pipelines')).data[1]
  await page.getByRole('button', { name: `Sooner: ${second.pipeline.name}`, exact: true }).click()
  await page.getByText(`${second.pipeline.name} runs sooner.`).waitFor()
  assert.equal((await order())[0], second.id)
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('They run in the order from before.').waitFor()
  assert.deepEqual(await order(), before)
  await page.getByLabel('Find a pipeline').fill('nginx')
  await page.locator('.listing tbody tr').nth(1).waitFor({ state: 'detached' }).catch(() => undefined)
  await rowOf(page, 'nginx').first().waitFor()
  await page.getByLabel('Find a pipeline').fill('no such pipeline')
  await page.getByRole('heading', { name: 'No pipeline is so' }).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('button', { name: 'Show all' }).click()
  await page.locator('.listing tbody tr').first().waitFor()
  assert.deepEqual(page.faults, [])
})

const lines = ['login refused user=ann from 203.0.113.9', 'login refused user=bob from 203.0.113.9', `login of ${hostile.image}`]
const written = `name: Gatekeeper
filter: {query: "source:gatekeeper"}
processors:
  - type: grok-parser
    grok:
      match_rules: |
        a login %{word:evt.outcome} user=%{notSpace:usr.name} from %{ip:network.client.ip}
  - type: exclude-attribute
    attribute_to_exclude: nothing
`

scene('a pipeline for events that nobody reads: a mistake at its place, a preview step by step, stored, changed, its versions, deleted', async () => {
  await send(engine, lines.map((message) => ({ ddsource: 'gatekeeper', message })))
  const page = await openPage(browser, engine, { path: '/sources/pipelines/new?source=gatekeeper&samples=source%3Agatekeeper' })
  await page.getByText('3 of 3 events are read.').waitFor()
  await write(page, 'Document of the pipeline', written.replace('%{word', '%{wrd'))
  await page.getByText(/no matcher or rule is named wrd; did you mean word\?/).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Create' }).isDisabled(), true)
  assert.deepEqual(await axeFaults(page), [])
  await write(page, 'Document of the pipeline', written)
  await page.getByText('2 of 3 events are read.').waitFor()
  await page.locator('.tries button').filter({ hasText: 'ann' }).click()
  const step = page.locator('.try .step-changes')
  await step.getByText('usr.name', { exact: true }).waitFor()
  await step.getByText('"ann"').waitFor()
  await page.locator('.tries button').filter({ hasText: 'login of' }).click()
  await page.locator('.try').getByText(/no rule matches/).waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('button', { name: 'Create' }).click()
  await page.waitForURL((u) => /\/sources\/pipelines\/[\w-]{22}$/.test(u.pathname))
  await page.getByText(/^yours, on, v1/).waitFor()
  await send(engine, [{ ddsource: 'gatekeeper', message: lines[0] }])
  const found = await engine.call('/api/v2/logs/events/search', { filter: { query: '@usr.name:ann source:gatekeeper', from: 'now-1h' } })
  assert.equal(found.data.length, 1)

  await write(page, 'Document of the pipeline', written.replace('name: Gatekeeper', 'name: Keeper of the gate'))
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText(/^yours, on, v2/).waitFor()
  await page.getByRole('tab', { name: 'Versions' }).click()
  await page.getByRole('button', { name: /^v2/ }).click()
  await page.getByText('+ name: Keeper of the gate').waitFor()
  await page.getByText('- name: Gatekeeper').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('button', { name: /^v1/ }).click()
  await page.getByRole('button', { name: 'Restore v1' }).click()
  await page.getByText(/^yours, on, v3/).waitFor()
  await page.getByRole('heading', { name: 'Pipelines / Gatekeeper' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Pipelines / Gatekeeper' }).waitFor()

  await page.getByRole('link', { name: 'Read stored events again' }).click()
  assert.equal(await page.getByLabel('Which events').inputValue(), 'source:gatekeeper')
  await page.getByRole('button', { name: 'Read them again' }).click()
  const run = rowOf(page, 'source:gatekeeper').filter({ hasText: 'completed' })
  await run.waitFor()
  assert.match(await run.innerText(), /completed\s+4\s+4/)
  assert.deepEqual(await axeFaults(page), [])
  await page.goBack()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.waitForURL(/\/sources\/pipelines$/)
  await page.goBack()
  await page.getByRole('heading', { name: 'There is no such pipeline' }).waitFor()
  assert.deepEqual(page.faults.filter((f) => !f.includes('404')), [])
})

scene('lines are pasted, and made samples that run with the document', async () => {
  const page = await openPage(browser, engine, { path: '/sources/pipelines/new?source=gatekeeper' })
  await write(page, 'Document of the pipeline', written)
  await page.getByText('Or paste lines').click()
  await page.getByLabel('Lines, each an event').fill(lines[1])
  await page.locator('.try .step-changes').getByText('usr.name', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Make a sample of it' }).click()
  await page.getByText('1 sample comes out as said.').waitFor()
  await write(page, 'Document of the pipeline', written.replace('usr.name', 'usr.id'))
  await page.getByText('1 of 1 sample comes out otherwise.').waitFor()
  await page.getByText(/^- usr\.name/).first().waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await write(page, 'Samples', 'samples: 7')
  await page.getByText(/this is a number, not a list|samples/).first().waitFor()
  assert.deepEqual(page.faults, [])
})

scene('the samples that ship with a pipeline run; it is built in, and cloned to be changed', async () => {
  const page = await openPage(browser, engine, { path: '/sources/pipelines/nginx?beside=samples' })
  await page.getByText(/samples come out as said. They ship with it\./).waitFor()
  await page.getByText('It is built in: clone it to change it.').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('button', { name: 'Clone' }).click()
  await page.waitForURL((u) => /\/sources\/pipelines\/[\w-]{22}$/.test(u.pathname))
  await page.getByText(/^yours, off, v1/).waitFor()
  assert.deepEqual(page.faults, [])
})

scene('grok rules are tried on lines, with a mistake at its place, and put into the document', async () => {
  const page = await openPage(browser, engine, { path: '/sources/pipelines/new?source=gatekeeper&beside=grok' })
  await write(page, 'Match rules', 'a login %{word:evt.outcome} user=%{who}')
  await write(page, 'Support rules', 'who %{wrd:usr.name}')
  await page.getByText(/no matcher or rule is named wrd/).waitFor()
  await write(page, 'Support rules', 'who %{word:usr.name}')
  await page.getByLabel('Lines to try').fill(['login refused user=ann', 'login refused usr=ann'].join('\n'))
  const results = page.getByRole('list', { name: 'What the rules find' })
  await results.getByText('{"evt":{"outcome":"refused"},"usr":{"name":"ann"}}').waitFor()
  await results.getByText(/matches up to .* and wants/).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('button', { name: 'Put the rules into the document' }).click()
  await page.waitForFunction(() => document.querySelector('[aria-label="Document"]')?.textContent !== undefined)
  await editorOf(page, 'Document of the pipeline').getByText('who %{word:usr.name}').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('a reader sees pipelines and changes none; on a telephone', async () => {
  const page = await asReader(browser, engine, '/sources/pipelines', 'rosa')
  const off = page.getByRole('button', { name: /switch off/ }).first()
  await off.waitFor()
  assert.equal(await off.isDisabled(), true)
  assert.equal(await page.getByRole('button', { name: 'New pipeline' }).isDisabled(), true)
  await page.setViewportSize({ width: 390, height: 844 })
  assert.equal(await fitsItsWidth(page), true)
  assert.deepEqual(await axeFaults(page), [])
  await page.goto('/sources/pipelines/nginx')
  const clone = page.getByRole('button', { name: 'Clone' })
  await clone.waitFor()
  assert.equal(await clone.isDisabled(), true)
  assert.equal(await clone.getAttribute('title'), 'needs engineer')
  assert.equal(await fitsItsWidth(page), true)
  assert.deepEqual(await axeFaults(page), [])
  await page.goto('/sources/again')
  const again = page.getByRole('button', { name: 'Read them again' })
  await again.waitFor()
  assert.equal(await again.isDisabled(), true)
  assert.deepEqual(page.faults, [])
})
