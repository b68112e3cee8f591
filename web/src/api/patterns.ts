import { call } from './client'
import { bodyOf, type Filter } from './signals'

/** Pattern is a shape of messages: what differs in them is named instead, as <number>. */
export interface Pattern {
  pattern: string
  count: number
  /** The search, and this pattern; empty: no search can ask for it. */
  query: string
  first: Example
  last: Example
}

/** Example is an event of a pattern; its time is in milliseconds since 1970. */
export interface Example {
  id: string
  at: number
  message: string
}

export interface Patterns {
  /** How many events were grouped. */
  total: number
  patterns: Pattern[]
  /** How many patterns there are, of which these are the most frequent, and how many events the others have. */
  distinct: number
  others: number
  partial: boolean
  /** Since when they are, in milliseconds since 1970; undefined: nothing is left out for the time it takes. */
  from: number | undefined
}

interface ExampleBody {
  event_id?: string
  timestamp?: number
  message?: string
}

interface PatternsBody {
  total?: number
  patterns?: { pattern?: string; count?: number; query?: string; first?: ExampleBody; last?: ExampleBody }[]
  distinct?: number
  others?: number
  partial?: boolean
  counted_from?: number
}

const most = 200

/** groupByPattern groups the events of a filter by the shape of their messages: of the newest as many as so many milliseconds allow; undefined: all. */
export async function groupByPattern(filter: Filter, within: number | undefined, signal: AbortSignal): Promise<Patterns> {
  const b = await call<PatternsBody>('/api/nightjar/v1/events/patterns', { body: { filter: bodyOf(filter, 'events'), limit: most, within_ms: within }, signal })
  const example = (e: ExampleBody | undefined): Example => ({ id: e?.event_id ?? '', at: Number(e?.timestamp ?? 0), message: e?.message ?? '' })
  return {
    total: Number(b.total ?? 0), distinct: Number(b.distinct ?? 0), others: Number(b.others ?? 0), partial: b.partial ?? false,
    from: b.counted_from === undefined ? undefined : Number(b.counted_from),
    patterns: (b.patterns ?? []).map((p) => ({ pattern: p.pattern ?? '', count: Number(p.count ?? 0), query: p.query ?? '', first: example(p.first), last: example(p.last) })),
  }
}
