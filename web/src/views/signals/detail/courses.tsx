import type { Course, Explanation } from '../../../api/explain'
import type { Signal } from '../../../api/signals'
import { WindowChart, type Moment, type Point } from '../../../parts/window-chart'
import { clock, duration, useZone, type Zone } from '../../../state/time'
import { amount, count, oneLine } from '../../../state/text'

/** isTelling reports whether a course says more than that something was there once. */
export const isTelling = (c: Course): boolean => c.points.some((p) => p.values.some((v) => v > 1))

/** Courses draws each value that a condition or a step compares with a number. */
export function Courses({ course, why, signal, brief }: { course: Course; why: Explanation; signal: Signal; brief: boolean }) {
  const zone = useZone()
  const compared = course.queries.map((_, i) => i).filter((i) => course.thresholds.some((t) => t.column === i))
  const telling = compared.filter((i) => course.points.some((p) => (p.values[i] ?? 0) > 1))
  const drawn = (telling.length > 0 ? telling : compared.length > 0 ? compared : course.queries.map((_, i) => i)).slice(0, brief ? 1 : 4)
  return <>{drawn.map((i) => <OneCourse key={i} column={i} course={course} why={why} signal={signal} brief={brief} zone={zone} />)}</>
}

function OneCourse({ column: i, course, why, signal, brief, zone }: { column: number; course: Course; why: Explanation; signal: Signal; brief: boolean; zone: Zone }) {
  const name = course.queries[i] ?? ''
  const limits = course.thresholds.filter((t) => t.column === i)
  const limit = limits.find((t) => why.cases[t.case]?.holds) ?? limits[0]
  const points = course.points.map((p) => ({ at: p.at, value: p.values[i] ?? 0 }))
  const last = points.at(-1)
  const window = course.columns[i]?.window ?? signal.window
  const moments = why.steps.length > 0 ? stepMoments(why, zone) : caseMoments(signal, points, zone, limit !== undefined)
  const drawn = whereItMoves(last && last.at < course.to ? [...points, { at: course.to, value: last.value }] : points, moments)
  return (
    <section class="course">
      <p class="small mut">{oneLine(name)}{window > 0 && ` in the last ${duration(window)}`}</p>
      <WindowChart name={name} points={drawn} threshold={limit?.number} thresholdText={limit ? `${sign(limit.operator)} ${amount(limit.number)}` : ''} moments={brief ? moments.slice(-1) : moments} events={rises(points)} height={brief ? 72 : 118} />
    </section>
  )
}

/** stepMoments are when the steps of a sequence were reached: the first, and how long after it the others. */
function stepMoments(why: Explanation, zone: Zone): Moment[] {
  const reached = why.steps.flatMap((s) => (s.reached === undefined ? [] : [{ name: s.name, at: s.reached }]))
  const first = reached[0]
  return reached.map((r, i) => ({
    at: r.at, look: i === reached.length - 1 ? 'now' : 'reached', text: `${oneLine(r.name, 40)} ${clock(r.at, zone)}${first && i > 0 && r.at > first.at ? `, ${duration(r.at - first.at)} later` : ''}`,
  }))
}

function caseMoments(signal: Signal, points: Point[], zone: Zone, hasLimit: boolean): Moment[] {
  const most = Math.max(...points.map((p) => p.value))
  const out: Moment[] = [{ at: signal.firstSeen, text: `${hasLimit ? 'reached' : 'first'} ${clock(signal.firstSeen, zone)}`, look: 'reached' }]
  if (signal.lastSeen - signal.firstSeen > 1000) out.push({ at: signal.lastSeen, text: `${count(most)}, last ${clock(signal.lastSeen, zone)}`, look: 'now' })
  return out
}

/** whereItMoves leaves out the stillness before the first event and after the last, but for a little. */
function whereItMoves(points: Point[], moments: Moment[]): Point[] {
  const at = points.findIndex((p) => p.value > 0)
  const back = points.findLastIndex((p) => p.value > 0)
  const [rise, fall, first, last] = [points[at], points[back + 1] ?? points.at(-1), points[0], points.at(-1)]
  if (!rise || !fall || !first || !last) return points
  const room = (fall.at - rise.at) * 0.1
  const begin = Math.max(first.at, Math.min(rise.at, ...moments.map((m) => m.at)) - room)
  const end = Math.min(last.at, Math.max(fall.at, ...moments.map((m) => m.at)) + room)
  return [...(at > 0 ? [{ at: begin, value: 0 }] : []), ...points.slice(at, back + 2).filter((p) => p.at <= end), { at: end, value: fall.at <= end ? fall.value : (points[back]?.value ?? 0) }]
}

const sign = (operator: string): string => ({ '>=': '≥', '<=': '≤', '!=': '≠', '==': '=' })[operator] ?? operator

/** rises are the moments at which a window came to hold more: an event at each. */
const rises = (points: Point[]): number[] => points.filter((p, i) => i > 0 && p.value > (points[i - 1]?.value ?? 0)).map((p) => p.at)
