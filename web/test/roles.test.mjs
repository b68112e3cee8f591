import assert from 'node:assert/strict'
import { before } from 'node:test'
import { makeRule, makeSignals } from './data.mjs'
import { axeFaults, comes, openPage, scene, stage } from './engine.mjs'
import { settled } from './people.mjs'

// Who may what, in every view: what somebody may not stays to be seen, says what it needs,
// and no call is made that would be refused.

const { engine, browser } = await stage()
let places
const keys = {}
const roles = ['reader', 'analyst', 'responder', 'engineer', 'admin']
before(async () => {
  for (const role of [...roles, 'intake']) keys[role] = (await engine.call('/api/nightjar/v1/keys', { name: `a ${role}`, role })).key
  await makeSignals(engine, 'high', 3, 'roles')
  const rule = (await makeRule(engine, 'Of roles', 'low', 'roles AND @usr.id:nobody')).id
  const { data } = await engine.call('/api/v2/security_monitoring/configuration/suppressions', {
    data: { type: 'suppressions', attributes: { name: 'Of roles', enabled: true, rule_query: 'id:' + rule, suppression_query: '@usr.id:nobody', expiration_date: Date.now() + 864e5 } },
  })
  const [signal] = await engine.until('signals', async () => {
    const found = await engine.call('/api/v2/security_monitoring/signals/search', { filter: { query: 'rule_name:"Test of high"' } })
    return found.data.length === 3 && found.data
  })
  places = [
    '/signals', '/signals/' + signal.id, '/search', '/search?mode=sql', '/entity/@usr.id/user-high-0', '/sources', '/sources/connect', '/sources/pipelines', '/sources/tables',
    '/rules', '/rules/' + rule, '/rules/new', '/rules/bundled', '/rules/coverage?technique=T1110', '/suppressions', '/suppressions/' + data.id, '/suppressions/new',
    '/agents', '/operation', '/operation/notifications', '/operation/keys', '/operation/users', '/operation/audit',
  ]
})

const as = (role) => ({ ...engine, key: keys[role] })
const onlyForAdmins = ['/operation/keys', '/operation/users', '/operation/audit']

