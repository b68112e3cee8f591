import { useRef, useState } from 'preact/hooks'
import type { Histogram as Counts } from '../api/facets'
import { clockMinutes, day, dayAndMinutes, useZone, zoneName, type Zone } from '../state/time'
import { count, plural } from '../state/text'

const height = 50
const width = 1000

/** Layers are what a bar consists of, the first at the base line; the last also takes what has no name. */
export interface Layers {
  /** As the colours are named: fill-NAME. */
  names: string[]
  /** Which of them a group is. */
  of: (by: Record<string, string>) => string
  /** What is counted, in one word; and how a layer is called where that is not its name. */
  one: string
  called?: Record<string, string>
  /** The field whose values the names are: a press of the right button on one has its menu. */
  field?: string
}

/** Stack is a stretch of time: how many of each layer. */
interface Stack {
  from: number
  to: number
  of: Map<string, number>
}

export function stacksOf(h: Counts, layers: Layers): Stack[] {
  return h.starts.map((from, i) => {
    const of = new Map(layers.names.map((n): [string, number] => [n, 0]))
    for (const s of h.series) {
      const name = layers.of(s.by)
      const key = of.has(name) ? name : (layers.names.at(-1) ?? '')
      of.set(key, (of.get(key) ?? 0) + (s.counts[i] ?? 0))
    }
    return { from, to: h.starts[i + 1] ?? h.end, of }
  })
}

const ofAll = (s: Stack): number => [...s.of.values()].reduce((n, v) => n + v, 0)

interface HistogramProps {
  counts: Counts | undefined
  layers: Layers
  /** What a stretch is set beside: a line over the bars, and how that is called. */
  beside?: { counts: Counts; by: number; name: string } | undefined
  onZoom: (from: number, to: number) => void
}

/** Histogram shows when: a block for each while there are few, bars where there are many. */
export function Histogram({ counts, layers, beside, onZoom }: HistogramProps) {
  const zone = useZone()
  const stacks = counts ? stacksOf(counts, layers) : []
  const before = beside && counts ? besideOf(stacks, stacksOf(beside.counts, layers), beside.by) : []
  const most = Math.max(1, ...stacks.map(ofAll), ...before)
  const { over, begin, move, end } = useBrush(stacks, onZoom)
  const told = over === undefined ? undefined : stacks[over.to]
  return (
    <div class="histogram">
      <svg
        viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={summary(stacks, layers, zone)}
        onPointerDown={begin} onPointerMove={move} onPointerUp={end} onPointerLeave={() => move(undefined)}
      >
        {counts && uncounted(counts) > 0 && <rect class="uncounted" x="0" y="0" width={uncounted(counts) * width} height={height} />}
        {stacks.map((s, i) => <Bar key={s.from} stack={s} field={layers.field} x={(i * width) / stacks.length} wide={width / stacks.length} most={most} />)}
        {before.length > 0 && <polyline class="histogram-before" points={before.map((n, i) => `${((i + 0.5) * width) / stacks.length},${height - (n * height) / Math.max(most, 12)}`).join(' ')} />}
        {over && over.from !== undefined && (
          <rect class="brush" x={(Math.min(over.from, over.to) * width) / stacks.length} y="0" width={((Math.abs(over.to - over.from) + 1) * width) / stacks.length} height={height} />
        )}
      </svg>
      {stacks.length > 0 && <span class="histogram-most">{count(most)}{counts?.partial && ' or more'}</span>}
      <div class="ticks" aria-hidden="true">
        {told ? <span class="hi told">{dayAndMinutes(told.from, zone)} to {clockMinutes(told.to, zone)}: {words(told, layers)}{beside && over !== undefined && `; ${beside.name} ${count(before[over.to] ?? 0)}`}</span> : ticksOf(stacks, zone).map((t) => <span key={t.at} style={t.at === 1 ? { right: '0' } : { left: `${t.at * 100}%` }}>{t.text}</span>)}
      </div>
    </div>
  )
}

/** uncounted is the part of the time, from its beginning on, that is not counted yet. */
const uncounted = (h: Counts): number => {
  const first = h.starts[0] ?? 0
  return h.end > first && h.counted !== undefined && h.partial ? Math.min(1, Math.max(0, (h.counted - first) / (h.end - first))) : 0
}

