// Runs the files of scenes, one after the other. With RUN_FAILED_AGAIN, those of up to two
// files of which a scene failed are run once more and named in the end: a scene that races
// is to be mended, and does not hold back what is right.
import { readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { run } from 'node:test'
import { tap } from 'node:test/reporters'

const here = import.meta.dirname
const mostAgain = 2

/** played runs files, prints what happened, and gives the scenes that failed, of each file. */
async function played(files) {
  const failed = new Map()
  for (const file of files) {
    const scenes = []
    const stream = run({ files: [file], concurrency: 1 })
    stream.on('test:fail', ({ name, details }) => scenes.push(`${name}: ${String(details.error?.cause?.message ?? details.error?.message ?? '').split('\n').slice(0, 12).join('\n    ')}`))
    console.log(`# ${relative(here, file)}`)
    for await (const text of stream.compose(tap)) process.stdout.write(text)
    if (scenes.length > 0) failed.set(file, scenes)
  }
  return failed
}

const all = process.argv.length > 2 ? process.argv.slice(2) : (await readdir(here)).filter((f) => f.endsWith('.test.mjs')).sort()
let failed = await played(all.map((f) => join(here, f)))
const told = (head) => {
  for (const [file, scenes] of failed) for (const scene of scenes) console.log(`${head}: ${relative(here, file)}: ${scene}`)
}
if (failed.size > 0 && failed.size <= mostAgain && process.env.RUN_FAILED_AGAIN) {
  const again = [...failed.keys()]
  told('FAILED ONCE, its file is run again')
  const second = await played(again)
  if (second.size > 0) failed = second
  else {
    told('FAILED ONCE, and passed then; to be mended')
    failed = new Map()
  }
}
told('FAILED')
process.exitCode = failed.size > 0 ? 1 : 0
