import assert from 'node:assert/strict'
import { before } from 'node:test'
import { send } from './data.mjs'
import { assertInBothThemes, axeFaults, comes, openPage, scene, stage, startEngine } from './engine.mjs'
import { makeMethods } from './methods.mjs'
import { trial } from './pictures.mjs'

// Why a signal of each method fired, as it is drawn: each number is worked out here again from
// the events that methods.mjs sent.

const { engine, browser } = await stage(startEngine('--lateness', '36500d'))
let said
before(async () => {
  said = await makeMethods(engine)
})

const theSignal = (name) => engine.until(`a signal of ${name}`, async () =>
  (await engine.call('/api/v2/security_monitoring/signals?filter%5Bquery%5D=' + encodeURIComponent(`rule_name:"${name}"`))).data[0]?.id)

const clock = (at) => new Date(at).toISOString().slice(11, 19)
const millis = (at) => new Date(at).toISOString().slice(11, 23)
const count = (n) => Math.round(n).toLocaleString('en-US')

/** see looks at the page of a rule's signal in both themes, and then as narrow as on a telephone, and gives what is told of why. */
async function see(name, picture, part, check) {
  const id = await theSignal(name)
  const page = await openPage(browser, engine, { height: 1000, path: '/signals/' + id })
  for (const [width, height] of [[1440, 1000], [390, 844]]) {
    await page.setViewportSize({ width, height })
    const why = page.getByRole('region', { name: 'Why it fired' })
    await why.locator(part).first().waitFor()
    await why.locator('.tree-row').first().waitFor()
    await page.locator('.event-row').nth(1).waitFor()
    await page.getByText('would have hidden').waitFor()
    await check(why, page)
    await assertInBothThemes(page, `${picture} ${width}`)
    await why.scrollIntoViewIfNeeded()
    await trial(page, `why-${picture}-${width}`)
  }
  assert.deepEqual(page.faults, [])
}

/** rows are the lines of the conditions: what they say, and their cells. */
const rows = (why) => why.locator('.tree-row:not(.tree-head)').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent.replace(/^[✓–│├└ ]+/, ''))))

/** inWindow are those of moments that a window that ends at one holds. */
const inWindow = (moments, end, width) => moments.filter((at) => at > end - width && at <= end).length

scene('a threshold: the window over time, against its number', async () => {
  const reached = said.guesses.find((at) => inWindow(said.guesses, at, 300_000) >= 5)
  await see('SSH brute force', 'threshold', '.window-chart', async (why) => {
    const [line] = await rows(why)
    assert.deepEqual(line, ['holds', 'failed_logins ≥ 5', 'in 5 min', '5', millis(reached)])
    await comes.match(() => why.locator('.window-chart svg[role=img]').first().getAttribute('aria-label'), new RegExp(`^failed_logins: at most ${said.guesses.length}, threshold ≥ 5`))
    await why.getByText('threshold ≥ 5', { exact: true }).waitFor()
    await comes.equal(() => why.locator('.window-events line').count(), said.guesses.length, 'an event is a line')
  })
})

scene('a sequence: when each step was reached, and what it came to', async () => {
  const guessing = said.guesses.find((at) => inWindow(said.guesses, at, 300_000) >= 5)
  const most = Math.max(...said.guesses.filter((at) => at >= guessing && at <= said.success).map((at) => inWindow(said.guesses, at, 300_000)))
  await see('SSH login after failures', 'sequence', '.window-chart', async (why, page) => {
    const told = await rows(why)
    const seconds = Math.round((said.success - guessing) / 1000)
    assert.deepEqual(told[0], ['holds', 'sequence complete: guessing, then in', '', `${seconds} s`, ''])
    assert.deepEqual(told[1], ['holds', 'guessing failed_logins ≥ 5', 'in 5 min', String(most), millis(guessing)])
    assert.deepEqual(told.find((r) => r[1].startsWith('in logins')), ['holds', 'in logins > 0', 'in 60 s, ≤ 15 min on', '1', millis(said.success)])
    assert.ok(told.every((r) => r[0] === 'holds' && !r[1].includes('?')), 'each part is asked of an event that it is about')
    await why.getByText(`guessing ${clock(guessing)}`).waitFor()
    await why.getByText(`in ${clock(said.success)}, ${seconds} s later`).waitFor()
    await page.getByText(`${said.guesses.length + 1}, newest first`).waitFor()
  })
})

