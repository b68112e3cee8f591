import assert from 'node:assert/strict'
import { applyBundled, enrol, loadDemo, send } from './data.mjs'
import { openPage, scene, stage } from './engine.mjs'
import { picture } from './pictures.mjs'

// The pictures of the documentation: the main views, with the demo's day.

const api = '/api/nightjar/v1'
const { engine, browser } = await stage()
let demo = false

const row = (page, text) => page.locator('.table-row').filter({ hasText: text }).first()
const query = (of) => new URLSearchParams(of).toString()
const idOf = async (text) => (await engine.call('/api/v2/security_monitoring/signals/search', { filter: { query: `rule_name:"${text}"` } })).data[0].id
const ruleOf = async (name) => (await engine.call(api + '/rules?page%5Bsize%5D=100')).data.find((r) => r.name === name).id

/** shows takes the picture of an address, when all that it asks for was answered and what is told to be seen is there. */
async function shows(name, path, seen, { then = async () => undefined, ...options } = {}) {
  const page = await openPage(browser, engine, { width: 1280, height: 800, ...options, path: typeof path === 'function' ? await path() : path })
  await seen(page).first().waitFor()
  await then(page)
  await page.waitForFunction(() => document.fonts.status === 'loaded' && !document.querySelector('#content .bone, #content .keep-bones'))
  if (demo && (options.width ?? 1280) > 760) await page.waitForFunction(() => document.querySelector('.queue-count').textContent !== '')
  let calm = 0
  await engine.until(`answers to ${page.url()}`, async () => (calm = page.waiting.size === 0 ? calm + 1 : 0) > 3)
  await picture(page, name)
  assert.deepEqual(page.faults, [], name)
}

scene('the first start', () => shows('first-start', '/', (p) => p.getByRole('heading', { name: 'Nothing has arrived yet' })))

/** suppress keeps signals of a rule from people. */
const suppress = async (name, rule, more) => engine.call('/api/v2/security_monitoring/configuration/suppressions', {
  data: { type: 'suppressions', attributes: { name, enabled: true, rule_query: 'id:' + await ruleOf(rule), ...more } },
})

let lossy
scene('what people do in a day is prepared', async () => {
  await applyBundled(engine)
  await suppress('Scans of our own', 'SSH brute force', { description: 'The scanner tries each host', suppression_query: '@network.client.ip:192.0.2.77', expiration_date: Date.now() + 20 * 864e5 })
  await suppress('Moving the build servers', 'Shell started by PHP or a web server', { suppression_query: 'host:build-*', expiration_date: Date.now() + 2 * 864e5 })
  await suppress('The backup reads everything', 'Credentials of a cloud read', { suppression_query: '@process.executable.name:restic' })
  await loadDemo(engine)
  await send(engine, Array.from({ length: 12 }, (_, i) => ({ ddsource: 'sshd', hostname: 'bastion', timestamp: Date.now() - 40 * 60_000, message: `Failed password for root from 192.0.2.77 port ${4000 + i} ssh2` })))
  await engine.until('what is hidden', async () => (await engine.call(api + '/suppressions/standings')).suppressions.some((x) => Number(x.hidden) > 0))
  const { key } = await engine.call(api + '/keys', { name: 'enrolment', role: 'enroll' })
  const { version } = await engine.call(api + '/agents/rollout')
  for (const [host, lost, denials] of [['bastion-1', {}, 0], ['web-1', {}, 14], ['web-2', { 'the ring buffer was full': 34 }, 0]]) {
    lossy = await enrol(engine, key, host, { in_force: version, counts: { generated: 900, delivered: 866, lost, denials }, abilities: { kill: 'send_signal', exec: 'no: the kernel has no bpf among its security modules' } })
  }
  await engine.until('tests of the rules', async () => (await engine.call(api + '/attack_coverage')).pending === 0)
  demo = true
})

const list = '/signals?from=now-7d'
for (const [name, options] of [['signals', {}], ['signals-light', { theme: 'light' }]]) {
  scene(`signals: ${name}`, () => shows(name, list, (p) => row(p, 'SSH brute force'), {
    ...options, width: 1440, height: 900,
    then: async (page) => {
      await row(page, 'SSH brute force').click()
      await page.locator('.panel .window-chart').first().waitFor()
      await page.locator('.facets').getByText('Triage').waitFor()
    },
  }))
}
scene('signals on a telephone', () => shows('telephone', list, (p) => row(p, 'SSH brute force'), { theme: 'light', width: 390, height: 844 }))
scene('a signal, and why it fired', () => shows('signal', async () => '/signals/' + await idOf('SSH brute force'), (p) => p.locator('.window-chart'), { then: (p) => p.getByText('would have hidden').waitFor() }))
scene('an entity', () => shows('entity', '/entity/%40network.client.ip/203.0.113.66?from=now-7d', (p) => p.locator('.event-row').nth(1)))
scene('a search', () => shows('search', '/search?' + query({ query: 'source:sshd', from: 'now-7d' }), (p) => p.locator('.table-row')))
scene('an event', () => shows('event', '/search?' + query({ query: 'source:sshd', from: 'now-7d' }), (p) => p.locator('.table-row'), {
  then: async (page) => {
    await page.locator('.table-row').first().click()
    await page.locator('.panel').getByText('Read by').waitFor()
  },
}))
scene('SQL, as a chart', () => shows('sql', '/search?' + query({ form: 'sql', shown: 'chart', sql: 'SELECT toStartOfHour(timestamp) AS hour, source, count() AS events\nFROM events\nWHERE source IN (\'sshd\', \'nginx\', \'portal\')\nGROUP BY hour, source\nORDER BY hour' }), (p) => p.locator('.plot canvas')))
scene('the rules', () => shows('rules', '/rules', (p) => p.locator('.table-row')))
scene('a rule', () => shows('rule', async () => '/rules/' + await ruleOf('SSH brute force'), (p) => p.getByRole('heading', { name: 'SSH brute force' })))
scene('coverage of ATT&CK', () => shows('coverage', '/rules/coverage?technique=T1110', (p) => p.locator('.coverage-cell.proved')))
scene('the suppressions', () => shows('suppressions', '/suppressions', (p) => row(p, 'Scans of our own')))
scene('the sources', () => shows('sources', '/sources?source=sshd', (p) => p.locator('.listing tbody tr')))
scene('a pipeline', () => shows('pipelines', '/sources/pipelines/sshd', (p) => p.locator('.cm-line')))
scene('the agents', () => shows('agents', () => '/agents?agent=' + lossy, (p) => p.locator('.keep-panel').getByText('web-2')))
scene('operation', () => shows('operation', '/operation', (p) => p.getByRole('heading', { name: 'Operation' })))
