import { useMemo } from 'preact/hooks'
import type { Peak, Peaks } from '../../api/rules'
import { Plot, type PlotSeries, type Threshold } from '../../parts/plot'
import { count, oneLine } from '../../state/text'
import { duration } from '../../state/time'

type Kind = 'same' | 'new' | 'lost' | 'below'

interface Mark {
  at: number
  value: number
  kind: Kind
  group: string
}

interface BacktestPlotProps {
  now: Peaks
  before: Peaks | undefined
  from: number
  to: number
  onZoom: (from: number, to: number) => void
}

/** BacktestPlot is the highest that each group came to in each stretch, beside what that is compared with. */
export function BacktestPlot({ now, before, from, to, onZoom }: BacktestPlotProps) {
  const column = columnOf(now)
  const drawn = useMemo(() => {
    const marks = now.missing === '' ? marksOf(now, before, column).sort((a, b) => a.at - b.at) : []
    return { times: marks.map((m) => m.at), labels: { name: 'Group', of: marks.map((m) => m.group) }, series: seriesOf(marks, before !== undefined) }
  }, [now, before, column])
  const thresholds = useMemo(() => linesOf(now, before, column).map((l): Threshold => ({ value: l.number, text: `${l.was ? 'in force' : before ? 'draft' : l.severity}: ${l.operator} ${l.number}`, colour: l.severity, was: l.was })), [now, before, column])
  if (now.missing !== '') return <p class="mut small">{oneLine(now.missing)}</p>
  if (drawn.times.length === 0) return null
  const name = `Highest ${oneLine(now.queries[column] ?? '', 40)}${now.window > 0 ? ` in ${duration(now.window)}` : ''} of each group and stretch, log scale`
  return (
    <div class="backtest-plot">
      <p class="mut small">{name}</p>
      <Plot name={name} kind="marks" times={drawn.times} series={drawn.series} labels={drawn.labels} thresholds={thresholds} span={{ from, to }} height={210} onZoom={onZoom} />
      {now.leftOut > 0 && <p class="mut small">{count(now.leftOut)} more below, lower than these.</p>}
    </div>
  )
}

/** kinds are what marks are of, what is drawn last on top. */
const kinds: { kind: Kind; name: (compared: boolean) => string; colour: string; sign: NonNullable<PlotSeries['sign']> }[] = [
  { kind: 'below', name: () => 'below', colour: 'mut', sign: 'point' },
  { kind: 'same', name: (compared) => (compared ? 'fires in both' : 'fires'), colour: 'hi', sign: 'dot' },
  { kind: 'new', name: () => 'new', colour: 'ok', sign: 'plus' },
  { kind: 'lost', name: () => 'lost', colour: 'critical', sign: 'cross' },
]

const seriesOf = (marks: Mark[], compared: boolean): PlotSeries[] =>
  kinds.filter((k) => compared || k.kind === 'below' || k.kind === 'same').map((k) => ({ name: k.name(compared), colour: k.colour, sign: k.sign, values: marks.map((m) => (m.kind === k.kind ? m.value : null)) }))

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
}

/** linesOf are what the value is compared with; of the version in force, what differs. */
function linesOf(now: Peaks, before: Peaks | undefined, column: number): Line[] {
  const of = (p: Peaks | undefined, was: boolean): Line[] => (p?.thresholds ?? []).filter((t) => t.column === column && t.number > 0).map((t) => ({ number: t.number, operator: t.operator, severity: t.severity, was }))
  const mine = of(now, false)
  const theirs = of(before, true).filter((l) => !mine.some((m) => m.number === l.number && m.operator === l.operator))
  return [...mine, ...theirs]
}