scene('a new value: beside those that were seen before', async () => {
  await see('New country of a user', 'new-value', '.seen-before-row', async (why) => {
    await why.locator('.seen-before-row').nth(1).waitFor()
    await comes.deepEqual(() => why.locator('.seen-before-row').evaluateAll((all) => all.map((r) => r.textContent)), ['Czechia4', 'Brazilnever before'])
    await comes.equal(async () => (await rows(why))[0][1], 'a new value of @network.client.geoip.country.name')
  })
})

scene('an anomaly: what was counted, outside of the band that was learned', async () => {
  const worst = said.buckets.at(-1)
  await see('Unusual volume of object reads', 'anomaly', '.band', async (why) => {
    const label = await why.locator('.band svg').getAttribute('aria-label')
    const [, value, lower, upper] = /^(\d+) at .*, where (\d+) to (\d+) is usual$/.exec(label)
    const sameHour = said.buckets.slice(0, -1).filter((b) => (worst.at - b.at) % 86_400_000 === 0).map((b) => b.count)
    assert.equal(Number(value), worst.count)
    assert.ok(Number(lower) <= Math.min(...sameHour) && Number(upper) >= Math.max(...sameHour) && Number(upper) < worst.count / 2, `${label}, where that hour of the other days has ${sameHour}`)
    await comes.equal(() => why.locator('.band-outside').count(), 1, 'only the burst is outside')
    await why.getByText('and the band that was learned, by hour of day').waitFor()
    const [line] = await rows(why)
    assert.deepEqual([line[0], line[1], line[2]], ['holds', 'reads > 0.9999', 'in 1 h'])
    assert.ok(Number(line[3]) > 0.9999 || line[3] === '> 0.99999', line[3])
  })
})

scene('a journey: a map, with how far and how fast', async () => {
  const rad = (d) => (d * Math.PI) / 180
  const km = (a, b) => 2 * 6371.0088 * Math.asin(Math.sqrt(Math.sin(rad(b.latitude - a.latitude) / 2) ** 2 + Math.cos(rad(a.latitude)) * Math.cos(rad(b.latitude)) * Math.sin(rad(b.longitude - a.longitude) / 2) ** 2))
  const legs = said.stops.slice(1).map((s, i) => ({ km: km(said.stops[i], s), kmh: km(said.stops[i], s) / ((s.at - said.stops[i].at) / 3_600_000) }))
  await see('Impossible travel', 'journey', '.map .land', async (why) => {
    const lines = await why.locator('.stops li').allInnerTexts()
    said.stops.forEach((s, i) => assert.ok(lines[i].includes(`${s.city}, ${s.country}`) && lines[i].includes(clock(s.at)), lines[i]))
    legs.forEach((l, i) => assert.ok(lines[i + 1].includes(`${count(l.km)} km`) && lines[i + 1].includes(`${count(l.kmh)} km/h`), lines[i + 1]))
    await comes.deepEqual(() => why.locator('.map-label').allInnerTexts(), ['Stockholm', 'Paris', 'São Paulo', `${count(legs[1].kmh)} km/h`])
    await comes.equal(() => why.locator('.leg.impossible').count(), 1)
    await comes.deepEqual(async () => (await rows(why)).slice(1, 3).map((r) => [r[1], r[3]]), [['km > 500', count(legs[1].km)], ['km/h > 1,000', count(legs[1].kmh)]])
  })
})

scene('alerts of a vendor: the grade that holds', async () => {
  await see('Alerts of the vendor', 'third-party', '.tree-row', async (why) => {
    const told = await rows(why)
    assert.deepEqual(told.slice(0, 3).map((r) => [r[0], r[1]]), [['holds', 'severe: @alert.level:severe'], ['holds', 'source:vendor'], ['does not hold', 'minor: @alert.level:minor']])
  })
})