/** buttonsOf are the buttons of a view: their names without numbers, and what they need, which they say themselves or beside them. */
const buttonsOf = (page) => page.evaluate(() => [...document.querySelectorAll('#content button')].filter((b) => b.checkVisibility()).map((b) => ({
  name: (b.getAttribute('aria-label') ?? b.textContent).replace(/: needs .*/, '').replace(/[\d.,]+/g, '#').replace(/#[smhd]\b/g, '#').replace(/\s+/g, ' ').trim(), disabled: b.disabled,
  why: [b.title, b.textContent, b.parentElement.textContent].map((t) => /needs [a-z ]+/.exec(t)?.[0]).find((t) => t) ?? '',
})))

const seen = {}
for (const role of [...roles].reverse()) {
  scene(`each view opens as ${role}: nothing is refused, and what is not permitted is there and says what it needs`, async () => {
    const page = await openPage(browser, as(role), { path: '/signals' })
    for (const path of places) {
      await page.goto(path)
      await settled(page, path)
      assert.deepEqual(page.faults, [], path)
      let buttons = await buttonsOf(page)
      if (role === 'admin') {
        seen[path] = buttons
        continue
      }
      if (onlyForAdmins.includes(path)) {
        await page.getByRole('heading', { name: 'This is for admins' }).waitFor()
        continue
      }
      const lacking = (shown) => [...new Set(seen[path].map((b) => b.name).filter((n) => !shown.some((b) => b.name === n)))]
      for (const end = Date.now() + 15_000; lacking(buttons).length > 0 && Date.now() < end; await page.waitForTimeout(50)) buttons = await buttonsOf(page)
      assert.deepEqual(lacking(buttons), [], `${path}: what ${role} is not shown`)
      const dumb = buttons.filter((b) => b.disabled && b.why === '' && seen[path].some((a) => a.name === b.name && !a.disabled))
      assert.deepEqual(dumb, [], `${path}: what is shut without a reason`)
    }
  })
}

scene('what a reader may not is shut in every view, with the role that may', async () => {
  const page = await openPage(browser, as('reader'), { path: '/signals' })
  const shut = async (path, name, why) => {
    if (path) {
      await page.goto(path)
      await settled(page, path)
    }
    const button = page.locator('#content').getByRole('button', { name }).first()
    await button.waitFor()
    await comes.equal(() => button.isDisabled(), true, `${name} of ${path}`)
    await comes.equal(() => button.getAttribute('title'), why, `${name} of ${path}`)
  }
  const [, signal] = places
  await shut(signal, 'Suppress', 'needs engineer')
  await shut('/rules', 'New rule', 'needs engineer')
  await shut(places.find((p) => /^\/rules\/(?!new|bundled|coverage)./.test(p)), /^Disable$/, 'needs engineer')
  await shut('/rules/coverage?technique=T1110', /^Enable/, 'needs engineer')
  await shut('/suppressions', 'New suppression', 'needs engineer')
  await shut(places.find((p) => /^\/suppressions\/(?!new)./.test(p)), 'Delete', 'needs engineer')
  assert.deepEqual(page.faults, [])
})

scene('in each view a reload stays, and Back leads back', async () => {
  const page = await openPage(browser, as('admin'), { path: '/signals' })
  const saying = () => page.evaluate(() => document.querySelector('#content h1')?.textContent)
  for (const path of places.slice(1)) {
    await page.goto(path)
    await settled(page, path)
    const says = await saying()
    await page.reload()
    await settled(page, path)
    await comes.equal(saying, says, `${path}: after a reload`)
    await page.locator('.top nav a', { hasText: path.startsWith('/search') ? 'Rules' : 'Search' }).click()
    await page.waitForFunction((p) => location.pathname + location.search !== p, path)
    await page.goBack()
    await settled(page, path)
    await comes.equal(saying, says, `${path}: after Back`)
  }
  assert.deepEqual(page.faults, [])
})

// What is wrong with a sign-in is what the engine refuses: the browser notes each refusal.
const refused = (f) => !/status of 40[13]/.test(f)
const signIn = async (page, name, password) => {
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

scene('somebody signs in with a password, and out; what a session that ended had open is still there', async () => {
  const { id, password } = await engine.call('/api/nightjar/v1/users', { name: 'amira', role: 'analyst' })
  const page = await openPage(browser, engine, { signedIn: false, path: '/rules/coverage' })
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await comes.deepEqual(() => axeFaults(page), [])
  await signIn(page, 'amira', 'not it')
  await page.getByRole('alert').getByText('It is not valid here.').waitFor()
  await signIn(page, 'amira', password)
  await page.locator('.coverage-cell').first().waitFor()
  await comes.match(() => page.url(), /\/rules\/coverage$/, 'where they wanted to go')
  await page.reload()
  await page.locator('.coverage-cell').first().waitFor()
  await page.getByRole('button', { name: 'amira' }).click()
  await page.getByText('amira, analyst').waitFor()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await signIn(page, 'amira', password)
  await page.locator('.coverage-cell').first().waitFor()
  await page.goto('/suppressions')
  await page.getByRole('link', { name: '1 suppression' }).waitFor()
  await engine.call(`/api/nightjar/v1/users/${id}`, undefined, 'DELETE')
  await page.getByText('Your session has ended. What you had open is still in the address.').waitFor()
  await comes.match(() => page.url(), /\/suppressions$/)
  assert.deepEqual(page.faults.filter(refused), [])
})

scene('a key that is none, that sees nothing, or that was revoked lets nobody in', async () => {
  await engine.call('/api/nightjar/v1/users', { name: 'boris', role: 'reader' })
  const page = await openPage(browser, engine, { signedIn: false, path: '/signals' })
  const withKey = async (key) => {
    await page.getByLabel('Key').fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  await page.getByRole('button', { name: 'Use a key' }).click()
  await withKey('of-another-engine')
  await page.getByRole('alert').getByText('It is not valid here.').waitFor()
  await withKey(keys.intake)
  await page.getByRole('alert').getByText(/A key of the role intake sees nothing here|It is not valid here/).waitFor()
  const { id, key } = await engine.call('/api/nightjar/v1/keys', { name: 'short', role: 'reader' })
  await withKey(key)
  await page.locator('.table-row').first().waitFor()
  await engine.call(`/api/nightjar/v1/keys/${id}`, undefined, 'DELETE')
  await page.getByText('Your session has ended.').waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  assert.deepEqual(page.faults.filter(refused), [])
})
