import assert from 'node:assert/strict'
import { after } from 'node:test'
import { hostile } from './data.mjs'
import { axeFaults, comes, openPage, scene, stage, startEngine } from './engine.mjs'
import { startProvider } from './provider.mjs'

// Sign-in: by name and password, by a provider, with a key; and how each is refused.

const api = '/api/nightjar/v1'
const provider = await startProvider()
after(() => provider.stop())
const { engine, browser } = await stage(startEngine('--allow-private-targets', '--oidc-issuer', provider.url, '--oidc-client-id', 'nightjar', '--oidc-role', 'soc=analyst', '--oidc-role', 'ops=admin'))

const begin = (page) => page.getByRole('link', { name: 'Sign in with your organisation' })
/** faultsHere are those that no refused request is, and no way to the provider. */
const faultsHere = (page) => page.faults.filter((f) => !f.includes(provider.url) && !/status of 4(01|03|29)/.test(f))
const visit = async (more = {}) => {
  provider.claims = {}
  provider.refuses = ''
  return openPage(browser, engine, { signedIn: false, path: '/signals', ...more })
}

scene('somebody comes in by the provider, to where they were going, with their role, and goes out', async () => {
  const page = await visit({ path: '/search?query=source%3Asshd&from=now-7d' })
  await begin(page).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await begin(page).click()
  await page.waitForURL(/\/search\?query=source%3Asshd&from=now-7d/)
  await page.getByRole('button', { name: 'ann@example.org' }).click()
  await page.getByText('ann@example.org, analyst').waitFor()
  assert.equal(provider.asked.get('code_challenge_method'), 'S256')
  assert.match(provider.asked.get('scope'), /openid/)
  const cookies = await page.context().cookies()
  const session = cookies.find((c) => c.name === 'nightjar')
  assert.deepEqual({ httpOnly: session.httpOnly, sameSite: session.sameSite }, { httpOnly: true, sameSite: 'Lax' })
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await begin(page).waitFor()
  assert.equal((await page.context().cookies()).some((c) => c.name === 'nightjar'), false)
  await page.reload()
  await begin(page).waitFor()
  assert.deepEqual(faultsHere(page), [])
})

scene('who is refused is told why, on the page, once', async () => {
  const cases = [
    [{ groups: ['staff'] }, '', /is in no group that has a role here/],
    [{ groups: ['staff'], preferred_username: hostile.image }, '', /is in no group/],
    [{ exp: Math.floor(Date.now() / 1000) - 3600 }, '', /the clocks of the provider and of this engine may differ/],
    [{ aud: 'another engine' }, '', /does not let them in/],
    [{}, 'access_denied', /it refused/],
  ]
  for (const [claims, refuses, said] of cases) {
    const page = await visit()
    provider.claims = claims
    provider.refuses = refuses
    await begin(page).click()
    await page.getByRole('alert').getByText(said).waitFor()
    await page.waitForURL(/\/signals/)
    await comes.deepEqual(() => axeFaults(page), [])
    await page.reload()
    await begin(page).waitFor()
    await comes.equal(() => page.getByRole('alert').getByText(said).count(), 0)
    assert.equal(await page.evaluate(() => window.hacked), undefined)
    assert.deepEqual(faultsHere(page), [])
  }
})

scene('a sign-in that was not begun in this browser is refused', async () => {
  const page = await visit({ path: `${api}/oidc/callback?state=guessed&code=stolen` })
  await page.getByRole('alert').getByText('was not begun in this browser').waitFor()
  assert.deepEqual(faultsHere(page), [])
})

