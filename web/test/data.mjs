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
