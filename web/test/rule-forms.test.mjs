// Every method is made by its form, checked, stored, and read again as it was typed.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { hostile, makeRule, send } from './data.mjs'
import { axeFaults, comes, openPage, rewrite, scene, stage } from './engine.mjs'

const { engine, browser } = await stage()
before(async () => {
  await send(engine, [{ ddsource: 'forms', hostname: 'h', message: 'x', usr: { id: 'u' }, network: { client: { ip: '192.0.2.1' } } }])
})

const field = (page, label) => page.getByLabel(label, { exact: true })
const values = async (page, label, ...all) => {
  for (const v of all) {
    await field(page, label).fill(v)
    await field(page, label).press('Enter')
  }
}

/** make opens a new rule of a type and a method, and fills in what all have. */
async function make({ method, type = 'Logs', name, query = 'source:forms' }) {
  const page = await openPage(browser, engine, { path: '/rules/new?group=%40usr.id&query=' + encodeURIComponent(query) })
  await field(page, 'Name').fill(name)
  if (type !== 'Logs') await field(page, 'Looks at').selectOption({ label: type })
  if (method !== 'Threshold') await field(page, 'Method').selectOption({ label: method })
  await field(page, 'Message').fill('Look at {{@usr.id}}.')
  return page
}

/** stored stores the draft, reads it again in the page, and gives the API's document. */
async function stored(page) {
  await page.locator('.rule-tabs').getByText('no errors').waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await page.getByRole('button', { name: /Store the rule/ }).click()
  await page.waitForURL(/\/rules\/(?!new)/)
  const id = new URL(page.url()).pathname.split('/').at(-1)
  await page.reload()
  await page.locator('.rule-tabs').getByText('no errors').waitFor()
  assert.deepEqual(page.faults, [])
  return { id, rule: await engine.call('/api/nightjar/v1/rules/' + id) }
}

/** has asserts that a document says what another does, and may say more. */
function has(document, wanted, place = '') {
  for (const [name, value] of Object.entries(wanted)) {
    const at = `${place}.${name}`
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) has(document?.[name], value, at)
    else if (Array.isArray(value) && value.every((v) => typeof v === 'object')) {
      assert.equal(document?.[name]?.length, value.length, at)
      value.forEach((v, i) => has(document[name][i], v, `${at}[${i}]`))
    } else assert.deepEqual(document?.[name], value, at)
  }
}

scene('a threshold, with everything that few rules say', async () => {
  const page = await make({ method: 'Threshold', name: 'By form: threshold' })
  await field(page, 'Query name').fill('failed')
  await field(page, 'Counts').selectOption('cardinality')
  await values(page, 'Different', '@network.client.ip')
  await field(page, 'Condition of case 1').fill('failed > 3')
  await page.getByRole('button', { name: 'Add a case' }).click()
  await field(page, 'Severity of case 2').selectOption('info')
  await field(page, 'Condition of case 2').fill('failed > 1')
  await field(page, 'Name of case 2').fill('a few')
  await field(page, 'Within').selectOption({ label: '10 min' })
  await field(page, 'Keep alive').selectOption({ label: '12 h' })
  await values(page, 'Tags', 'technique:T1110-brute-force', 'a tag, with: a comma')
  await page.getByText('Filters, tables, and what few rules say').click()
  await page.getByRole('button', { name: 'Add a filter' }).click()
  await page.getByRole('group', { name: 'Filters' }).getByLabel('Events').fill('service:quiet')
  await page.getByRole('button', { name: 'Add a reference table' }).click()
  const table = page.getByRole('group', { name: 'Reference tables' })
  await table.getByLabel('Name').fill('trusted')
  await table.getByLabel('Column').fill('ip')
  await table.getByLabel('Field').fill('@network.client.ip')
  await table.getByLabel('How table 1 counts').selectOption('out')
  await page.getByLabel('Letter case does not count').check()
  await page.getByLabel('Less severe where env is').check()
  const { rule } = await stored(page)
  has(rule, {
    name: 'By form: threshold', message: 'Look at {{@usr.id}}.', type: 'log_detection', tags: ['technique:T1110-brute-force', 'a tag, with: a comma'],
    queries: [{ name: 'failed', query: 'source:forms', aggregation: 'cardinality', distinctFields: ['@network.client.ip'], groupByFields: ['@usr.id'] }],
    cases: [{ status: 'medium', condition: 'failed > 3' }, { status: 'info', condition: 'failed > 1', name: 'a few' }],
    filters: [{ action: 'suppress', query: 'service:quiet' }], referenceTables: [{ tableName: 'trusted', columnName: 'ip', logFieldPath: '@network.client.ip', ruleQueryName: 'failed', checkPresence: false }],
    options: { detectionMethod: 'threshold', evaluationWindow: 600, keepAlive: 43200, maxSignalDuration: 86400, caseInsensitive: true, decreaseCriticalityBasedOnEnv: true },
  })
})

