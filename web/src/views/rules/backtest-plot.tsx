import type { Peak, Peaks } from '../../api/rules'
import { count, oneLine, plural } from '../../state/text'
import { day, dayAndClock, clockMinutes, duration, useZone, zoneName } from '../../state/time'

type Kind = 'same' | 'new' | 'lost' | 'below'

interface Mark {
  at: number
  value: number
  kind: Kind
  group: string
}

const [width, height, left, right, top, bottom] = [920, 210, 44, 112, 10, 22]

/** BacktestPlot is the highest that each group came to in each stretch, beside what that is compared with. */
export function BacktestPlot({ now, before, from, to }: { now: Peaks; before: Peaks | undefined; from: number; to: number }) {
  const zone = useZone()
  if (now.missing !== '') return <p class="mut small">{oneLine(now.missing)}</p>
  const column = columnOf(now)
  const marks = marksOf(now, before, column)
  if (marks.length === 0) return null
  const lines = linesOf(now, before, column)
  const most = Math.max(2, ...marks.map((m) => m.value), ...lines.map((l) => l.number))
  const least = Math.min(1, ...marks.map((m) => m.value), ...lines.map((l) => l.number).filter((n) => n > 0))
  const x = (at: number) => left + ((at - from) / Math.max(1, to - from)) * (width - left - right)
  const y = (v: number) => height - bottom - ((Math.log10(Math.max(v, least)) - Math.log10(least)) / Math.max(0.1, Math.log10(most) - Math.log10(least))) * (height - top - bottom)
  const ticks = decades(least, most)
  const fires = marks.filter((m) => m.kind !== 'below').length
  return (
    <figure class="backtest-plot">
      <figcaption class="mut small">
        Highest {oneLine(now.queries[column] ?? '', 40)}{now.window > 0 && ` in ${duration(now.window)}`} of each group and stretch, log scale, {zoneName(zone)}
        <span class="backtest-legend">{(before ? ['same', 'new', 'lost', 'below'] as const : ['same', 'below'] as const).map((k) => <span key={k}><svg width="10" height="10" viewBox="-5 -5 10 10" aria-hidden="true"><Sign kind={k} x={0} y={0} /></svg> {names(before !== undefined)[k]}</span>)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${plural(fires, 'point')} at or above the threshold, ${count(marks.length - fires)} below`}>
        {ticks.map((t) => <g key={t}><line class="backtest-grid" x1={left} x2={width - right} y1={y(t)} y2={y(t)} /><text class="backtest-tick" x={left - 8} y={y(t) + 4} text-anchor="end">{t >= 1000 ? `${t / 1000}k` : t}</text></g>)}
        {[0, 0.25, 0.5, 0.75, 1].map((f) => <text key={f} class="backtest-tick" x={x(from + (to - from) * f)} y={height - 4} text-anchor={f === 0 ? 'start' : f === 1 ? 'end' : 'middle'}>{to - from > 2 * 864e5 ? day(from + (to - from) * f, zone) : clockMinutes(from + (to - from) * f, zone)}</text>)}
        {marks.map((m, i) => <g key={i}><title>{`${m.group}: ${m.value}, ${dayAndClock(m.at, zone)}`}</title><Sign kind={m.kind} x={x(m.at)} y={y(m.value)} /></g>)}
        {lines.map((l, i) => <g key={i} class={l.severity}><line class={l.was ? 'backtest-was' : 'backtest-line'} x1={left} x2={width - right + 4} y1={y(l.number)} y2={y(l.number)} /><text class="backtest-label" x={width - right + 8} y={y(l.number) + l.shift}>{l.was ? 'in force' : before ? 'draft' : l.severity}: {l.operator} {l.number}</text></g>)}
      </svg>
      {now.leftOut > 0 && <p class="mut small">{count(now.leftOut)} more below, lower than these.</p>}
    </figure>
  )
}

const names = (compared: boolean): Record<Kind, string> => ({ same: compared ? 'fires in both' : 'fires', new: 'new', lost: 'lost', below: 'below' })

/** Sign is a mark that says by its form, too, what it is. */
function Sign({ kind, x, y }: { kind: Kind; x: number; y: number }) {
  if (kind === 'new') return <path class="backtest-new" d={`M${x - 4} ${y}h8M${x} ${y - 4}v8`} />
  if (kind === 'lost') return <path class="backtest-lost" d={`M${x - 3.5} ${y - 3.5}l7 7M${x + 3.5} ${y - 3.5}l-7 7`} />
  return <circle class={kind === 'below' ? 'backtest-below' : 'backtest-same'} cx={x} cy={y} r={kind === 'below' ? 1.4 : 2.4} />
}

/** columnOf is the value that most thresholds are about. */
function columnOf(p: Peaks): number {
  const n = (c: number) => p.thresholds.filter((t) => t.column === c).length
  return p.queries.reduce((best, _, i) => (n(i) > n(best) ? i : best), 0)
}

const keyOf = (p: Peak): string => JSON.stringify(p.group)

/** marksOf sets what groups came to in one version beside the other: of a group, at the same time. */
function marksOf(now: Peaks, before: Peaks | undefined, column: number): Mark[] {
  const mark = (p: Peak, kind: Kind): Mark => ({ at: p.at, value: p.values[column] ?? 0, kind, group: oneLine(p.group.join(', ') || 'all', 200) })
  const near = (all: Peak[] | undefined, p: Peak) => (all ?? []).find((o) => Math.abs(o.at - p.at) <= Math.max(60_000, now.window))
  const group = (all: Peak[]) => {
    const out = new Map<string, Peak[]>()
    for (const p of all) out.set(keyOf(p), [...(out.get(keyOf(p)) ?? []), p])
    return out
  }
  const fired = group((before?.points ?? []).filter((p) => p.case >= 0))
  const seen = group(now.points)
  const marks = now.points.map((p) => {
    const was = near(fired.get(keyOf(p)), p)
    return p.case >= 0 ? mark(p, before && !was ? 'new' : 'same') : mark(p, was ? 'lost' : 'below')
  })
  for (const p of before?.points ?? []) if (p.case >= 0 && !near(seen.get(keyOf(p)), p)) marks.push(mark(p, 'lost'))
  return marks.filter((m) => m.value > 0)
}

interface Line {
  number: number
  operator: string
  severity: string
  was: boolean
  shift: number
}

/** linesOf are what the value is compared with; of the version in force, what differs. */
function linesOf(now: Peaks, before: Peaks | undefined, column: number): Line[] {
  const of = (p: Peaks | undefined, was: boolean): Line[] => (p?.thresholds ?? []).filter((t) => t.column === column && t.number > 0).map((t) => ({ number: t.number, operator: t.operator, severity: t.severity, was, shift: 4 }))
  const mine = of(now, false)
  const theirs = of(before, true).filter((l) => !mine.some((m) => m.number === l.number && m.operator === l.operator))
  for (const l of theirs) {
    const beside = mine.find((m) => Math.abs(Math.log10(m.number) - Math.log10(l.number)) < 0.12)
    if (beside) [l.shift, beside.shift] = l.number > beside.number ? [-2, 12] : [12, -2]
  }
  return [...mine, ...theirs]
}

function decades(least: number, most: number): number[] {
  const out: number[] = []
  for (let n = Math.ceil(Math.log10(least)); n <= Math.log10(most); n++) out.push(10 ** n)
  return out
}