scene('signals over signals: both, in one window', async () => {
  await see('Guessed, and in', 'correlation', '.tree-row', async (why) => {
    const told = await rows(why)
    assert.deepEqual(told.map((r) => [r[1], r[3]]), [['guessed > 0 && broke_in > 0', ''], ['guessed > 0', '1'], ['broke_in > 0', '1']])
    assert.equal(told[0][4], millis(said.success))
  })
})

scene('a workload signal: the lineage, with what each process did', async () => {
  await see('Reverse shell from web server child', 'workload', '.process', async (why) => {
    const told = await why.locator('.process:not(.process-head)').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent.replace(/^[│├└ ]+/, ''))))
    assert.deepEqual(told.map((r) => r[0].replace(/ \(.*/, '')), ['systemd', 'nginx', 'php-fpm8.2', 'sh', 'bash', 'connect', 'cat', 'open'])
    assert.deepEqual(told[4].slice(1), ['20990', 'www-data', millis(said.shell), '/usr/bin/bash -i'])
    assert.equal(told[5][4], '198.51.100.77:4444')
    assert.equal(told[7][4], '/var/www/shop/.env')
    await comes.match(() => why.locator('.process.fired').innerText(), /^[│├└ ]*bash/)
    await why.getByText('Agent rule reverse_shell_web v1 of policy web-servers v12').waitFor()
    const clauses = await why.locator('.clause:not(.event-head)').evaluateAll((all) => all.map((row) => [...row.children].map((cell) => cell.textContent)))
    assert.deepEqual(clauses, [
      ['exec.file.name in ["bash", "sh"]', '✓held bash'], ['&& process.ancestors.file.name == "nginx"', '✓held dash, php-fpm8.2, nginx, systemd'],
      ['&& process.tty_name == ""', '✓held '], ['&& process.user == "www-data"', '✓held www-data'],
    ])
  })
})

scene('a content anomaly: the line that is like no other', async () => {
  await see('An unusual line', 'content', '.tree-row', async (why, page) => {
    const [line] = await rows(why)
    assert.equal(line[0], 'holds')
    assert.equal(line[4], millis(said.unusual))
    await comes.match(() => page.locator('.lead').innerText(), /host store-1/)
    await page.locator('.event-row').getByText(said.unusualLine).waitFor()
  })
})

scene('a signal that went on has versions, and a suppression says that it would have hidden a true positive', async () => {
  const id = await theSignal('SSH brute force')
  const at = said.guesses.at(-1) + 30_000
  await send(engine, [{ ddsource: 'sshd', hostname: 'bastion-1', timestamp: at, message: 'Failed password', evt: { name: 'ssh_login', outcome: 'failure' }, usr: { id: 'root' }, network: { client: { ip: said.ip } } }])
  const page = await openPage(browser, engine, { path: '/signals/' + id })
  await page.getByText(`${said.guesses.length + 1} events`).first().waitFor()
  await page.locator('.versions summary').click()
  await page.locator('.versions li').first().getByText(`1 more, ${said.guesses.length + 1} events`).waitFor()
  const suppress = page.getByRole('region', { name: 'Suppress' })
  await suppress.getByText('would have hidden 1 of 1 signal').waitFor()
  await suppress.getByText('no true positive').waitFor()
  await comes.equal(() => suppress.getByLabel('Until').inputValue(), '7', 'a week, unless somebody says otherwise')
  await page.getByLabel('Reason').selectOption({ label: 'True positive' })
  await page.getByRole('button', { name: /^Save/ }).click()
  await page.locator('.history').getByText('archived it as true positive').waitFor()
  await page.reload()
  await suppress.getByText('1 true positive').waitFor()
  await comes.ok(() => suppress.getByText('1 true positive').evaluate((el) => el.closest('.critical') !== null), 'it is red')
  await suppress.getByRole('button', { name: 'Suppress anyway' }).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  assert.deepEqual(page.faults, [])
})
