// What it takes from an act to its answer on the screen, in milliseconds.
import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const root = resolve(import.meta.dirname, '../..')

/** filled is a data folder with so many signals and events. */
export async function filled(signals, events) {
  const dir = await mkdtemp(join(tmpdir(), 'nightjar-million-'))
  const args = ['-data-dir', dir, '-signals', String(signals), '-events', String(events)]
  const { stdout } = await promisify(execFile)(process.env.NIGHTJAR_FILL ?? join(root, 'bin/nightjar-fill'), args, { cwd: root, timeout: 3_600_000 })
  return { dir, said: stdout.trim() }
}

/** painted waits until what was found is on the screen: a frame after it is in the document. */
const painted = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))))

/** Stopwatch keeps how long each kind of act took. */
export class Stopwatch {
  times = new Map()

  /** measure acts, waits for what tells of the answer, and notes the time to the frame that shows it. */
  async measure(page, name, act, answer) {
    const began = performance.now()
    await act()
    await answer()
    await painted(page)
    this.note(name, performance.now() - began)
  }

  note(name, milliseconds) {
    this.times.set(name, [...(this.times.get(name) ?? []), milliseconds])
  }

  /** table is a line for each kind of act: how often, and the quantiles. */
  table() {
    const lines = ['act'.padEnd(36) + 'times'.padStart(7) + 'p50 ms'.padStart(9) + 'p95 ms'.padStart(9)]
    for (const [name, all] of this.times) {
      const sorted = all.toSorted((a, b) => a - b)
      const at = (q) => String(Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0))
      lines.push(name.padEnd(36) + String(all.length).padStart(7) + at(0.5).padStart(9) + at(0.95).padStart(9))
    }
    return lines.join('\n')
  }
}
