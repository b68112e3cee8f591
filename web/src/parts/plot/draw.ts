// uPlot, as Plot needs it. It is loaded with the first plot.
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { clock, clockMinutes, day, type Zone } from '../../state/time'
import type { PlotProps, PlotSeries, Threshold } from '../plot'
import { drawMarks, isDecade, logRange, nearest } from './marks'

/** Drawing is a plot that is shown. */
export interface Drawing {
  end(): void
}

interface DrawnSeries extends PlotSeries {
  colour: string
  dash: number[]
  on: boolean
}

interface DrawProps extends Omit<PlotProps, 'series'> {
  series: DrawnSeries[]
  zone: Zone
  /** The pointer is over the time of this number; undefined: it is elsewhere. */
  over: (at: number | undefined) => void
  zoom: (from: number, to: number) => void
}

/** draw makes a plot as wide as its box, and keeps it so. */
export function draw(box: HTMLElement, p: DrawProps): Drawing {
  const look = getComputedStyle(document.documentElement)
  const token = (name: string) => look.getPropertyValue('--' + name).trim()
  const height = p.height ?? 160
  const marks = p.kind === 'marks'
  const thresholds = p.thresholds ?? []
  let over: number | undefined
  const data: uPlot.AlignedData = [p.times.map((t) => t / 1000), ...p.series.map((s) => [...s.values])]
  const plot = new uPlot(
    {
      width: Math.max(120, box.clientWidth),
      height,
      padding: [8, marks && thresholds.length > 0 ? besides(thresholds) : 8, 0, 0],
      legend: { show: false },
      tzDate: (at) => (p.zone === 'utc' ? uPlot.tzDate(new Date(at * 1000), 'Etc/UTC') : new Date(at * 1000)),
      cursor: { y: false, drag: { setScale: false, x: p.onZoom !== undefined, y: false }, points: { size: 6 } },
      scales: {
        x: { time: true, ...(p.span ? { range: [p.span.from / 1000, p.span.to / 1000] } : {}) },
        y: marks ? { distr: 3, log: 10, range: (_, least, most) => logRange(least, most, thresholds) } : { range: (_, least, most) => rangeOf(least, most, thresholds) },
      },
      axes: [timeAxis(token, p.zone), { ...valueAxis(token, p.show), ...(marks ? { filter: decades, grid: { stroke: token('hairline'), width: 1, filter: decades } } : {}) }],
      series: [{}, ...p.series.map((s) => seriesOf(s, p.kind ?? 'line', token(s.colour)))],
      hooks: {
        setCursor: [(u) => {
          if (!marks) return p.over(u.cursor.idx ?? undefined)
          const now = nearest(u, p.series)
          if (now === over) return
          over = now
          p.over(now)
          u.redraw(false, false)
        }],
        setSelect: [(u) => zoomed(u, p.zoom)],
        draw: [(u) => {
          if (marks) drawMarks(u, p.series, token, over)
          if (marks) drawBeside(u, thresholds, token)
          else thresholds.forEach((t) => drawThreshold(u, t, token(t.colour ?? 'critical')))
        }],
      },
    },
    data,
    box,
  )
  const watch = new ResizeObserver(() => box.clientWidth > 0 && plot.setSize({ width: box.clientWidth, height }))
  watch.observe(box)
  return {
    end: () => {
      watch.disconnect()
      plot.destroy()
    },
  }
}

/** rangeOf has zero and the thresholds in it, and room above. */
function rangeOf(least: number | null, most: number | null, thresholds: readonly Threshold[]): [number, number] {
  const values = [0, least ?? 0, most ?? 0, ...thresholds.map((t) => t.value)]
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low === high ? [low, low + 1] : [low < 0 ? low - (high - low) * 0.08 : 0, high + (high - low) * 0.08]
}

function seriesOf(s: DrawnSeries, kind: string, colour: string): uPlot.Series {
  if (kind === 'marks') return { label: s.name, show: s.on, paths: () => null, points: { show: false } }
  const paths = uPlot.paths
  const drawn = kind === 'bars' ? paths.bars?.({ size: [0.84, 64] }) : kind === 'step' ? paths.stepped?.({ align: 1 }) : undefined
  return {
    label: s.name, show: s.on, stroke: colour, width: kind === 'bars' ? 0 : 1.5, points: { show: s.values.length < 2 }, spanGaps: false,
    ...(s.dash.length > 0 && kind !== 'bars' ? { dash: s.dash } : {}), ...(kind === 'bars' ? { fill: colour } : {}), ...(drawn ? { paths: drawn } : {}),
  }
}

