import { call } from './client'
import { bodyOf, type Filter } from './signals'

export type Over = 'events' | 'signals' | 'rules'

/** Fix is a query to ask instead, and what is changed in it. */
export interface Fix {
  label: string
  query: string
}

/** Mistake is what is wrong with a search, or what no event has of what it names, at its place. */
export interface Mistake {
  line: number
  column: number
  message: string
  fix: Fix | undefined
}

/** Checked is how a search is read, or what is wrong with it. */
export interface Checked extends Mistake {
  valid: boolean
  /** How and/or is read, where somebody may read it otherwise; and the query that is read so. */
  reading: string
  grouped: string
}

interface MistakeBody {
  line?: number
  column?: number
  message?: string
  hint?: string
  fix?: { label?: string; query?: string }
}

interface CheckBody {
  valid?: boolean
  error?: MistakeBody
  reading?: string
  mixed?: boolean
  grouped?: string
}

const mistakeOf = (m: MistakeBody | undefined): Mistake => ({
  line: m?.line ?? 1, column: m?.column ?? 0,
  message: [m?.message ?? '', m?.fix ? '' : (m?.hint ?? '')].filter((t) => t !== '').join('; '),
  fix: m?.fix?.query ? { label: m.fix.label ?? '', query: m.fix.query } : undefined,
})

/** checkSearch says whether a search can be read. It asks no data. */
export async function checkSearch(query: string, over: Over, signal: AbortSignal): Promise<Checked> {
  const c = await call<CheckBody>('/api/nightjar/v1/search/check', { body: { query, over }, signal })
  return { valid: c.valid ?? false, ...mistakeOf(c.error), reading: c.mixed ? (c.reading ?? '') : '', grouped: c.mixed ? (c.grouped ?? '') : '' }
}

/**
 * hintSearch is what a search of events names and no event has, and what to ask instead. Of
 * values, and of how many events of the time have a field, that takes a look at events, two
 * seconds at most; of fields it is known.
 */
export async function hintSearch({ query, from, to }: Filter, of: 'fields' | 'values too', signal: AbortSignal): Promise<Mistake[]> {
  const within = { ...(from === '' ? {} : { from }), ...(to === '' ? {} : { to }) }
  const h = await call<{ hints?: MistakeBody[] }>('/api/nightjar/v1/search/hints', { body: { query, look: of === 'values too', ...within }, signal })
  return (h.hints ?? []).map(mistakeOf)
}

export interface Completion {
  text: string
  /** What goes into the query. */
  insert: string
  kind: string
  count: number | undefined
}

/** soon is in how many milliseconds a completion is there: it looks at the newest events first. */
const soon = 80

/** complete names fields that contain a text or, of a field, values; of events those of the newest. */
export async function complete(over: Over, field: string, text: string, filter: Filter, signal: AbortSignal): Promise<Completion[]> {
  const body = { over, text, limit: 12, filter: bodyOf(filter, over), ...(over === 'events' ? { within_ms: soon } : {}), ...(field === '' ? {} : { field }) }
  const c = await call<{ completions?: { text: string; insert: string; kind: string; count?: number }[] }>('/api/nightjar/v1/search/complete', { body, signal })
  return (c.completions ?? []).map((x) => ({ text: x.text, insert: x.insert, kind: x.kind, count: x.count }))
}

/** CountedClause is a part of a search, and how many events it leaves. */
export interface CountedClause {
  text: string
  alone: number
  /** It and all before it hold. */
  soFar: number
  /** All others hold. */
  without: number
  /** Nothing is found, and without it something would be. */
  decides: boolean
}

export interface CountedClauses {
  total: number
  /** All events of the time. */
  events: number
  clauses: CountedClause[]
  /** One of them is enough. */
  alternatives: boolean
  /** Why nothing is found; empty: something is. */
  why: string
  partial: boolean
  leftOut: number
}

interface ClausesBody {
  total?: number
  events?: number
  clauses?: { text?: string; alone?: number; so_far?: number; without?: number; decides?: boolean }[]
  alternatives?: boolean
  why?: string
  partial?: boolean
  left_out?: number
}

/** countClauses counts the events of each clause of a search, which must have fields, too. */
export async function countClauses(filter: Filter, fields: readonly string[], signal: AbortSignal): Promise<CountedClauses> {
  const c = await call<ClausesBody>('/api/nightjar/v1/events/clauses', { body: { filter: bodyOf(filter, 'events'), fields }, signal })
  return {
    total: c.total ?? 0, events: c.events ?? 0, alternatives: c.alternatives ?? false, why: c.why ?? '', partial: c.partial ?? false, leftOut: c.left_out ?? 0,
    clauses: (c.clauses ?? []).map((x) => ({ text: x.text ?? '', alone: x.alone ?? 0, soFar: x.so_far ?? 0, without: x.without ?? 0, decides: x.decides ?? false })),
  }
}
