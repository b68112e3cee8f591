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

/**
 * watchPress runs in the page: it notes when it is pressed next, by the event's own time, and
 * the frame after that which shows what isSeen looks for, and the first that isSign does, in
 * milliseconds from the press. What drives the page takes part in neither.
 */
function watchPress(isSeen, isSign) {
  const press = new Promise((done) => {
    const kinds = ['pointerdown', 'pointerup', 'keydown']
    const told = (e) => {
      for (const k of kinds) removeEventListener(k, told, true)
      done(e.timeStamp)
    }
    for (const k of kinds) addEventListener(k, told, true)
  })
  const frameOf = (is) => new Promise((done) => {
    const look = () => {
      if (!is()) return
      seen.disconnect()
      requestAnimationFrame(() => setTimeout(() => done(performance.now())))
    }
    const seen = new MutationObserver(look)
    seen.observe(document.documentElement, { subtree: true, childList: true, attributes: true, characterData: true })
  })
  const answer = frameOf(isSeen)
  const sign = isSign ? frameOf(isSign) : answer
  window.pressWatched = Promise.all([press, answer]).then(async ([at, seen]) => ({ at: performance.timeOrigin + at, answer: seen - at, sign: (await Promise.race([sign, seen])) - at }))
}

/** Stopwatch keeps how long each kind of act took. */
export class Stopwatch {
  times = new Map()

  /**
   * measure acts, and notes the time from the press to the frame that shows the answer.
   * isSeen and isSign are functions of the page, which take nothing from here. It gives when it
   * was pressed, in milliseconds since 1970, and how long the first sign took.
   */
  async measure(page, name, act, isSeen, isSign) {
    await page.evaluate(`(${watchPress})(${isSeen}, ${isSign ?? 'undefined'})`)
    await act()
    const { at, answer, sign } = await page.evaluate('window.pressWatched')
    this.note(name, answer)
    return { at, sign }
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