const font = '11px Inter, system-ui, sans-serif'

function timeAxis(token: (name: string) => string, zone: Zone): uPlot.Axis {
  return {
    stroke: token('mut'), font, size: 24, gap: 2, grid: { show: false }, ticks: { stroke: token('rule'), width: 1, size: 3 },
    values: (_, at, __, ___, step) => at.map((t) => (step >= 86400 ? day(t * 1000, zone) : step < 60 ? clock(t * 1000, zone) : t % 86400 === 0 ? day(t * 1000, zone) : clockMinutes(t * 1000, zone))),
  }
}

function valueAxis(token: (name: string) => string, show: PlotProps['show']): uPlot.Axis {
  return {
    stroke: token('mut'), font, gap: 4, space: 28, size: (_, values) => Math.max(32, ...(values ?? []).map((v) => String(v).length * 6.5 + 10)),
    grid: { stroke: token('hairline'), width: 1 }, ticks: { show: false }, border: { show: false },
    values: (_, values) => values.map((v) => (v === null ? '' : show ? show(v) : compact.format(v))),
  }
}

const decades = (_: uPlot, values: number[]): (number | null)[] => values.map((v) => (isDecade(v) ? v : null))

const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 2 })

function zoomed(u: uPlot, zoom: (from: number, to: number) => void): void {
  const { left, width } = u.select
  if (width < 3) return
  const [from, to] = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]
  u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
  zoom(Math.round(from * 1000), Math.round(to * 1000))
}

function drawThreshold(u: uPlot, t: Threshold, colour: string): void {
  const { ctx, bbox } = u
  const y = Math.round(u.valToPos(t.value, 'y', true))
  const ratio = devicePixelRatio
  ctx.save()
  ctx.strokeStyle = ctx.fillStyle = colour
  ctx.lineWidth = ratio
  ctx.setLineDash([3 * ratio, 3 * ratio])
  ctx.beginPath()
  ctx.moveTo(bbox.left, y)
  ctx.lineTo(bbox.left + bbox.width, y)
  ctx.stroke()
  ctx.font = `${11 * ratio}px Inter, system-ui, sans-serif`
  ctx.textAlign = 'left'
  ctx.textBaseline = 'bottom'
  ctx.fillText(t.text, bbox.left + 4 * ratio, y - 2 * ratio)
  ctx.restore()
}

const apart = 13

/** besides is how wide the words of thresholds are, right of the plot. */
const besides = (of: readonly Threshold[]): number => Math.min(140, 12 + 6.2 * Math.max(...of.map((t) => t.text.length)))

/** drawBeside draws thresholds as lines across, with their words at the right, none over another. */
function drawBeside(u: uPlot, thresholds: readonly Threshold[], token: (name: string) => string): void {
  const { ctx, bbox } = u
  const ratio = devicePixelRatio
  const lines = thresholds.map((t) => ({ t, y: Math.round(u.valToPos(t.value, 'y', true)) })).sort((a, b) => a.y - b.y)
  let free = -Infinity
  ctx.save()
  for (const { t, y } of lines) {
    ctx.strokeStyle = ctx.fillStyle = token(t.colour ?? 'critical')
    ctx.lineWidth = (t.was ? 1 : 1.5) * ratio
    ctx.setLineDash(t.was ? [2 * ratio, 3 * ratio] : [])
    ctx.beginPath()
    ctx.moveTo(bbox.left, y)
    ctx.lineTo(bbox.left + bbox.width, y)
    ctx.stroke()
    free = Math.max(y, free + apart * ratio)
    ctx.font = `${t.was ? 400 : 500} ${11 * ratio}px Inter, system-ui, sans-serif`
    ctx.textAlign = 'left'
    ctx.textBaseline = 'middle'
    ctx.fillText(t.text, bbox.left + bbox.width + 8 * ratio, free)
  }
  ctx.restore()
}
