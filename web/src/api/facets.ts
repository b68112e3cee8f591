import { call } from './client'
import { bodyOf, type Filter } from './signals'

export interface FacetValue {
  value: string
  count: number
  /** What people call it, where that is something else. */
  label: string
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
  /** How long the engine took, in milliseconds. */
  elapsed: number
  facets: Facet[]
}

interface FacetsBody {
  total?: number
  partial?: boolean
  elapsed_ms?: number
  facets?: { facet: string; values?: { value?: string; count?: number; label?: string }[]; distinct?: number; lacking?: number }[]
}

/** countFacets counts signals, or events, by the values of fields. */
export async function countFacets(filter: Filter, facets: string[], limit: number, signal: AbortSignal, of: 'signals' | 'events' = 'signals'): Promise<Facets> {
  const f = await call<FacetsBody>(`/api/nightjar/v1/${of}/facets`, { body: { filter: bodyOf(filter, of), facets, limit }, signal })
  return {
    total: f.total ?? 0,
    partial: f.partial ?? false,
    elapsed: f.elapsed_ms ?? 0,
    facets: (f.facets ?? []).map((x) => ({
      facet: x.facet,
      values: (x.values ?? []).map((v) => ({ value: v.value ?? '', count: v.count ?? 0, label: v.label ?? '' })),
      distinct: x.distinct ?? 0,
      lacking: x.lacking ?? 0,
    })),
  }
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
}

/** countOverTime counts signals, or events, in stretches of time. */
export async function countOverTime(filter: Filter, groupBy: string[], count: number, timezone: string, signal: AbortSignal, of: 'signals' | 'events' = 'signals'): Promise<Histogram> {
  const body = { filter: bodyOf(filter, of), buckets: { count, timezone }, group_by: groupBy }
  const h = await call<Partial<Histogram>>(`/api/nightjar/v1/${of}/histogram`, { body, signal })
  return {
    interval: h.interval ?? '', starts: (h.starts ?? []).map(Number), end: Number(h.end ?? 0),
    series: (h.series ?? []).map((s) => ({ by: s.by, counts: s.counts.map(Number) })), total: h.total ?? 0, partial: h.partial ?? false,
  }
}
