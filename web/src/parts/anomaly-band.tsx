import type { BandPoint } from '../api/explain'
import { clockMinutes, day, useZone, zoneName } from '../state/time'
import { count } from '../state/text'

const width = 800
const height = 110

/** AnomalyBand is what was counted, against what was learned to be usual. */
export function AnomalyBand({ points, first, last }: { points: BandPoint[]; first: number; last: number }) {
  const zone = useZone()
  const [from, to] = [points[0], points.at(-1)]
  if (!from || !to) return null
  const top = Math.max(...points.map((p) => Math.max(p.value, p.upper)), 1) * 1.08
  const span = Math.max(1, to.at - from.at)
  const x = (at: number) => (((at - from.at) / span) * width).toFixed(1)
  const y = (v: number) => (height - (Math.max(0, v) / top) * height).toFixed(1)
  const line = (of: (p: BandPoint) => number, ps = points) => ps.map((p, i) => `${i === 0 ? 'M' : 'L'}${x(p.at)} ${y(of(p))}`).join('')
  const band = line((p) => p.upper) + [...points].reverse().map((p) => `L${x(p.at)} ${y(p.lower)}`).join('') + 'Z'
  const outside = points.filter((p) => p.at >= first && p.at <= last && (p.value > p.upper || p.value < p.lower))
  const worst = outside.reduce<BandPoint | undefined>((w, p) => (!w || Math.abs(p.value - p.median) > Math.abs(w.value - w.median) ? p : w), undefined)
  const shown = (at: number) => (span > 2 * 864e5 ? `${day(at, zone)} ${clockMinutes(at, zone)}` : clockMinutes(at, zone))
  return (
    <figure class="window-chart band">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" style={{ height: `${height}px` }}
        aria-label={worst ? `At most ${count(worst.value)}, where ${count(round(worst.lower))} to ${count(round(worst.upper))} is usual` : 'What was counted, against what is usual'}>
        <path class="band-usual" d={band} />
        <path class="band-median" d={line((p) => p.median)} />
        <path class="window-line" d={line((p) => p.value)} />
        {outside.map((p) => <path key={p.at} class="band-outside" d={`M${x(p.at)} ${y(p.value)}v0.01`} />)}
      </svg>
      <div class="ticks" aria-hidden="true">{[0, 1, 2, 3].map((i) => <span key={i}>{shown(from.at + (span * i) / 3)}{i === 3 && ' ' + zoneName(zone)}</span>)}</div>
      {worst && <p class="small"><span class="critical">{count(round(worst.value))}</span> at {shown(worst.at)}, where {count(round(worst.lower))} to {count(round(worst.upper))} is usual, most often {count(round(worst.median))}.</p>}
    </figure>
  )
}

const round = (v: number): number => (Math.abs(v) >= 100 ? Math.round(v) : Math.round(v * 10) / 10)