scene('a new value', async () => {
  const page = await make({ method: 'New value', name: 'By form: new value' })
  await values(page, 'New values of', '@network.client.ip', '@network.client.geoip.country.name')
  await field(page, 'Condition of case 1').fill('')
  await field(page, 'Forgets after').fill('21')
  await field(page, 'Learns for').fill('3')
  await page.getByLabel('Learns from stored events at once').check()
  const { rule } = await stored(page)
  has(rule, {
    queries: [{ aggregation: 'new_value', metrics: ['@network.client.ip', '@network.client.geoip.country.name'], groupByFields: ['@usr.id'] }],
    options: { detectionMethod: 'new_value', newValueOptions: { forgetAfter: 21, learningDuration: 3, learningMethod: 'duration', instantaneousBaseline: true } },
  })
})

scene('a new value that is learned from a number of events', async () => {
  const page = await make({ method: 'New value', name: 'By form: new value of events' })
  await values(page, 'New values of', '@network.client.ip')
  await field(page, 'Learns').selectOption('threshold')
  await field(page, 'Learns from').fill('25')
  const { rule } = await stored(page)
  has(rule, { options: { newValueOptions: { learningMethod: 'threshold', learningThreshold: 25 } } })
})

scene('an anomaly, with what is nightjar’s own', async () => {
  const page = await make({ method: 'Anomaly', name: 'By form: anomaly' })
  await field(page, 'Condition of case 1').fill('events > 0.999')
  await field(page, 'Counts in').selectOption({ label: '15 min' })
  await field(page, 'Learns for').selectOption({ label: '7 days' })
  await field(page, 'Tolerates').fill('3')
  await field(page, 'Before that').fill('500')
  await page.getByLabel('New groups are judged by the others').check()
  const { rule } = await stored(page)
  has(rule, {
    cases: [{ condition: 'events > 0.999' }],
    options: { detectionMethod: 'anomaly_detection', anomalyDetectionOptions: { bucketDuration: 900, learningDuration: 168, detectionTolerance: 3, learningPeriodBaseline: 500, peerBaseline: true } },
  })
})

scene('a content anomaly', async () => {
  const page = await make({ method: 'Content anomaly', name: 'By form: content' })
  await field(page, 'Similar is').fill('80')
  await field(page, 'Usual from').fill('2')
  await field(page, 'Forgets after').fill('10')
  const { rule } = await stored(page)
  has(rule, { options: { detectionMethod: 'content_anomaly', contentAnomalyOptions: { similarityPercentage: 80, similarItems: 2, forgetAfter: 10 } } })
})

scene('impossible travel', async () => {
  const page = await make({ method: 'Impossible travel', name: 'By form: travel' })
  await field(page, 'Learns for').fill('7')
  const { rule } = await stored(page)
  has(rule, {
    queries: [{ aggregation: 'geo_data', metrics: ['@network.client.geoip'], groupByFields: ['@usr.id'] }],
    options: { detectionMethod: 'impossible_travel', impossibleTravelOptions: { baselineUserLocations: true, baselineUserLocationsDuration: 7 } },
  })
})

scene('a sequence of three steps', async () => {
  const page = await make({ method: 'Sequence', name: 'By form: sequence' })
  await page.getByRole('group', { name: 'Query other' }).getByLabel('Events', { exact: true }).fill('source:forms service:b')
  await page.getByRole('group', { name: 'Step 1' }).getByLabel('Name').fill('broke_in')
  await page.getByRole('group', { name: 'Step 1' }).getByLabel('Holds when').fill('events > 5')
  await page.getByRole('group', { name: 'Step 1' }).getByLabel('Within').selectOption({ label: '5 min' })
  await page.getByRole('button', { name: 'Add a step' }).click()
  await page.getByRole('group', { name: 'Step 3' }).getByLabel('Holds when').fill('other > 2')
  await page.getByLabel('within', { exact: true }).nth(1).selectOption({ label: '30 min' })
  const { rule, id } = await stored(page)
  const steps = rule.options.sequenceDetectionOptions
  has(steps, {
    steps: [{ name: 'broke_in', condition: 'events > 5', evaluationWindow: 300 }, { name: 'step_b', condition: 'other > 0' }, { name: 'step_c', condition: 'other > 2' }],
    stepTransitions: [{ parent: 'broke_in', child: 'step_b', evaluationWindow: 3600 }, { parent: 'step_b', child: 'step_c', evaluationWindow: 1800 }],
  })
  assert.equal(rule.cases[0].condition, 'step_c > 0', 'the case names the last step')
  await page.getByRole('group', { name: 'Step 2' }).getByRole('button', { name: 'Remove step_b' }).click()
  await page.getByRole('button', { name: /Save as v2/ }).click()
  await page.getByRole('status').filter({ hasText: 'Saved as v2.' }).waitFor()
  has((await engine.call('/api/nightjar/v1/rules/' + id)).options.sequenceDetectionOptions, { stepTransitions: [{ parent: 'broke_in', child: 'step_c', evaluationWindow: 1800 }] })
})

