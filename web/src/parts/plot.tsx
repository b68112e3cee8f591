import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { usePreferences } from '../state/preferences'
import { useMatches } from '../state/size'
import { oneLine, plural } from '../state/text'
import { dayAndMinutes, useZone, zoneName, type Zone } from '../state/time'
import type { Drawing } from './plot/draw'
import { PlotTable } from './plot/table'
import './plot.css'

/** PlotSeries is a line, or the bars, of a plot: a value for each time; null: none is known. */
export interface PlotSeries {
  name: string
  values: readonly (number | null)[]
  /** A colour of the tokens: critical, low, hi. Absent: the next one that is free. */
  colour?: string
  /** Of marks: their form. */
  sign?: 'dot' | 'point' | 'plus' | 'cross'
}

/** Threshold is a value that matters: a line across, with its words. */
export interface Threshold {
  value: number
  text: string
  colour?: string
  /** It is what was: drawn thinner than what is. */
  was?: boolean
}

export interface PlotProps {
  name: string
  /** In milliseconds since 1970, in their order. */
  times: readonly number[]
  series: readonly PlotSeries[]
  /** line joins values, step keeps each until the next, bars stand for a stretch of time, marks stand alone, on a logarithmic scale. */
  kind?: 'line' | 'step' | 'bars' | 'marks'
  thresholds?: readonly Threshold[]
  /** What the value at each time is of, where times say not enough; and how that is called. */
  labels?: { name: string; of: readonly string[] }
  /** From when to when is drawn; absent: what there are times of. */
  span?: { from: number; to: number }
  /** How a value is written. */
  show?: (value: number) => string
  /** A stretch was dragged over. */
  onZoom?: ((from: number, to: number) => void) | undefined
  height?: number
}

/** most is how many series are drawn: more can't be told apart. */
const most = 12
const colours = ['hi', 'low', 'high', 'medium', 'ok', 'info']
const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 })

/**
 * Plot draws values over time, with uPlot, which is loaded when the first plot is shown. Beside
 * the colour each line has its dashes, and its name and value in the legend; the same numbers
 * are a table, for whoever does not see the drawing.
 */
export function Plot(p: PlotProps) {
  const zone = useZone()
  const { theme } = usePreferences()
  const dark = useMatches('(prefers-color-scheme: dark)')
  const box = useRef<HTMLDivElement>(null)
  const drawing = useRef<Drawing | undefined>(undefined)
  const latest = useRef(p)
  latest.current = p
  const [at, setAt] = useState<number | undefined>()
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const [lacks, setLacks] = useState('')
  const shown = p.series.slice(0, most).map((s, i) => ({ ...s, colour: s.colour ?? colours[i % colours.length] ?? 'hi', dash: i < 3 ? [] : [3 + i, 3], on: !hidden.has(s.name) }))
  const drawn = useMemo(() => JSON.stringify([p.times, p.series, p.thresholds, p.span]), [p.times, p.series, p.thresholds, p.span?.from, p.span?.to])
  useEffect(() => {
    let gone = false
    void import('./plot/draw').then(({ draw }) => {
      if (gone || !box.current) return
      drawing.current = draw(box.current, { ...p, series: shown, zone, over: setAt, zoom: (a, b) => latest.current.onZoom?.(a, b) })
    }, () => setLacks('The drawing could not be loaded; the table has its numbers.'))
    return () => {
      gone = true
      drawing.current?.end()
      drawing.current = undefined
    }
  }, [drawn, p.kind, p.height, zone, theme, dark, hidden])
  const height = p.height ?? 160
  const write = p.show ?? ((v: number) => number.format(v))
  return (
    <figure class="plot">
      <div class={'plot-canvas' + (p.onZoom ? ' zooms' : '')} ref={box} role="img" aria-label={summary(p, write, zone)} style={{ height: `${height}px` }} />
      {lacks !== '' && <p class="mut small">{lacks}</p>}
      <figcaption class="plot-legend">
        <span class="mut plot-time">{at !== undefined && p.times[at] !== undefined ? `${dayAndMinutes(p.times[at], zone)} ${zoneName(zone)}` : zoneName(zone)}</span>
        {p.labels && <span class="plot-label mono cut">{at === undefined ? '' : oneLine(p.labels.of[at] ?? '', 120)}</span>}
        {shown.map((s) => (
          <button key={s.name} type="button" aria-pressed={s.on} onClick={() => setHidden(toggled(hidden, s.name))}>
            {s.sign ? <SignOf series={s} /> : <svg width="16" height="8" aria-hidden="true"><line x1="0" x2="16" y1="4" y2="4" style={{ stroke: `var(--${s.colour})` }} stroke-width={p.kind === 'bars' ? 7 : 2} stroke-dasharray={p.kind === 'bars' ? '' : s.dash.join(' ')} /></svg>}
            <span class="cut">{oneLine(s.name, 80)}</span>
            <span class="mono hi">{p.kind === 'marks' && s.values[at ?? -1] == null ? '' : valueAt(s, at, write)}</span>
          </button>
        ))}
        {p.series.length > most && <span class="mut">The first {most} of {plural(p.series.length, 'series', 'series')}; the table has all.</span>}
      </figcaption>
      <PlotTable name={p.name} times={p.times} series={p.series} labels={p.labels} show={write} />
    </figure>
  )
}

/** SignOf is the form of a series' marks. */
function SignOf({ series: s }: { series: PlotSeries & { colour: string } }) {
  const look = { stroke: `var(--${s.colour})`, fill: `var(--${s.colour})` }
  return (
    <svg width="10" height="10" viewBox="-5 -5 10 10" aria-hidden="true">
      {s.sign === 'plus' ? <path d="M-4 0h8M0 -4v8" stroke-width="2" style={look} /> : s.sign === 'cross' ? <path d="M-3.5 -3.5l7 7M-3.5 3.5l7 -7" stroke-width="2" style={look} /> : <circle r={s.sign === 'dot' ? 2.6 : 1.5} style={look} />}
    </svg>
  )
}

function toggled(names: ReadonlySet<string>, name: string): ReadonlySet<string> {
  const next = new Set(names)
  if (!next.delete(name)) next.add(name)
  return next
}

function valueAt(s: PlotSeries, at: number | undefined, write: (v: number) => string): string {
  const v = at === undefined ? undefined : s.values[at]
  return v === undefined ? '' : v === null ? '–' : write(v)
}

/** summary says in words what the drawing shows. */
function summary(p: PlotProps, write: (v: number) => string, zone: Zone): string {
  const [first, last] = [p.times[0], p.times.at(-1)]
  if (first === undefined || last === undefined) return `${p.name}: nothing is known`
  const said = p.series.slice(0, most).map((s) => {
    const known = s.values.filter((v): v is number => v !== null)
    return known.length === 0 ? `${s.name} none` : `${s.name} ${write(known.reduce((a, b) => Math.min(a, b)))} to ${write(known.reduce((a, b) => Math.max(a, b)))}`
  })
  const lines = (p.thresholds ?? []).map((t) => t.text)
  return oneLine(`${p.name}, ${dayAndMinutes(first, zone)} to ${dayAndMinutes(last, zone)} ${zoneName(zone)}: ${[...said, ...lines].join('; ')}`, 600)
}