scene('a password lets somebody in; a wrong one, and too many, do not', async () => {
  const { password } = await engine.call(api + '/users', { name: 'paula', role: 'engineer' })
  const page = await visit()
  const attempt = async (text) => {
    await page.getByLabel('Name').fill('paula')
    await page.getByLabel('Password', { exact: true }).fill(text)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }
  await attempt('wrong')
  await page.getByRole('alert').getByText('It is not valid here.').waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await attempt(password)
  await page.getByRole('button', { name: 'paula' }).waitFor()
  const other = await visit({ width: 390, height: 844, theme: 'light' })
  await other.getByLabel('Name').fill('paula')
  for (let i = 0; i < 40 && (await other.getByText(/Too many attempts\. Try again/).count()) === 0; i++) {
    await other.getByLabel('Password', { exact: true }).fill('wrong ' + i)
    const answered = other.waitForResponse((r) => r.url().endsWith('/sign-in') && r.request().method() === 'POST')
    await other.getByRole('button', { name: 'Sign in', exact: true }).click()
    await answered
    await other.getByRole('alert').getByText(/not valid here|Too many/).waitFor()
  }
  await other.getByText(/Too many attempts\. Try again in /).waitFor()
  await comes.equal(() => other.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true)
  await comes.deepEqual(() => axeFaults(other), [])
  assert.deepEqual([...faultsHere(page), ...faultsHere(other)], [])
})

scene('a session that ends says so, offers all ways in, and one comes back to where one was', async () => {
  const page = await visit()
  await begin(page).click()
  await page.getByRole('button', { name: 'ann@example.org' }).waitFor()
  await page.goto('/rules?query=ssh')
  await page.getByRole('heading', { name: 'Rules' }).or(page.getByRole('link', { name: 'Rules' })).first().waitFor()
  const { sessions } = await engine.call(api + '/sessions')
  for (const s of sessions.filter((s) => s.name === 'ann@example.org')) await engine.call(`${api}/sessions/${s.id}`, undefined, 'DELETE')
  await page.getByText('Your session has ended.').waitFor() // found by what the page asks every few seconds
  await begin(page).click()
  await page.waitForURL(/\/rules\?query=ssh/)
  await page.getByRole('button', { name: 'ann@example.org' }).waitFor()
  assert.deepEqual(faultsHere(page), [])
})

scene('another site’s page changes nothing, though the browser sends the cookie', async () => {
  const page = await visit()
  provider.claims = { groups: ['ops'], preferred_username: 'root@example.org' }
  await begin(page).click()
  await page.getByRole('button', { name: 'root@example.org' }).waitFor()
  const keys = async () => (await engine.call(api + '/keys')).keys.length
  const before = await keys()
  const elsewhere = await page.context().newPage()
  provider.page = `<body><form method="post" enctype="text/plain" action="${engine.base}${api}/keys"><input name='{"name":"forged","role":"admin","x":"' value='"}'></form>
    <form method="post" action="${engine.base}${api}/sign-out"></form></body>`
  for (const n of [0, 1]) {
    await elsewhere.goto(provider.url + '/page')
    const [answer] = await Promise.all([
      elsewhere.waitForResponse((r) => r.url().startsWith(engine.base) && r.request().method() === 'POST'),
      elsewhere.evaluate((i) => document.forms[i].submit(), n),
    ])
    assert.equal(answer.status(), 403, await answer.text())
  }
  await elsewhere.goto(provider.url + '/page')
  const fetched = await elsewhere.evaluate(async ([url]) => {
    const send = (init) => fetch(url, { credentials: 'include', ...init }).then((r) => r.type, () => 'refused')
    return [await send({ method: 'DELETE' }), await send({ method: 'POST', mode: 'no-cors', body: '{}' }), await send({})]
  }, [engine.base + api + '/keys/x'])
  assert.deepEqual(fetched, ['refused', 'opaque', 'refused'])
  await comes.equal(keys, before)
  await page.reload()
  await page.getByRole('button', { name: 'root@example.org' }).waitFor()
  const { entries } = await engine.call(api + '/audit?kind=refusal&text=page')
  assert.ok(entries.length > 0, 'the refusal stands in the audit log')
  assert.deepEqual(faultsHere(page), [])
})

scene('while the provider is away, others come in, and who wanted to by it is told', async () => {
  const away = await startProvider()
  await away.stop()
  const here = await startEngine('--allow-private-targets', '--oidc-issuer', away.url, '--oidc-client-id', 'nightjar', '--oidc-role', 'soc=analyst')
  try {
    const page = await openPage(browser, here, { signedIn: false, path: '/signals' })
    await begin(page).click()
    await page.getByRole('alert').getByText('the provider can\'t be asked').waitFor()
    await page.getByLabel('Key').fill(here.key)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('button', { name: 'Key', exact: true }).waitFor()
    assert.deepEqual(faultsHere(page), [])
  } finally {
    await here.stop()
  }
})
