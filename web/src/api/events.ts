import { APIError, askAhead, call } from './client'
import type { Severity } from './signals'

/** Event is one as it is stored. The time is in milliseconds since 1970. */
export interface Event {
  id: string
  at: number
  source: string
  service: string
  host: string
  status: string
  message: string
  tags: string[]
  attributes: Record<string, unknown>
  /** As it came, where it was asked for and is not what the message says. */
  raw: string
}

interface Item {
  id: string
  attributes: { timestamp: string; source?: string; service?: string; host?: string; status?: string; message?: string; tags?: string[]; attributes?: Record<string, unknown>; raw?: string }
}

interface PageBody {
  data?: Item[]
  meta?: { page?: { after?: string }; status?: string; elapsed?: number; searched?: { from?: number; to?: number } }
}

export interface EventPage {
  events: Event[]
  next: string | undefined
  /** The time ran out before a page was full. */
  partial: boolean
  /** Of which time the page is then, in milliseconds since 1970. */
  searched: { from: number; to: number } | undefined
}

const searchPath = '/api/v2/logs/events/search'

const searchBody = (query: string, from: string, to: string, cursor: string | undefined, limit: number, sort: 'timestamp' | '-timestamp', within: number | undefined) =>
  ({ filter: { query, from, ...(to === '' ? {} : { to }) }, sort, page: { limit, ...(cursor ? { cursor } : {}), ...(within === undefined ? {} : { time_limit_ms: within }) } })

/** searchAhead asks for a first page that will be asked for if the query can be read; what it gives takes that back. */
export const searchAhead = (query: string, from: string, to: string, limit: number, sort: 'timestamp' | '-timestamp', within: number): (() => void) =>
  askAhead(searchPath, searchBody(query, from, to, undefined, limit, sort, within))

/**
 * searchEvents reads a page of the events that a search selects, the newest first unless said;
 * with within, what was found in so many milliseconds.
 */
export async function searchEvents(query: string, from: string, to: string, cursor: string | undefined, limit: number, signal: AbortSignal, sort: 'timestamp' | '-timestamp' = '-timestamp', within?: number): Promise<EventPage> {
  const page = await call<PageBody>(searchPath, { body: searchBody(query, from, to, cursor, limit, sort, within), signal })
  const partial = page.meta?.status === 'timeout'
  const { searched } = page.meta ?? {}
  return {
    events: (page.data ?? []).map(eventOf), next: page.data?.length || partial ? page.meta?.page?.after : undefined, partial,
    searched: searched && { from: searched.from ?? 0, to: searched.to ?? 0 },
  }
}

function eventOf({ id, attributes: a }: Item): Event {
  return {
    id, at: Date.parse(a.timestamp), source: a.source ?? '', service: a.service ?? '', host: a.host ?? '', status: a.status ?? '',
    message: a.message ?? '', tags: a.tags ?? [], attributes: a.attributes ?? {}, raw: a.raw ?? '',
  }
}

/** eventsOfSignal are searches that show a signal's events. */
export async function searchesOfSignal(id: string, signal: AbortSignal): Promise<{ name: string; query: string }[]> {
  const body = await call<{ data?: { attributes: { name?: string; query_filter?: string } }[] }>(`/api/v2/security_monitoring/signals/${encodeURIComponent(id)}/investigation_queries`, { signal })
  return (body.data ?? []).map((d) => ({ name: d.attributes.name ?? '', query: d.attributes.query_filter ?? '*' }))
}

/** StoredEvent is an event as it is stored, and what ECS calls its fields. */
export interface StoredEvent {
  event: Event
  names: ReadonlyMap<string, string>
}

/** readEvent is an event by its id, whenever it happened, and as it came where pipelines changed that. */
export const readEvent = async (id: string, signal: AbortSignal): Promise<Event> => (await readStored(id, signal)).event

/** readStored is the same, with the names. */
export async function readStored(id: string, signal: AbortSignal): Promise<StoredEvent> {
  const body = await call<{ event: Item; names?: { field: string; name: string }[] }>(`/api/nightjar/v1/events/${encodeURIComponent(id)}`, { query: { schema: 'ecs' }, signal }).catch((e: unknown) => {
    throw e instanceof APIError && (e.status === 404 || e.status === 400) ? new Error('There is no such event. It may have been deleted, or be older than what is kept.') : e
  })
  return { event: eventOf(body.event), names: new Map((body.names ?? []).map((n) => [n.field, n.name])) }
}

/** Counted is a signal that an event is counted in. */
export interface Counted {
  id: string
  severity: Severity
  title: string
  at: number
}

/** CountedBy are the signals that an event is part of, and the rules in force that counted it. */
export interface CountedBy {
  signals: Counted[]
  rules: { id: string; name: string }[]
}

/** countedBy is who counted an event. */
export async function countedBy(id: string, signal: AbortSignal): Promise<CountedBy> {
  const body = await call<{ data?: { id: string; attributes: { severity?: Severity; title?: string; trigger_time_ms?: number } }[]; rules?: { id?: string; name?: string }[] }>(`/api/v2/security_monitoring/events/${encodeURIComponent(id)}/matching_signals`, { signal })
  return {
    signals: (body.data ?? []).map((s) => ({ id: s.id, severity: s.attributes.severity ?? 'info', title: s.attributes.title ?? '', at: Number(s.attributes.trigger_time_ms ?? 0) })),
    rules: (body.rules ?? []).map((r) => ({ id: r.id ?? '', name: r.name ?? '' })),
  }
}
