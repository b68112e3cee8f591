// One of each thing that people or senders can name, named by what would run or break a page.
import { enrol, send } from './data.mjs'

/** evil would run if it were ever more than text, turns what follows it around, and is longer than any window. */
const evilOf = (length) => '<img src=x onerror=alert(1)>\u202e' + 'A'.repeat(length)
export const evil = evilOf(10_000)

const api = '/api/nightjar/v1'
const pipeline = (name) => ({ name, description: name, is_enabled: true, filter: { query: 'source:nobody' }, processors: [{ type: 'attribute-remapper', name, is_enabled: true, sources: ['a'], source_type: 'attribute', target: 'b', target_type: 'attribute' }] })

/** named makes something with the longest name that is taken there, and notes what is taken nowhere. */
async function named(refused, what, make) {
  for (const length of [10_000, 1000, 190, 80, 30]) {
    const made = await make(evilOf(length)).catch((e) => e)
    if (!(made instanceof Error)) return made
    refused.set(what, made.message)
  }
  return undefined
}

/** makeEvil makes them, and gives the ids of what is at an address of its own; refused are the names that are taken nowhere. */
export async function makeEvil(engine) {
  const refused = new Map()
  const make = (what, how) => named(refused, what, async (name) => {
    const made = await how(name)
    refused.delete(what)
    return made
  })
  const call = (path, body, method) => engine.call(path, body, method)
  const rule = await make('rule', (name) => call('/api/v2/security_monitoring/rules', {
    name, isEnabled: true, type: 'log_detection', message: `${name} {{@usr.id}}`, tags: ['team:' + name.slice(0, 150)],
    queries: [{ name: 'seen', query: 'status:info @marker:evil', groupByFields: ['@usr.id', 'host'] }], cases: [{ name: name.slice(0, 200), status: 'high', condition: 'seen > 0', notifications: [] }],
    options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 3600, maxSignalDuration: 86400 },
  }))
  const suppression = await make('suppression', (name) => call('/api/v2/security_monitoring/configuration/suppressions', {
    data: { type: 'suppressions', attributes: { name, description: name, enabled: true, rule_query: 'id:' + rule.id, suppression_query: `@usr.id:"${name.slice(0, 200)}"` } },
  }))
  const target = await make('target', (name) => call(api + '/notification-targets', { name, type: 'webhook', url: 'https://soc.example.org/hook' }))
  const read = await make('pipeline', (name) => call(api + '/pipelines', pipeline(name)))
  await make('key', (name) => call(api + '/keys', { name, role: 'reader' }))
  await make('user', (name) => call(api + '/users', { name, role: 'reader' }))
  for (const kind of ['signals', 'search']) await make('view of ' + kind, (name) => call(api + '/views', { name, kind, address: '/' + kind, shared: true }))
  await make('statement', (name) => call(api + '/views', { name, kind: 'sql', statement: 'SELECT 1', shared: true }))
  const table = await makeTable(engine)
  const { key } = await call(api + '/keys', { name: 'enrolment', role: 'enroll' })
  const agent = await make('host of an agent', (host) => enrol(engine, key, host, { counts: { generated: 9, delivered: 8, lost: { [host.slice(0, 100)]: 1 } }, abilities: { kill: host } }))
  await send(engine, [{ ddsource: evil, hostname: evil, service: evil, ddtags: `evil:${evil}`, status: 'info', message: evil, marker: 'evil', usr: { id: evil, [evilOf(50)]: evil } }])
  const signal = await engine.until('its signal', async () => (await call('/api/v2/security_monitoring/signals/search', { filter: { query: '@marker:evil OR rule_id:' + rule.id } })).data[0])
  const { data: [event] } = await call('/api/v2/logs/events/search', { filter: { query: '@marker:evil', from: 'now-1h' } })
  return { refused, signal: signal.id, event: event.id, rule: rule.id, suppression: suppression?.data.id, target: target?.id, pipeline: read?.id, table, agent }
}

/** makeTable makes a table whose cells are evil; names of tables and columns are letters. */
async function makeTable(engine) {
  const of = '/api/v2/reference-tables/'
  const upload = await engine.call(of + 'uploads', { data: { type: 'upload', attributes: { table_name: 'evil', headers: ['user', 'what'], part_count: 1, part_size: 100_000 } } })
  await fetch(upload.data.attributes.part_urls[0], { method: 'PUT', body: `user,what\n${evilOf(900)},${evilOf(900)}\n` })
  await engine.call(of + 'tables', { data: { type: 'reference_table', attributes: { table_name: 'evil', description: evilOf(500), source: 'LOCAL_FILE', schema: { fields: [{ name: 'user', type: 'STRING' }, { name: 'what', type: 'STRING' }], primary_keys: ['user'] }, file_metadata: { upload_id: upload.data.id } } } })
  return (await engine.call(of + 'tables')).data.find((t) => t.attributes.table_name === 'evil').id
}
