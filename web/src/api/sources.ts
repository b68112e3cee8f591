import { call } from './client'

/** Source is what calls itself so. Events are counted when they arrived; times are in milliseconds since 1970. */
export interface Source {
  /** Empty: events that say none. */
  name: string
  /** Events of 24 hours, and of the last hour. */
  events: number
  hour: number
  /** Events in each stretch of the 24 hours. */
  counts: number[]
  /** Of the 24 hours: those that no pipeline was applied to, and those in which a processor failed. */
  unread: number
  failed: number
  /** How long after its own time half of them arrived at most, and 95 in 100; negative: its clock is ahead. */
  lag: { half: number; most: number } | undefined
  /** When the last one arrived, its own time, and its id. */
  arrived: number
  happened: number
  eventID: string
  query: string
  unreadQuery: string
  failedQuery: string
}

export interface Sources {
  all: Source[]
  distinct: number
  total: number
  /** Where each stretch begins, and where the last one ends. */
  starts: number[]
  end: number
  partial: boolean
}

interface Body {
  source?: string; events?: number; hour?: number; counts?: number[]; unread?: number; failed?: number; lag_p50_ms?: number; lag_p95_ms?: number
  arrived?: number; happened?: number; event_id?: string; query?: string; unread_query?: string; failed_query?: string
}

/** listSources are those that sent something in 7 days. */
export async function listSources(signal: AbortSignal): Promise<Sources> {
  const body = await call<{ sources?: Body[]; distinct?: number; total?: number; starts?: number[]; end?: number; partial?: boolean }>('/api/nightjar/v1/sources', { signal })
  return { all: (body.sources ?? []).map(sourceOf), distinct: body.distinct ?? 0, total: body.total ?? 0, starts: body.starts ?? [], end: body.end ?? 0, partial: body.partial ?? false }
}

const sourceOf = (s: Body): Source => ({
  name: s.source ?? '', events: s.events ?? 0, hour: s.hour ?? 0, counts: s.counts ?? [], unread: s.unread ?? 0, failed: s.failed ?? 0,
  lag: s.lag_p50_ms === undefined || s.lag_p95_ms === undefined ? undefined : { half: s.lag_p50_ms, most: s.lag_p95_ms },
  arrived: s.arrived ?? 0, happened: s.happened ?? 0, eventID: s.event_id ?? '', query: s.query ?? '*', unreadQuery: s.unread_query ?? '', failedQuery: s.failed_query ?? '',
})
