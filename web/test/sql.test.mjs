import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { hostile, send } from './data.mjs'
import { axeFaults, openBrowser, openPage, scene, startEngine } from './engine.mjs'

let engine, browser
before(async () => {
  engine = await startEngine()
  browser = await openBrowser()
  const hour = 3600_000
  const now = Date.now()
  await send(engine, [
    ...Array.from({ length: 90 }, (_, i) => ({ ddsource: 'door', hostname: 'gate-' + (Math.floor(i / 6) % 3), message: `knock ${i}`, timestamp: now - (i % 6) * hour, evt: { outcome: i % 5 === 0 ? 'success' : 'failure' } })),
    ...Object.values(hostile).map((text) => ({ ddsource: 'hostile', hostname: hostile.quotes, service: hostile.script, message: text })),
  ])
})
after(async () => {
  await browser?.close()
  await engine?.stop()
})

const rows = (page) => page.locator('.table-row')
const row = (page, text) => rows(page).filter({ hasText: text }).first()
const editor = (page) => page.locator('.cm-content').and(page.getByRole('textbox', { name: 'Statement', exact: true }))
const text = (page) => editor(page).evaluate((el) => [...el.querySelectorAll('.cm-line')].map((l) => l.textContent).join('\n'))
const sql = (statement, more = '') => '/search?form=sql' + (statement === '' ? '' : '&sql=' + encodeURIComponent(statement)) + more

scene('a statement is completed with tables, columns, attributes and functions', async () => {
  const page = await openPage(browser, engine, { path: sql('') })
  await editor(page).fill('')
  await editor(page).pressSequentially('SELECT hos')
  await page.locator('.cm-tooltip-autocomplete li').getByText('host', { exact: true }).waitFor()
  await page.keyboard.press('Tab')
  await engine.until('the completion', async () => (await text(page)) === 'SELECT host')
  await editor(page).pressSequentially(', attributes.evt.out')
  await page.locator('.cm-tooltip-autocomplete li').getByText('attributes.evt.outcome').waitFor()
  await page.keyboard.press('Tab')
  await editor(page).pressSequentially(', toStartOfHo')
  await page.locator('.cm-tooltip-autocomplete li').getByText('toStartOfHour').first().waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await editor(page).pressSequentially('timestamp) AS t FROM ')
  await page.locator('.cm-tooltip-autocomplete li').getByText('events', { exact: true }).waitFor()
  await page.keyboard.press('Escape') // what is offered is closed, the field is not left
  await editor(page).pressSequentially("events WHERE source = 'door' AND letters")
  assert.equal(await page.getByRole('dialog').count(), 0, 'no key of the page acts while somebody types')
  for (const _ of 'AND letters') await page.keyboard.press('Backspace')
  await editor(page).press('Control+Enter')
  await page.getByText('90 rows', { exact: true }).waitFor()
  assert.match(await text(page), /SELECT host, attributes\.evt\.outcome, toStartOfHour\(timestamp\) AS t FROM events/)
  assert.deepEqual(page.faults, [])
})