/** besideOf are the numbers so many milliseconds earlier, for each stretch: where clocks were changed between, it began an hour sooner or later. */
function besideOf(stacks: Stack[], before: Stack[], by: number): number[] {
  const near = Math.min(3600_000, ((stacks[1]?.from ?? 0) - (stacks[0]?.from ?? 0)) / 2)
  return stacks.map((s) => {
    const then = before.find((b) => Math.abs(b.from + by - s.from) <= near)
    return then ? ofAll(then) : 0
  })
}

/** Bar is one stretch: its first layer at the base line. */
function Bar({ stack, field, x, wide, most }: { stack: Stack; field: string | undefined; x: number; wide: number; most: number }) {
  const unit = height / Math.max(most, 12)
  const blocks = most <= 12
  let y = height
  const out = []
  for (const [look, n] of stack.of) {
    const parts = blocks ? n : Math.min(n, 1)
    for (let i = 0; i < parts; i++) {
      const tall = blocks ? unit : Math.max(n * (height / most), 1)
      y -= tall
      out.push(<rect key={look + i} class={'fill-' + look} {...(field && look !== 'behind' ? { 'data-field': field, 'data-value': look } : {})} x={x + wide * 0.08} y={y} width={wide * 0.84} height={Math.max(tall - (blocks ? 1 : 0), 0.8)} />)
    }
  }
  return <>{out}</>
}

/** useBrush is what is pressed and dragged over, by the number of the stretch. */
function useBrush(stacks: Stack[], onZoom: (from: number, to: number) => void) {
  const [over, setOver] = useState<{ from: number | undefined; to: number } | undefined>()
  const from = useRef<number | undefined>(undefined)
  const at = (e: PointerEvent): number => {
    const r = (e.currentTarget as Element).getBoundingClientRect()
    return Math.max(0, Math.min(stacks.length - 1, Math.floor(((e.clientX - r.left) / r.width) * stacks.length)))
  }
  return {
    over,
    begin: (e: PointerEvent) => {
      if (e.button !== 0) return
      from.current = at(e)
      ;(e.currentTarget as Element).setPointerCapture(e.pointerId)
    },
    move: (e: PointerEvent | undefined) => setOver(e && stacks.length > 0 ? { from: from.current, to: at(e) } : undefined),
    end: (e: PointerEvent) => {
      if (from.current === undefined) return // what was pressed was something above it
      const [a, b] = [from.current, at(e)].sort((x, y) => x - y)
      from.current = undefined
      setOver(undefined)
      const [first, last] = [stacks[a ?? 0], stacks[b ?? 0]]
      if (first && last) onZoom(first.from, last.to)
    },
  }
}

function words(s: Stack, layers: Layers): string {
  const parts = [...s.of].filter(([, n]) => n > 0).map(([name, n]) => `${count(n)} ${layers.called?.[name] ?? name}`)
  return parts.length === 0 ? 'none' : parts.join(', ')
}

interface Tick {
  text: string
  /** In parts of the whole width. */
  at: number
}

/** ticksOf are where stretches begin, six or so of them, and the end with the zone. */
function ticksOf(stacks: Stack[], zone: Zone): Tick[] {
  const first = stacks[0]
  const last = stacks.at(-1)
  if (!first || !last) return []
  const isLong = last.to - first.from > 2 * 864e5
  const show = (at: number) => (isLong ? day(at, zone) : clockMinutes(at, zone))
  const each = Math.max(1, Math.ceil(stacks.length / 6))
  const ticks = stacks.flatMap((s, i) => (i % each === 0 && i <= stacks.length - each ? [{ text: show(s.from), at: i / stacks.length }] : []))
  return [...ticks, { text: `${show(last.to)} ${zoneName(zone)}`, at: 1 }]
}

function summary(stacks: Stack[], layers: Layers, zone: Zone): string {
  const first = stacks[0]
  const last = stacks.at(-1)
  if (!first || !last) return `When the ${layers.one}s were`
  const total = stacks.reduce((n, s) => n + ofAll(s), 0)
  return `${plural(total, layers.one)} from ${dayAndMinutes(first.from, zone)} to ${dayAndMinutes(last.to, zone)} ${zoneName(zone)}`
}