scene('another product’s alerts', async () => {
  const page = await make({ method: 'Third party', name: 'By form: third party' })
  await field(page, 'Query of case 1').fill('@severity:high')
  await field(page, 'Severity of case 1').selectOption('high')
  await page.getByRole('button', { name: 'Add a root query' }).click()
  await page.getByRole('group', { name: 'Root query 2' }).getByLabel('Alerts').fill('source:forms service:scanner')
  await field(page, 'Otherwise').selectOption('low')
  await field(page, 'Title').fill('{{@title}}')
  const { rule } = await stored(page)
  has(rule, {
    thirdPartyCases: [{ status: 'high', query: '@severity:high' }],
    options: { detectionMethod: 'third_party', thirdPartyRuleOptions: { defaultStatus: 'low', signalTitleTemplate: '{{@title}}', rootQueries: [{ query: 'source:forms', groupByFields: ['@usr.id'] }, { query: 'source:forms service:scanner', groupByFields: [] }] } },
  })
})

scene('a hardcoded evaluator is kept, and the form says that it is not evaluated', async () => {
  const page = await make({ method: 'Hardcoded', name: 'By form: hardcoded' })
  await page.getByText('is not evaluated yet').first().waitFor()
  const { rule } = await stored(page)
  has(rule, { options: { detectionMethod: 'hardcoded', hardcodedEvaluatorType: 'log4shell' } })
})

scene('signals of other rules', async () => {
  const other = await makeRule(engine, 'Asked for its signals', 'low', 'forms')
  const page = await make({ method: 'Threshold', type: 'Signals of rules', name: 'By form: correlation' })
  await field(page, 'Signals of').selectOption({ label: 'Asked for its signals' })
  await values(page, 'Joined by', '@usr.id')
  await field(page, 'Condition of case 1').fill('events > 1')
  const { rule } = await stored(page)
  has(rule, { type: 'signal_correlation', queries: [{ name: 'events', ruleId: other.id, aggregation: 'event_count', correlatedByFields: ['@usr.id'] }], cases: [{ condition: 'events > 1' }] })
})

scene('workload: an agent rule in SECL, and the rule over what it sends', async () => {
  const page = await make({ method: 'Threshold', type: 'Workload', name: 'By form: workload', query: '' })
  await page.getByRole('button', { name: 'New agent rule' }).click()
  const making = page.getByRole('group', { name: 'New agent rule' })
  await making.getByLabel('Its name').fill('form_shell')
  await making.getByLabel('Expression').fill('exec.file.nmae == "nc"')
  await making.getByRole('alert').filter({ hasText: '1:1' }).waitFor()
  await comes.equal(() => making.getByRole('button', { name: 'Store the agent rule' }).isDisabled(), true)
  await rewrite(page, making.getByRole('textbox', { name: 'Expression' }), 'exec.file.name == "nc"')
  await making.getByRole('button', { name: 'Store the agent rule' }).click()
  await page.getByLabel('form_shell', { exact: true }).waitFor()
  const { rule } = await stored(page)
  has(rule, { type: 'workload_security', queries: [{ query: '@agent.rule_id:form_shell', dataSource: 'security_runtime' }] })
  const all = await engine.call('/api/v2/remote_config/products/cws/agent_rules')
  assert.equal(all.data.find((r) => r.attributes.name === 'form_shell').attributes.expression, 'exec.file.name == "nc"')
  await rewrite(page, page.getByRole('textbox', { name: 'form_shell', exact: true }), 'exec.file.name == "ncat"')
  await page.getByRole('button', { name: 'Store the expression' }).click()
  await page.getByRole('status').filter({ hasText: 'form_shell is stored.' }).waitFor()
})

scene('a mistake stands at its field, and the list of mistakes leads there', async () => {
  const page = await make({ method: 'New value', name: 'Mistakes' })
  await field(page, 'Forgets after').fill('99')
  await page.getByRole('alert').filter({ hasText: 'want 1 to 30' }).first().waitFor()
  await comes.equal(() => field(page, 'Forgets after').getAttribute('aria-invalid'), 'true')
  await page.locator('.rule-said').getByRole('button', { name: 'options.newValueOptions.forgetAfter' }).click()
  await comes.equal(() => field(page, 'Forgets after').evaluate((e) => e === document.activeElement), true)
  await comes.equal(() => page.getByRole('button', { name: /Store the rule/ }).isDisabled(), true)
  await rewrite(page, page.getByRole('textbox', { name: 'Events', exact: true }), 'a:(b OR')
  await page.locator('.rule-field').filter({ has: field(page, 'Events') }).getByRole('alert').waitFor()
  assert.deepEqual(page.faults, [], 'no answer of 400 while one types')
})

