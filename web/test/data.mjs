// What the tests put into an engine: signals with severities, and text of the worst kind.

/** hostile are texts that would do something if they were ever more than text. */
export const hostile = {
  script: '<script>window.hacked = 1</script>',
  image: '<img src=x onerror="window.hacked = 2">',
  quotes: `"><svg onload=window.hacked=3>'\``,
  link: '[press here](javascript:window.hacked=4) ![x](http://elsewhere.invalid/p.png)',
  direction: 'invoice\u202egpj.exe\u200b',
  control: 'one\u0000two\u001b[31mred\u0007',
  long: 'A'.repeat(60_000),
  query: 'a" OR @usr.id:* (b\\',
}

const rule = (name, severity, more) => ({
  name, isEnabled: true, type: 'log_detection', message: `Seen of {{@usr.id}}: {{@note}}\n\n1. Ask them.\n2. **Look** at \`${name}\`.\n\n<b onclick="window.hacked=5">no HTML</b>`,
  tags: ['technique:T1110-brute-force', 'tactic:TA0006-credential-access'],
  queries: [{ name: 'seen', query: `source:${more.source}`, groupByFields: ['@usr.id'] }],
  cases: [{ status: severity, condition: 'seen > 0', notifications: [] }],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 3600, maxSignalDuration: 86400 },
  ...more.rule,
})

export const makeRule = (engine, name, severity, source, more = {}) => engine.call('/api/v2/security_monitoring/rules', rule(name, severity, { source, rule: more }))

/** send posts events, and waits until every rule has seen them. */
export async function send(engine, events) {
  for (let i = 0; i < events.length; i += 500) await engine.call('/api/v2/logs', events.slice(i, i + 500))
  await engine.until('evaluation', async () => (await engine.call('/api/nightjar/v1/status')).caught_up)
}

/** makeSignals makes so many signals of a severity, one for each user. */
export async function makeSignals(engine, severity, n, source = 'page-' + severity) {
  await makeRule(engine, `Test of ${severity}`, severity, source)
  await send(engine, Array.from({ length: n }, (_, i) => ({ ddsource: source, hostname: 'host-' + (i % 5), message: `event ${i}`, usr: { id: `user-${severity}-${i}` } })))
}

/** makeHostile makes signals about every hostile text, by a rule whose name is one. */
export async function makeHostile(engine) {
  await makeRule(engine, `Hostile ${hostile.image}`, 'medium', 'hostile')
  await send(engine, Object.values(hostile).map((text) => ({ ddsource: 'hostile', hostname: hostile.quotes, service: hostile.script, message: text, usr: { id: text.slice(0, 500) }, note: text.slice(0, 2000) })))
}

/** loadDemo loads the demo's day, and waits until what it gives has been found. */
export async function loadDemo(engine) {
  await engine.call('/api/nightjar/v1/demo', {})
  await engine.until('the signals of three attacks', async () => (await engine.call('/api/v2/security_monitoring/signals?page%5Blimit%5D=50')).data.length >= 6)
  await engine.until('evaluation', async () => (await engine.call('/api/nightjar/v1/status')).caught_up)
}

/** applyBundled brings into force what ships with the engine. */
export async function applyBundled(engine) {
  const { rules } = await engine.call('/api/nightjar/v1/bundled_rules')
  await engine.call('/api/nightjar/v1/bundled_rules', { names: rules.map((r) => r.name) })
}

/** enrol makes a host an agent that says of itself what it is told to; token is a key of the role enroll. */
export async function enrol(engine, token, host, said) {
  const ask = async (key, path, body) => {
    const answer = await fetch(`${engine.base}/api/nightjar/v1/agents/${path}`, { method: 'POST', headers: { 'DD-API-KEY': key, 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
  const of = { host, agent_version: '1.0', kernel: '6.1.0 x86_64', tags: ['env:prod'] }
  const { key, agent } = await ask(token, 'enroll', of)
  await ask(key, 'sync', { ...of, agent, instance: host + '-1', wait_seconds: 0, ...said })
  return agent
}
