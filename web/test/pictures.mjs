// Pictures that tests take: those of the documentation, and those of what a test looked at.
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const trials = process.env.TRIALS || join(tmpdir(), 'nightjar-trials')
/** Without PICTURES, those of the documentation are trials too. */
const shown = process.env.PICTURES || trials

async function take(page, folder, name) {
  await mkdir(folder, { recursive: true })
  await page.screenshot({ path: join(folder, name + '.png') })
}

/** trial takes a picture to look at, into the folder TRIALS, by default one of the system's for temporary files. */
export const trial = (page, name) => take(page, trials, name)

/** picture takes one of the documentation, into the folder PICTURES. */
export const picture = (page, name) => take(page, shown, name)