scene('the limits of the form are the engine’s', async () => {
  const page = await openPage(browser, engine, { path: '/rules/new' })
  const base = { name: 'n', message: 'm', isEnabled: true, type: 'log_detection', tags: [], cases: [{ status: 'low', condition: '', notifications: [] }] }
  const ask = async (rule) => (await engine.call('/api/nightjar/v1/rules/check', { rule })).valid
  const of = { 'New value': ['new_value', { aggregation: 'new_value', metrics: ['@a'] }], Anomaly: ['anomaly_detection', {}], 'Content anomaly': ['content_anomaly', {}], 'Impossible travel': ['impossible_travel', { aggregation: 'geo_data', metrics: ['@network.client.geoip'], groupByFields: ['@usr.id'] }] }
  let looked = 0
  for (const [name, [method, query]] of Object.entries(of)) {
    await field(page, 'Method').selectOption({ label: name })
    if (method === 'new_value') await field(page, 'Learns').selectOption('duration')
    const numbers = await page.locator('input[type=number][data-at^="options."]').evaluateAll((all) => all.map((e) => ({ at: e.dataset.at, least: Number(e.min), most: e.max === '' ? undefined : Number(e.max) })))
    for (const n of numbers) {
      if (n.at === 'options.silenceDelay') continue
      const [, group, option] = n.at.split('.')
      const rule = (value) => ({ ...base, queries: [{ name: 'a', query: '*', aggregation: 'count', ...query }], cases: [{ ...base.cases[0], condition: method === 'anomaly_detection' ? 'a > 0.99' : '' }], options: { detectionMethod: method, [group]: { ...(group === 'impossibleTravelOptions' ? { baselineUserLocations: true } : {}), [option]: value } } })
      assert.equal(await ask(rule(n.least)), true, `${n.at} at ${n.least}`)
      assert.equal(await ask(rule(n.least - 1)), false, `${n.at} below ${n.least}`)
      if (n.most !== undefined) {
        assert.equal(await ask(rule(n.most)), true, `${n.at} at ${n.most}`)
        assert.equal(await ask(rule(n.most + 1)), false, `${n.at} above ${n.most}`)
      }
      looked++
    }
  }
  assert.ok(looked >= 8, `${looked} limits`)
})

scene('what the form does not know stays, and hostile text is text', async () => {
  const made = await engine.call('/api/nightjar/v1/rules', {
    name: `H ${hostile.image}`, message: hostile.link, isEnabled: true, type: 'log_detection', tags: [`t:${hostile.script}`, hostile.direction, 'a  b,c'],
    queries: [{ name: 'seen', query: 'source:"<b>x</b>"', groupByFields: ['@usr.id'], index: 'main', indexes: ['main'] }],
    cases: [{ name: hostile.quotes, status: 'low', condition: 'seen > 0', notifications: ['@slack-"><svg'], actions: [{ type: 'block_ip', options: { duration: 900 } }] }],
    options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 3600, maxSignalDuration: 86400, relatedSignalsFields: ['@a'] },
    calculatedFields: [{ name: 'c', expression: 'x' }],
  })
  const page = await openPage(browser, engine, { path: '/rules/' + made.id })
  await page.getByText(/Kept, and edited in the/).getByText(/queries\[0\]\.indexes/).waitFor()
  await field(page, 'Within').selectOption({ label: '10 min' })
  await page.getByRole('button', { name: /Save as v2/ }).click()
  await page.getByRole('status').filter({ hasText: 'Saved as v2.' }).waitFor()
  const now = await engine.call('/api/nightjar/v1/rules/' + made.id)
  assert.equal(now.options.evaluationWindow, 600)
  for (const r of [now, made]) {
    for (const k of ['version', 'updatedAt', 'updateAuthorId', 'updater', 'warnings']) delete r[k]
    delete r.options.evaluationWindow
  }
  assert.deepEqual(now, made)
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})

scene('forms on a telephone', async () => {
  const page = await openPage(browser, engine, { path: '/rules/new?group=%40usr.id', width: 390, height: 844 })
  for (const method of ['Sequence', 'Anomaly', 'Third party']) {
    await field(page, 'Method').selectOption({ label: method })
    await comes.equal(() => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, method)
    await comes.deepEqual(() => axeFaults(page), [], method)
    const small = await page.locator('.rule-form :is(button, input:not([type=checkbox]), select, textarea)').evaluateAll((all) => all.filter((e) => e.offsetParent && e.getBoundingClientRect().height < 36).map((e) => e.outerHTML.slice(0, 80)))
    assert.deepEqual(small, [], method)
  }
})
