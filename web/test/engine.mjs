// A real engine for the tests of the page, and browsers that look at it.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, test } from 'node:test'
import { chromium } from 'playwright-core'

const root = resolve(import.meta.dirname, '../..')

async function freePort() {
  const s = createServer()
  await new Promise((done) => s.listen(0, '127.0.0.1', done))
  const { port } = s.address()
  await new Promise((done) => s.close(done))
  return port
}

/** startEngine runs bin/nightjar on a data folder of its own. */
export const startEngine = async (...flags) => startEngineOn(await mkdtemp(join(tmpdir(), 'nightjar-page-')), ...flags)

/** startEngineOn runs it on a data folder, which is deleted in the end. */
export async function startEngineOn(dir, ...flags) {
  const [http, grpc] = [await freePort(), await freePort()]
  const base = `http://127.0.0.1:${http}`
  const child = spawn(process.env.NIGHTJAR ?? join(root, 'bin/nightjar'), ['up', '--data-dir', dir, '--http', `127.0.0.1:${http}`, '--grpc', `127.0.0.1:${grpc}`, ...flags], {
    env: { ...process.env, NIGHTJAR_API_KEY: '' }, stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const ended = new Promise((done) => child.once('exit', done))
  for (const out of [child.stdout, child.stderr]) out.on('data', (text) => (said += text))
  const engine = {
    base, dir, key: '', said: () => said,
    /** end leaves the data folder. */
    end: async () => {
      child.kill('SIGTERM')
      await ended
    },
    stop: async () => {
      await engine.end()
      await rm(dir, { recursive: true, force: true })
    },
    /** call asks the API with the first key. */
    call: async (path, body, method) => {
      const answer = await fetch(base + path, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: { 'DD-API-KEY': engine.key, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    },
    /** until asks again and again, for a minute at most. */
    until: async (what, ask) => {
      for (let i = 0; i < 300; i++) {
        const found = await ask()
        if (found) return found
        await new Promise((done) => setTimeout(done, 200))
      }
      throw new Error(`waited in vain for ${what}\n${said}`)
    },
  }
  try {
    await engine.until('the engine', async () => {
      if (child.exitCode !== null) throw new Error('the engine ended:\n' + said)
      return fetch(base + '/readyz?for=search').then((r) => r.ok, () => false)
    })
    engine.key = (await readFile(join(dir, 'api-key'), 'utf8')).trim()
  } catch (e) {
    await engine.stop()
    throw e
  }
  return engine
}

const open = new Set()

/** scene is a test that ends what it opened, and shows what was to be seen where it failed. */
export const scene = (name, act) =>
  test(name, async () => {
    try {
      await act()
    } catch (e) {
      for (const page of open) {
        const seen = await page.locator('body').innerText().catch(() => '')
        const path = join(tmpdir(), `nightjar-page-${Date.now()}.png`)
        await page.screenshot({ path }).catch(() => undefined)
        console.log(`# ${name}: ${page.url()} (${path})\n# ${seen.slice(0, 1500).replaceAll('\n', '\n# ')}\n# ${page.faults.join('\n# ')}\n# not answered: ${[...page.waiting].map((r) => r.url()).join(' ')}`)
      }
      throw e
    } finally {
      for (const page of open) await page.context().close()
      open.clear()
    }
  })

/** inEveryLook is a scene on a screen and on a telephone, which looks at both themes by assertInBothThemes; act is given what openPage takes of that, and its name. */
export function inEveryLook(name, act) {
  for (const [on, width, height] of [['wide', 1440, 900], ['telephone', 390, 844]]) scene(`${name}: ${on}`, () => act({ width, height }, on))
}

/** openBrowser is Debian's Chromium; without windows, where that is installed: it needs less than half as much of the processors. */
export const openBrowser = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((f) => existsSync(f)), args: ['--no-sandbox'] })

/** stage is an engine and a browser for all scenes of a file, which end with them. */
export async function stage(starting = startEngine()) {
  const engine = await starting
  try {
    const browser = await openBrowser()
    after(() => browser.close().finally(engine.stop))
    return { engine, browser }
  } catch (e) {
    await engine.stop()
    throw e
  }
}

/** openPage is a window of its own that notes what it should not have: errors, and requests to elsewhere. */
export async function openPage(browser, engine, { path = '/', signedIn = true, width = 1440, height = 900, theme = 'dark' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, baseURL: engine.base })
  if (signedIn) await context.addInitScript((key) => sessionStorage.setItem('nightjar.key', key), engine.key)
  context.setDefaultTimeout(60_000) // what comes, comes sooner; a loaded machine takes its time
  await context.addInitScript(lastLonger)
  const page = await context.newPage()
  page.faults = []
  page.waiting = new Set()
  page.on('request', (r) => page.waiting.add(r))
  for (const end of ['requestfinished', 'requestfailed']) page.on(end, (r) => page.waiting.delete(r))
  open.add(page)
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && page.faults.push(`console: ${m.text()}`))
  page.on('pageerror', (e) => page.faults.push(`error: ${e.stack}`))
  page.on('request', (r) => new URL(r.url()).origin !== engine.base && page.faults.push(`request to ${r.url()}`))
  await page.goto(path)
  return page
}

/** lastLonger keeps what was done, and its Undo, in the line for longer than ten seconds: a loaded machine needs them to press it. */
function lastLonger() {
  const after = window.setTimeout
  window.setTimeout = (act, ms, ...more) => after(act, ms === 10_000 ? 120_000 : ms, ...more)
}

/** drawn waits for what a list of signals shows after its rows: when they were, and how many of each. */
export async function drawn(page) {
  await page.locator('.histogram svg[aria-label*=" from "]').waitFor({ state: 'attached' })
  await page.locator('.facets .severity').first().waitFor({ state: 'attached' })
}

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/**
 * comes has the assertions of node:assert for what comes to be so: each asks again until it
 * holds, for half a minute at most, since a word of a page does not tell that all others are
 * there, too. It fails with what it was told last.
 */
export const comes = Object.fromEntries(['deepEqual', 'equal', 'match', 'notEqual', 'ok'].map((name) => [name, async (ask, ...expected) => {
  for (const until = Date.now() + 30_000; ; await new Promise((done) => setTimeout(done, 50))) {
    const last = Date.now() > until
    try {
      assert[name](await ask(), ...expected)
      return
    } catch (e) {
      if (last) throw e
    }
  }
}]))

/** axeFaults are what axe finds wrong with the page as it is: rule, and where. */
export async function axeFaults(page) {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(await readFile(axe, 'utf8'))
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
  return violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.target.join(' ')}: ${n.failureSummary}`))
}

/** assertAccessible fails where axe finds something wrong with what is shown, or where it is wider than the window. */
export async function assertAccessible(page, what) {
  await comes.deepEqual(() => axeFaults(page), [], what)
  await comes.equal(() => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'nothing is wider than the window')
}

/** assertInBothThemes is assertAccessible of what is shown, in light and in the dark: a theme is a change of colours, for which no page is opened anew. */
export async function assertInBothThemes(page, what) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    await assertAccessible(page, `${what}, ${colorScheme}`)
  }
}

/** rewrite replaces what stands in an editor, as somebody does who deletes it first. */
export async function rewrite(page, editor, text) {
  await page.locator('.cm-content').and(editor).waitFor()
  await editor.press('ControlOrMeta+a')
  await editor.press('Delete')
  await page.keyboard.insertText(text)
}