scene('Tab leaves the editor, Escape too, and it has a name', async () => {
  const page = await openPage(browser, engine, { path: sql('') })
  await editor(page).click()
  await page.keyboard.press('Tab')
  await page.getByRole('button', { name: /^Run/ }).and(page.locator(':focus')).waitFor()
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.type('x')
  await engine.until('what is typed', async () => (await text(page)).includes('x'))
  await page.keyboard.press('Escape') // of what is offered
  await page.keyboard.press('Escape')
  await page.keyboard.press('?')
  await page.getByRole('dialog').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('rows are drawn over time, by name, and the drawing has its numbers', async () => {
  const page = await openPage(browser, engine, { path: sql("SELECT toStartOfHour(timestamp) AS hour, host, count() AS knocks FROM events WHERE source = 'door' GROUP BY hour, host ORDER BY hour") })
  await page.getByText('18 rows', { exact: true }).waitFor()
  await page.getByRole('button', { name: 'Chart' }).click()
  await page.getByRole('img', { name: /gate-0 5 to 5; gate-/ }).locator('canvas').waitFor()
  await page.locator('.plot-canvas').hover({ position: { x: 300, y: 100 } })
  await page.locator('.plot-legend').getByText('5', { exact: true }).first().waitFor()
  const plot = await page.locator('.plot-canvas .u-over').boundingBox()
  await page.mouse.move(plot.x + plot.width * 0.3, plot.y + 40)
  await page.mouse.down()
  await page.mouse.move(plot.x + plot.width * 0.7, plot.y + 60, { steps: 4 })
  await page.mouse.up()
  await page.getByRole('button', { name: 'Back to all of it' }).click()
  await page.getByText('As a table').click()
  await page.locator('.plot-scroll tbody tr').nth(5).waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.reload()
  await page.locator('.plot canvas').waitFor()
  await page.goto(sql("SELECT host, count() AS knocks FROM events WHERE source = 'door' GROUP BY host ORDER BY host", '&shown=chart'))
  await page.getByRole('region', { name: 'knocks by host' }).getByRole('row', { name: 'gate-1 30' }).waitFor()
  await page.getByRole('button', { name: 'gate-1' }).click()
  await page.getByRole('menuitem').first().waitFor()
  await page.keyboard.press('Escape')
  assert.deepEqual(await axeFaults(page), [])
  await page.goto(sql('SELECT host, message FROM events LIMIT 3', '&shown=chart'))
  await page.getByText('A chart needs a column of numbers.').waitFor()
  assert.deepEqual(page.faults, [])
})

scene('SQL says where it is wrong, Tab mends it, and it is saved', async () => {
  const page = await openPage(browser, engine, { path: sql('') })
  await editor(page).fill("SELECT host, count() AS n FROM events WHERE source = 'door' GROUP BY host ORDER BY host")
  await editor(page).press('Control+Enter')
  await page.getByText('3 rows', { exact: true }).waitFor()
  await row(page, 'gate-0').waitFor()
  assert.deepEqual(await axeFaults(page), [])
  await page.getByRole('button', { name: 'Saved' }).click()
  await page.getByRole('menuitem', { name: 'Save this statement' }).click()
  await page.getByLabel('Name of the statement').fill('Knocks by gate')
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').filter({ hasText: 'Knocks by gate is saved.' }).waitFor()
  await page.goto('/search?form=sql')
  await page.getByRole('button', { name: 'Saved' }).click()
  await page.getByRole('menuitemcheckbox', { name: 'Knocks by gate' }).click()
  await row(page, 'gate-2').waitFor()
  await editor(page).fill('SELECT host\nFROM events\nGRUP BY host')
  await editor(page).press('Control+Enter')
  await page.getByRole('button', { name: '3:6' }).click()
  await page.keyboard.type('|')
  assert.equal(await text(page), 'SELECT host\nFROM events\nGRUP |BY host', 'the place leads there')
  await page.getByText('3 rows', { exact: true }).waitFor()
  await page.getByText('of the last statement that could be run').waitFor()
  await editor(page).fill('SELECT hist, count() AS n\nFROM events\nGROUP BY hist')
  await editor(page).press('Control+Enter')
  await page.locator('.cm-mistake').getByText('hist').waitFor()
  await page.getByRole('alert').filter({ hasText: '1:8' }).getByRole('button', { name: 'Use host' }).waitFor()
  await editor(page).press('Tab')
  await engine.until('the fix', async () => (await text(page)).startsWith('SELECT host, count'))
  await page.goBack()
  await engine.until('the statement of the address', async () => (await text(page)).startsWith('SELECT host\nFROM events\nGRUP'))
  assert.deepEqual(page.faults.filter((f) => !f.includes('400')), [])
})

scene('what is stored is text in a cell, in a chart and in the editor', async () => {
  const page = await openPage(browser, engine, { path: sql("SELECT message, service FROM events WHERE source = 'hostile'") })
  await row(page, '<script>').waitFor()
  await row(page, '<img').click()
  await page.getByLabel('Row', { exact: true }).getByText('<img src=x').waitFor()
  await page.goto(sql("SELECT message, count() AS n FROM events WHERE source = 'hostile' GROUP BY message", '&shown=chart'))
  await page.locator('.bars').getByText('<script>').waitFor()
  await page.goto(sql("SELECT timestamp, message, 1 AS n FROM events WHERE source = 'hostile' -- " + hostile.image, '&shown=chart'))
  await page.locator('.plot-legend').getByText('<img').waitFor()
  assert.equal(await page.evaluate(() => window.hacked), undefined)
  assert.equal(await page.locator('img, [onclick], [onload]').count(), 0)
  assert.deepEqual(page.faults, [])
})

for (const theme of ['dark', 'light']) {
  for (const [name, width, height] of [['wide', 1440, 900], ['telephone', 390, 844]]) {
    scene(`nothing is inaccessible: ${theme}, ${name}`, async () => {
      const page = await openPage(browser, engine, { theme, width, height, path: sql("SELECT toStartOfHour(timestamp) AS hour, count() AS knocks FROM events WHERE source = 'door' GROUP BY hour ORDER BY hour", '&shown=chart') })
      await page.locator('.plot canvas').waitFor()
      await page.locator('.cm-content').waitFor()
      assert.deepEqual(await axeFaults(page), [])
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'nothing is wider than the window')
      if (width < 760) for (const b of await page.locator('main button:visible').all()) assert.ok((await b.boundingBox()).height >= 36, await b.innerText())
      assert.deepEqual(page.faults, [])
    })
  }
}
