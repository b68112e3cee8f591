import type { BandPoint } from '../api/explain'
import { clockMinutes, day, duration, useZone, zoneName } from '../state/time'
import { count } from '../state/text'
import { scaleOf } from './scale'

const width = 800
const height = 132

interface BandProps {
  points: BandPoint[]
  /** How long a bucket is, in milliseconds. */
  bucket: number
  /** What is counted. */
  name: string
  season: string
  first: number
  last: number
}

/** AnomalyBand is what each bucket held, against what was learned to be usual for it. */
export function AnomalyBand({ points, bucket, name, season, first, last }: BandProps) {
  const zone = useZone()
  const [from, to] = [points[0], points.at(-1)]
  if (!from || !to) return null
  const { top, marks } = scaleOf(Math.max(...points.map((p) => Math.max(p.value, p.upper)), 1))
  const span = Math.max(1, to.at + bucket - from.at)
  const x = (at: number) => Number((((at - from.at) / span) * width).toFixed(2))
  const y = (v: number) => Number((height - (Math.max(0, v) / top) * height).toFixed(1))
  const isOfSignal = (p: BandPoint) => p.at + bucket > first && p.at <= last
  const outside = points.filter((p) => isOfSignal(p) && (p.value > p.upper || p.value < p.lower))
  const worst = outside.reduce<BandPoint | undefined>((w, p) => (!w || Math.abs(p.value - p.median) > Math.abs(w.value - w.median) ? p : w), undefined)
  const shown = (at: number) => (span > 2 * 864e5 ? `${day(at, zone)} ${clockMinutes(at, zone)}` : clockMinutes(at, zone))
  const usual = (p: BandPoint) => `${count(round(p.lower))} to ${count(round(p.upper))}`
  return (
    <figure class="window-chart band">
      <figcaption class="small mut">{name} per {duration(bucket)}, and the band that was learned{season !== '' && `, by ${season}`}</figcaption>
      <div class="plot">
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" style={{ height: `${height}px` }}
          aria-label={worst ? `${count(round(worst.value))} at ${shown(worst.at)}, where ${usual(worst)} is usual` : 'What was counted, against what is usual'}>
          {marks.map((m) => <line key={m} class="window-grid" x1="0" x2={width} y1={y(m)} y2={y(m)} />)}
          <path class="band-usual" d={stepped(points, bucket, x, (p) => y(p.upper)) + stepped([...points].reverse(), bucket, x, (p) => y(p.lower), true) + 'Z'} />
          <path class="band-median" d={stepped(points, bucket, x, (p) => y(p.median))} />
          {outside.map((p) => <rect key={p.at} class="band-outside" x={x(p.at)} width={Math.max(2, x(p.at + bucket) - x(p.at))} y={y(Math.max(p.value, p.upper))} height={Math.max(2, Math.abs(y(p.value) - y(p.value > p.upper ? p.upper : p.lower)))} />)}
          <path class="window-line" d={stepped(points, bucket, x, (p) => y(p.value))} />
        </svg>
        {marks.map((m) => <span key={m} class="window-label mark" aria-hidden="true" style={{ top: `${y(m) - 15}px`, left: '0' }}>{count(m)}</span>)}
        {worst && <span class="window-label critical" style={labelPlace((x(worst.at) / width) * 100, y(worst.value))}>{count(round(worst.value))} at {clockMinutes(worst.at, zone)}, usual {usual(worst)}</span>}
      </div>
      <div class="ticks" aria-hidden="true">{[0, 1, 2, 3, 4].map((i) => <span key={i}>{shown(from.at + (span * i) / 4)}{i === 4 && ' ' + zoneName(zone)}</span>)}</div>
      {worst && <p class="small band-said"><span class="critical">{count(round(worst.value))}</span> from {shown(worst.at)} to {clockMinutes(worst.at + bucket, zone)}, where {usual(worst)} is usual, most often {count(round(worst.median))}.</p>}
    </figure>
  )
}

const labelPlace = (percent: number, top: number) =>
  percent > 50 ? { top: `${Math.max(0, top)}px`, right: `${100 - percent}%`, paddingRight: '6px' } : { top: `${Math.max(0, top)}px`, left: `${percent}%`, paddingLeft: '14px' }

/** stepped is a line that stays on one height for each bucket; backwards it goes on from where another ended. */
function stepped(points: BandPoint[], bucket: number, x: (at: number) => number, y: (p: BandPoint) => number, backwards = false): string {
  return points.map((p, i) => {
    const [a, b] = backwards ? [x(p.at + bucket), x(p.at)] : [x(p.at), x(p.at + bucket)]
    return `${i === 0 && !backwards ? 'M' : 'L'}${a} ${y(p)}H${b}`
  }).join('')
}

const round = (v: number): number => (Math.abs(v) >= 100 ? Math.round(v) : Math.round(v * 10) / 10)
