import { clockMinutes, clock, zoneName, useZone } from '../state/time'
import { count, oneLine } from '../state/text'
import { scaleOf } from './scale'

export interface Point {
  /** In milliseconds since 1970. */
  at: number
  value: number
}

export interface Moment {
  at: number
  text: string
  look: 'reached' | 'now'
}

interface ChartProps {
  name: string
  points: Point[]
  threshold: number | undefined
  /** As it is written: ≥ 5. */
  thresholdText: string
  moments: Moment[]
  /** Single events, under the curve. */
  events?: number[]
  height?: number
}

const width = 800

/** WindowChart draws what a window held, from moment to moment, against the threshold. */
export function WindowChart({ name, points, threshold, thresholdText, moments, events = [], height = 96 }: ChartProps) {
  const zone = useZone()
  const first = points[0]
  const last = points.at(-1)
  if (!first || !last) return null
  const most = Math.max(...points.map((p) => p.value))
  const { top, marks } = scaleOf(Math.max(threshold ?? 0, most, 1))
  const span = Math.max(1, last.at - first.at)
  const x = (at: number) => ((at - first.at) / span) * width
  const y = (v: number) => height - (v / top) * height
  const path = stairs(points, x, y)
  const shown = (at: number) => (span < 300_000 ? clock(at, zone) : clockMinutes(at, zone))
  const limit = threshold !== undefined && threshold >= 0 ? threshold : undefined
  return (
    <figure class="window-chart">
      <div class="plot">
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" style={{ height: `${height}px` }}
          aria-label={`${oneLine(name, 100)}: at most ${count(most)}${limit === undefined ? '' : `, threshold ${thresholdText}`}, ${shown(first.at)} to ${shown(last.at)} ${zoneName(zone)}`}>
          {marks.map((m) => <line key={m} class="window-grid" x1="0" x2={width} y1={y(m)} y2={y(m)} />)}
          <path class="window-area" d={`${path}V${height}H0Z`} />
          {limit !== undefined && <line class="window-threshold" x1="0" x2={width} y1={y(limit)} y2={y(limit)} />}
          <path class="window-line" d={path} />
          {moments.map((m) => <line key={m.at + m.text} class={'window-moment ' + m.look} x1={x(m.at)} x2={x(m.at)} y1="0" y2={height} />)}
        </svg>
        {marks.map((m) => <span key={m} class="window-label mark" aria-hidden="true" style={{ top: `${y(m) - 15}px`, right: '0' }}>{count(m)}</span>)}
        {limit !== undefined && <span class="window-label critical" style={{ top: `${y(limit) - 15}px`, right: marks.some((m) => Math.abs(y(m) - y(limit)) < 14) ? '40px' : '0' }}>threshold {thresholdText}</span>}
        {moments.map((m, i) => <span key={m.at + m.text} class={'window-label ' + m.look} style={momentPlace((x(m.at) / width) * 100, i * 15)}>{m.text}</span>)}
      </div>
      {events.length > 0 && (
        <svg class="window-events" viewBox={`0 0 ${width} 10`} preserveAspectRatio="none" aria-hidden="true">
          {events.filter((at) => at >= first.at && at <= last.at).map((at, i) => <line key={i} x1={x(at)} x2={x(at)} y1="0" y2="10" />)}
        </svg>
      )}
      <div class="ticks" aria-hidden="true">{[0, 1, 2, 3, 4].map((i) => <span key={i}>{shown(first.at + (span * i) / 4)}{i === 4 && ' ' + zoneName(zone)}</span>)}</div>
    </figure>
  )
}

/** momentPlace puts a label on the side of its line that has room. */
const momentPlace = (percent: number, top: number) =>
  percent > 60 ? { top: `${top}px`, right: `${100 - percent}%`, paddingRight: '6px' } : { top: `${top}px`, left: `${percent}%`, paddingLeft: '6px' }

/** stairs is a line that keeps each value until the next one. */
function stairs(points: Point[], x: (at: number) => number, y: (v: number) => number): string {
  let d = ''
  for (const p of points) d += d === '' ? `M${x(p.at).toFixed(1)} ${y(p.value).toFixed(1)}` : `H${x(p.at).toFixed(1)}V${y(p.value).toFixed(1)}`
  return d
}
