// Who looks at the page, and what they look for.
import { openPage } from './engine.mjs'

/** asReader signs somebody in who may only read. */
export async function asReader(browser, engine, path, name) {
  const { password } = await engine.call('/api/nightjar/v1/users', { name, role: 'reader' })
  const page = await openPage(browser, engine, { signedIn: false, path })
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  return page
}

/** rowOf is the row of a listing that has a text. */
export const rowOf = (page, text) => page.locator('.listing tbody tr').filter({ hasText: text })

/** fitsItsWidth reports whether nothing stands out at the side. */
export const fitsItsWidth = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

/** isDim reports whether what a place shows is said to be of the last question: it has lost its colours. */
export const isDim = (place) => place.evaluate((e) => ['--hi', '--critical'].every((name) => getComputedStyle(e).getPropertyValue(name) === getComputedStyle(e).getPropertyValue('--mut')))

/** editorOf is the field of an editor, by its name. */
export const editorOf = (page, name) => page.locator('.cm-content').and(page.getByRole('textbox', { name, exact: true }))

/** write puts a text into an editor in the place of all that is there, as somebody does: by keys. */
export async function write(page, name, text) {
  const editor = editorOf(page, name)
  await editor.waitFor()
  await editor.press('Control+a')
  await page.keyboard.insertText(text)
}

/** settled waits until the view of an address is there, and asks nothing. */
export async function settled(page, path) {
  await page.waitForFunction((p) => location.pathname + location.search === p, path)
  await page.waitForFunction(() => document.querySelector('#content main') && !document.querySelector('#content .bone, #content .keep-bones'))
  for (let calm = 0; calm < 3; calm = page.waiting.size === 0 ? calm + 1 : 0) await page.waitForTimeout(30)
}
