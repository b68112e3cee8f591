import assert from 'node:assert/strict'
import { send } from './data.mjs'
import { axeFaults, comes, openPage, scene, stage } from './engine.mjs'
import { trial } from './pictures.mjs'

// What is drawn of a sequence, and what an agent is asked for.
const rulesPath = '/api/v2/security_monitoring/rules'

const { engine, browser } = await stage()

/** theSignal waits for the one of a rule. */
const theSignal = (name) => engine.until(`a signal of ${name}`, async () =>
  (await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent(`rule_name:"${name}"`))).data[0]?.id)

const makeRule = (name, queries, cases, options, severity = 'high') => engine.call(rulesPath, {
  name, message: 'Look at it.', isEnabled: true, type: 'log_detection', tags: [], queries,
  cases: cases.map((condition) => ({ name: '', status: severity, condition, notifications: [] })),
  options: { keepAlive: 3600, maxSignalDuration: 86400, ...options },
})

/** look takes pictures of a signal's page in both themes and on a telephone, which axe finds accessible. */
async function look(id, name, part) {
  for (const [theme, width, height] of [['dark', 1440, 900], ['light', 390, 844]]) {
    const page = await openPage(browser, engine, { theme, width, height, path: '/signals/' + id })
    await page.locator(part).first().waitFor()
    await page.getByText('would have hidden').waitFor()
    await comes.deepEqual(() => axeFaults(page), [], `${name} ${theme} ${width}`)
    await comes.ok(() => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the window')
    await page.locator(part).first().scrollIntoViewIfNeeded()
    await trial(page, `${name}-${theme}-${width}`)
    assert.deepEqual(page.faults, [])
  }
}

scene('the steps of a sequence are on a line of time', async () => {
  await makeRule('Password, then key', [
    { name: 'failed', query: 'source:seq @evt.outcome:failure', groupByFields: ['@usr.id'] },
    { name: 'entered', query: 'source:seq @evt.outcome:success', groupByFields: ['@usr.id'] },
    { name: 'added', query: 'source:seq @evt.name:key_added', groupByFields: ['@usr.id'] },
  ], [''], {
    detectionMethod: 'sequence_detection', evaluationWindow: 0,
    sequenceDetectionOptions: {
      steps: [{ name: 'guesses', condition: 'failed > 4', evaluationWindow: 600 }, { name: 'break_in', condition: 'entered > 0', evaluationWindow: 600 }, { name: 'key', condition: 'added > 0', evaluationWindow: 600 }],
      stepTransitions: [{ parent: 'guesses', child: 'break_in', evaluationWindow: 1800 }, { parent: 'break_in', child: 'key', evaluationWindow: 1800 }],
    },
  })
  const now = Date.now()
  const at = (ago, evt) => ({ ddsource: 'seq', timestamp: now - ago * 1000, message: 'auth', hostname: 'web-1', usr: { id: 'm.kessler' }, evt })
  await send(engine, [...[900, 890, 880, 870, 860, 850].map((s) => at(s, { outcome: 'failure' })), at(600, { outcome: 'success' }), at(120, { name: 'key_added' })])
  const id = await theSignal('Password, then key')
  const page = await openPage(browser, engine, { path: '/signals/' + id })
  await page.locator('.sequence-step').nth(2).waitFor()
  await comes.deepEqual(() => page.locator('.sequence-step b').allInnerTexts(), ['guesses', 'break_in', 'key'])
  const places = await page.locator('.sequence-step').evaluateAll((all) => all.map((el) => el.getBoundingClientRect().left))
  assert.ok(places[0] < places[1] && places[1] < places[2], `${places}`)
  await look(id, 'sequence', '.sequence')
})

/** enrol makes a host an agent that the test is, and returns what it says to the engine. */
async function enrol(host) {
  const asked = async (key, path, body) => {
    const r = await fetch(engine.base + path, { method: 'POST', headers: { 'DD-API-KEY': key, 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
    assert.ok(r.ok, `${path}: ${r.status}`)
    return r.status === 204 ? undefined : r.json()
  }
  const token = await engine.call('/api/nightjar/v1/keys', { name: 'token for ' + host, role: 'enroll' })
  const made = await asked(token.key, '/api/nightjar/v1/agents/enroll', { host, agent_version: '1', kernel: '6.1', tags: [] })
  let sequence = 0
  return async (more = {}) => {
    const signed = await asked(made.key, '/api/nightjar/v1/agents/sync', { agent: made.agent, instance: 'i', host, agent_version: '1', kernel: '6.1', tags: [], sequence, ...more })
    if (!signed) return undefined
    const text = Buffer.from(signed.payload, 'base64').toString()
    sequence = JSON.parse(text).sequence
    return text
  }
}

scene('a kill shows what it touches, takes a reason, and reaches the agent', async () => {
  await makeRule('A miner', [{ name: 'miner', query: 'source:runtime-security-agent @agent.rule_id:miner', groupByFields: ['host'] }], ['miner > 0'], { detectionMethod: 'threshold', evaluationWindow: 300 }, 'critical')
  const event = `{"timestamp":${Date.now()},"source":"runtime-security-agent","hostname":"web-1","agent":{"rule_id":"miner","boot_id":"b00t","process_start":9007199254740},"evt":{"name":"exec"},"process":{"pid":4711,"created_at":1772366340000000123,"args":"-o pool <b>x</b>","user":"www-data","file":{"path":"/tmp/x","inode":9007}}}`
  const sent = await fetch(engine.base + '/api/v2/logs', { method: 'POST', headers: { 'DD-API-KEY': engine.key, 'Content-Type': 'application/json' }, body: event })
  assert.ok(sent.ok)
  const id = await theSignal('A miner')
  const page = await openPage(browser, engine, { path: '/signals/' + id })
  await page.getByText('No agent is enrolled on web-1, so nothing can be done there from here.').waitFor()
  const sync = await enrol('web-1')
  await sync()
  await look(id, 'respond', 'section[aria-label=Respond] .actions')

  await page.reload()
  await page.getByRole('button', { name: 'Kill x (4711)' }).click()
  const dialog = page.getByRole('dialog', { name: 'Kill x (4711)?' })
  for (const said of ['web-1', '/tmp/x 4711', '-o pool <b>x</b>', 'www-data', /heard of .* ago/, 'The process ends at once']) await dialog.getByText(said).first().waitFor()
  const kill = dialog.getByRole('button', { name: 'Kill x (4711)' })
  await comes.equal(() => kill.isDisabled(), true, 'it takes a reason')
  await page.keyboard.type('a miner')
  await comes.deepEqual(() => axeFaults(page), [])
  await trial(page, 'respond-kill')
  await kill.click()
  await page.getByRole('status').filter({ hasText: 'Asked for: kill x (4711).' }).waitFor()
  await page.locator('.response').getByText('waiting').waitFor()
  const orders = await sync()
  for (const part of ['"pid":4711', '"boot":"b00t"', '9007199254740', '9007']) assert.ok(orders.includes(part), `${part} is not in ${orders}`)
  const [command] = JSON.parse(orders).commands
  await sync({ results: [{ id: command.id, status: 'performed', at: Date.now(), report: { type: 'kill', killed: [4711] } }] })
  await page.locator('.response').getByText('done').waitFor()
  await comes.equal(() => page.evaluate(() => document.querySelectorAll('dialog b').length), 0)
  assert.deepEqual(page.faults, [])
})

scene('an isolation that was asked for by mistake is taken back before the agent hears of it', async () => {
  const id = await theSignal('A miner')
  const page = await openPage(browser, engine, { theme: 'light', path: '/signals/' + id })
  await page.getByRole('button', { name: 'Isolate web-1' }).click()
  const dialog = page.getByRole('dialog', { name: 'Isolate web-1?' })
  await dialog.getByText('The host reaches nothing but this engine until it is let back.').waitFor()
  await trial(page, 'respond-isolate')
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('button', { name: 'Isolate web-1' }).click()
  await dialog.getByLabel('Why').fill('by mistake')
  await dialog.getByRole('button', { name: 'Isolate web-1' }).click()
  await page.getByRole('button', { name: 'Undo' }).click()
  await page.getByText('Taken back before the agent heard of it.').waitFor()
  await page.locator('.response').getByText('cancelled').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('who may not kill is told so where they would', async () => {
  const id = await theSignal('A miner')
  for (const [role, kills, collects] of [['reader', 'needs responder', 'needs analyst'], ['analyst', 'needs responder', ''], ['engineer', 'needs responder', ''], ['responder', '', '']]) {
    const { key } = await engine.call('/api/nightjar/v1/keys', { name: `why ${role}`, role })
    const page = await openPage(browser, { ...engine, key }, { path: '/signals/' + id })
    for (const [name, lacks] of [['Kill x (4711)', kills], ['Isolate web-1', kills], ['Collect processes of web-1', collects]]) {
      const button = page.getByRole('button', { name })
      await button.waitFor()
      await comes.equal(() => button.isDisabled(), lacks !== '', `${role}: ${name}`)
      await comes.equal(async () => (await button.getAttribute('title')) ?? '', lacks, `${role}: ${name}`)
    }
    assert.deepEqual(page.faults, [], role)
  }
})
