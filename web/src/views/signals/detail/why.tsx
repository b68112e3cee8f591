import { explainSignal, type Course, type Explanation } from '../../../api/explain'
import type { Signal } from '../../../api/signals'
import { AnomalyBand } from '../../../parts/anomaly-band'
import { ExplainTree } from '../../../parts/explain-tree'
import { JourneyMap } from '../../../parts/journey-map'
import { Problem } from '../../../parts/problem'
import { ProcessTree } from '../../../parts/process-tree'
import { SequenceLine } from '../../../parts/sequence-line'
import { WindowChart, type Moment, type Point } from '../../../parts/window-chart'
import { useAsk } from '../../../state/ask'
import { clock, duration, useZone } from '../../../state/time'
import { count, oneLine } from '../../../state/text'

/** Why shows why a signal fired: how its windows went, a journey, processes, its conditions. */
export function Why({ signal, brief }: { signal: Signal; brief: boolean }) {
  const why = useAsk(`${signal.id} ${signal.lastSeen}`, (stop) => explainSignal(signal.id, stop))
  if (why.error) return <Problem error={why.error} again={why.again} />
  if (!why.value) return <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>
  const w = why.value
  const lineage = w.processes.filter((p) => p.name !== '' || p.path !== '') // of a log, only a number is known
  const drawsCourse = w.course && w.band.length === 0 && w.journey.length === 0 && telling(w.course)
  return (
    <>
      {w.band.length > 0 && <AnomalyBand points={w.band} first={signal.firstSeen} last={signal.lastSeen} />}
      {w.journey.length > 0 && <JourneyMap stops={w.journey} />}
      {lineage.length > 0 && <ProcessTree roots={lineage} />}
      {drawsCourse && w.course && <Courses course={w.course} why={w} signal={signal} brief={brief} />}
      <SequenceLine steps={w.steps} />
      <ExplainTree why={w} window={signal.window} brief={brief} />
      {w.notes.map((n, i) => <p key={i} class="small mut">{oneLine(n)}</p>)}
      {!brief && <p class="small mut">Counts are for the group {signal.group.length === 0 ? 'of all events' : signal.group.map((g) => oneLine(g, 80)).join(', ')}.{w.course?.thinned && ' Of many points, the highest of each stretch are drawn.'}</p>}
      {w.missing.map((m, i) => <p key={i} class="small mut">Not known: {oneLine(m)}</p>)}
    </>
  )
}

/** telling reports whether a course says more than that something was there once. */
const telling = (c: Course): boolean => c.points.some((p) => p.values.some((v) => v > 1))

/** Courses draws each query that a condition compares with a number. */
function Courses({ course, why, signal, brief }: { course: Course; why: Explanation; signal: Signal; brief: boolean }) {
  const zone = useZone()
  const compared = course.queries.filter((q) => course.thresholds.some((t) => t.query === q))
  const drawn = (compared.length > 0 ? compared : course.queries).slice(0, brief ? 1 : 4)
  return (
    <>
      {drawn.map((name) => {
        const i = course.queries.indexOf(name)
        const limits = course.thresholds.filter((t) => t.query === name)
        const limit = limits.find((t) => why.cases[t.case]?.holds) ?? limits[0]
        const points = course.points.map((p) => ({ at: p.at, value: p.values[i] ?? 0 }))
        const last = points.at(-1)
        const most = Math.max(...points.map((p) => p.value))
        const reached: Moment[] = [{ at: signal.firstSeen, text: `${limit ? 'reached' : 'first'} ${clock(signal.firstSeen, zone)}`, look: 'reached' }]
        if (signal.lastSeen - signal.firstSeen > 1000) reached.push({ at: signal.lastSeen, text: `${count(most)}, last ${clock(signal.lastSeen, zone)}`, look: 'now' })
        const upTo = fromWhereItRises(last && last.at < course.to ? [...points, { at: course.to, value: last.value }] : points)
        return (
          <section key={name} class="course">
            <p class="small mut">{oneLine(name)}{signal.window > 0 && ` in the last ${duration(signal.window)}`}</p>
            <WindowChart name={name} points={upTo} threshold={limit?.number} thresholdText={limit ? `${sign(limit.operator)} ${count(limit.number)}` : ''} moments={brief ? reached.slice(-1) : reached} events={rises(points)} height={brief ? 72 : 118} />
          </section>
        )
      })}
    </>
  )
}

/** fromWhereItRises leaves out the stillness before the first event, but for a little. */
function fromWhereItRises(points: Point[]): Point[] {
  const at = points.findIndex((p) => p.value > 0)
  const [rise, last] = [points[at], points.at(-1)]
  if (at < 1 || !rise || !last) return points
  const begin = Math.max(points[0]?.at ?? 0, rise.at - (last.at - rise.at) * 0.08)
  return [{ at: begin, value: 0 }, ...points.slice(at)]
}

const sign = (operator: string): string => ({ '>=': '≥', '<=': '≤', '!=': '≠', '==': '=' })[operator] ?? operator

/** rises are the moments at which a window came to hold more: an event at each. */
const rises = (points: { at: number; value: number }[]): number[] => points.filter((p, i) => i > 0 && p.value > (points[i - 1]?.value ?? 0)).map((p) => p.at)
