// Writes licences.txt beside the page: the notice of every package of which something is in
// the files that the page loads. A package without one ends the build.
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** What becomes part of the page before the bundler sees it: build/fonts.mjs and build/world.mjs. */
const made = ['@fontsource/inter', '@fontsource/jetbrains-mono', 'world-atlas']

/** notices is the part of the bundler that does so. */
export const notices = () => ({
  name: 'notices',
  apply: 'build',
  async generateBundle(_, bundle) {
    const modules = Object.values(bundle).flatMap((file) => Object.keys(file.modules ?? {}))
    const packages = [...new Set([...modules.flatMap((id) => packageOf(id) ?? []), ...made])].sort()
    const source = (await Promise.all(packages.map(noticeOf))).join('\n' + '-'.repeat(80) + '\n\n')
    this.emitFile({ type: 'asset', fileName: 'licences.txt', source: `The page of nightjar has parts of these packages in it.\n\n${source}` })
  },
})

/** packageOf is the package that a module is from; undefined: it is the page's own. */
const packageOf = (id) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll('\\', '/'))?.[1]

async function noticeOf(name) {
  const folder = join('node_modules', name)
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice|ofl)/i.test(file)).sort()
  if (files.length === 0) throw new Error(`${name} has no file with its licence: find its notice, and put it into build/notices.mjs.`)
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return `${name} ${version}\n\n${texts.map((text) => text.trim()).join('\n\n')}\n`
}
