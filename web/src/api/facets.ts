import { call } from './client'
import { bodyOf, type Filter } from './signals'

export interface FacetValue {
  value: string
  count: number
  /** What people call it, where that is something else. */
  label: string
  /** Of whom signals are about: the field that the value is of, where it is known. */
  field?: string
}

export interface Facet {
  facet: string
  values: FacetValue[]
  /** How many values there are, of which these are the most frequent. */
  distinct: number
  lacking: number
}

export interface Facets {
  total: number
  /** The counts are of a part. */
  partial: boolean
  /** What was before this moment, in milliseconds since 1970, is not counted yet; undefined: nothing is left out for that. */
  from: number | undefined
  /** How long the engine took, in milliseconds. */
  elapsed: number
  facets: Facet[]
}

interface FacetsBody {
  total?: number
  partial?: boolean
  elapsed_ms?: number
  counted_from?: number
  facets?: { facet: string; values?: { value?: string; count?: number; label?: string; field?: string }[]; distinct?: number; lacking?: number }[]
}

/** countFacets counts signals, or events, by the values of fields; of events as much as so many milliseconds allow, where they are given. */
export async function countFacets(filter: Filter, facets: string[], limit: number, signal: AbortSignal, of: 'signals' | 'events' = 'signals', within?: number): Promise<Facets> {
  const f = await call<FacetsBody>(`/api/nightjar/v1/${of}/facets`, { body: { filter: bodyOf(filter, of), facets, limit, within_ms: within }, signal })
  return {
    total: f.total ?? 0,
    partial: f.partial ?? false,
    from: f.counted_from === undefined ? undefined : Number(f.counted_from),
    elapsed: f.elapsed_ms ?? 0,
    facets: (f.facets ?? []).map((x) => ({
      facet: x.facet,
      values: (x.values ?? []).map((v) => ({ value: v.value ?? '', count: v.count ?? 0, label: v.label ?? '', field: v.field ?? '' })),
      distinct: x.distinct ?? 0,
      lacking: x.lacking ?? 0,
    })),
  }
}

/** atOnce is how many milliseconds the first counts may take: those of the newest events. */
const atOnce = 60

/** growFacets counts the newest events by the values of fields, tells that, and then counts all. */
export async function growFacets(filter: Filter, facets: string[], limit: number, signal: AbortSignal, told: (f: Facets) => void): Promise<Facets> {
  const newest = await countFacets(filter, facets, limit, signal, 'events', atOnce)
  if (newest.from === undefined) return newest
  told(newest)
  return countFacets(filter, facets, limit, signal, 'events')
}

/** Series is a group, and how many of it are in each stretch. */
export interface Series {
  by: Record<string, string>
  counts: number[]
}

export interface Histogram {
  interval: string
  /** Where each stretch begins, in milliseconds since 1970, and where the last ends. */
  starts: number[]
  end: number
  series: Series[]
  total: number
  partial: boolean
  /** What was before this moment, in milliseconds since 1970, is not counted yet. */
  counted?: number
}

/** OverTime is a histogram of [from, to), in milliseconds since 1970, and how long the engine took, in milliseconds. */
export interface OverTime extends Histogram {
  from: number
  to: number
  counted: number
  elapsed: number
}

interface HistogramBody {
  interval?: string
  starts?: number[]
  end?: number
  series?: Series[]
  total?: number
  partial?: boolean
  from?: number
  to?: number
  counted_from?: number
  elapsed_ms?: number
}

/** Stretches are how many are wanted, or how wide they are, and in how many milliseconds the newest are. */
interface Stretches {
  count?: number
  interval?: string
  within?: number | undefined
}

/** countOverTime counts signals, or events, in stretches of time. */
export const countOverTime = (filter: Filter, groupBy: string[], count: number, timezone: string, signal: AbortSignal, of: 'signals' | 'events' = 'signals'): Promise<OverTime> =>
  overTime(filter, groupBy, { count }, timezone, signal, of)

async function overTime(filter: Filter, groupBy: string[], { count, interval, within }: Stretches, timezone: string, signal: AbortSignal, of: 'signals' | 'events'): Promise<OverTime> {
  const body = { filter: bodyOf(filter, of), buckets: { count, interval, timezone }, group_by: groupBy, within_ms: within }
  const h = await call<HistogramBody>(`/api/nightjar/v1/${of}/histogram`, { body, signal })
  const from = Number(h.from ?? 0)
  return {
    interval: h.interval ?? '', starts: (h.starts ?? []).map(Number), end: Number(h.end ?? 0),
    series: (h.series ?? []).map((s) => ({ by: s.by, counts: s.counts.map(Number) })), total: h.total ?? 0, partial: h.partial ?? false,
    from, to: Number(h.to ?? 0), counted: Number(h.counted_from ?? from), elapsed: h.elapsed_ms ?? 0,
  }
}

/** later is how many milliseconds each further part of a histogram may take: a bar or more comes with each. */
const later = [250, 500, 1000, 2000]

/** growOverTime counts events in stretches of time, the newest first, and tells what is known after each part. */
export async function growOverTime(filter: Filter, groupBy: string[], count: number, timezone: string, signal: AbortSignal, told: (h: OverTime) => void): Promise<OverTime> {
  let whole = await overTime(filter, groupBy, { count, within: atOnce }, timezone, signal, 'events')
  for (let i = 0; whole.counted > whole.from; i++) {
    told(whole)
    const rest = { query: filter.query, from: String(whole.from), to: String(whole.counted) }
    const older = await overTime(rest, groupBy, { interval: whole.interval, within: later[Math.min(i, later.length - 1)] }, timezone, signal, 'events')
    if (older.partial && older.counted === older.from) return { ...joinedOf(whole, older), partial: true } // its time was over
    whole = joinedOf(whole, older)
  }
  return whole
}

/** joinedOf is a histogram with the counts of an earlier part of it. */
export function joinedOf(whole: OverTime, older: OverTime): OverTime {
  const at = new Map(whole.starts.map((start, i) => [start, i]))
  const series = new Map(whole.series.map((s) => [JSON.stringify(s.by), { by: s.by, counts: [...s.counts] }]))
  for (const s of older.series) {
    const into = series.get(JSON.stringify(s.by)) ?? { by: s.by, counts: whole.starts.map(() => 0) }
    series.set(JSON.stringify(s.by), into)
    s.counts.forEach((n, k) => {
      const i = at.get(older.starts[k] ?? NaN)
      if (i !== undefined) into.counts[i] = (into.counts[i] ?? 0) + n
    })
  }
  return { ...whole, series: [...series.values()], total: whole.total + older.total, counted: older.counted, partial: older.counted > whole.from, elapsed: whole.elapsed + older.elapsed }
}
