// Runs the files of scenes, FILES_AT_ONCE of them at the same time (two, where nothing else
// is said): each has an engine and a browser of its own, which mostly wait for each other.
// What a file printed is printed when it ended. With RUN_FAILED_AGAIN, those of up to two
// files of which a scene failed are run once more and named in the end: a scene that races
// is to be mended, and does not hold back what is right.
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { tap } from 'node:test/reporters'

const here = import.meta.dirname
const mostAgain = 2
const atOnce = Math.max(1, Math.floor(Number(process.env.FILES_AT_ONCE ?? 2)) || 1)
// What takes longest begins first, so that nothing waits for it in the end.
const longest = ['million.test.mjs', 'methods.test.mjs', 'search.test.mjs', 'signals.test.mjs', 'page.test.mjs']

/** played runs files, some at once, prints what happened, and gives the scenes that failed, of each file. */
async function played(files, some) {
  const failed = new Map()
  const waiting = [...files]
  const playOnes = async () => {
    for (let file; (file = waiting.shift()); ) {
      const scenes = await scenesThatFail(file)
      if (scenes.length > 0) failed.set(file, scenes)
    }
  }
  await Promise.all(Array.from({ length: some }, playOnes))
  return failed
}

async function scenesThatFail(file) {
  const [scenes, began] = [[], Date.now()]
  const stream = run({ files: [file], concurrency: 1 })
  stream.on('test:fail', ({ name, details }) => scenes.push(`${name}: ${String(details.error?.cause?.message ?? details.error?.message ?? '').split('\n').slice(0, 12).join('\n    ')}`))
  let text = ''
  for await (const part of stream.compose(tap)) text += part
  process.stdout.write(`# ${relative(here, file)}, ${Math.round((Date.now() - began) / 1000)} s\n${text}`)
  return scenes
}

const place = (name) => (longest.includes(name) ? longest.indexOf(name) : longest.length)
const all = process.argv.length > 2 ? process.argv.slice(2) : (await readdir(here)).filter((f) => f.endsWith('.test.mjs')).sort((a, b) => place(a) - place(b) || (a < b ? -1 : 1))
let failed = await played(all.map((f) => join(here, f)), atOnce)
const told = (head) => {
  for (const [file, scenes] of failed) for (const scene of scenes) console.log(`${head}: ${relative(here, file)}: ${scene}`)
}
if (failed.size > 0 && failed.size <= mostAgain && process.env.RUN_FAILED_AGAIN) {
  const again = [...failed.keys()]
  told('FAILED ONCE, its file is run again')
  const second = await played(again, 1)
  if (second.size > 0) failed = second
  else {
    told('FAILED ONCE, and passed then; to be mended')
    failed = new Map()
  }
}
told('FAILED')
process.exitCode = failed.size > 0 ? 1 : 0
