import { call } from './client'
import { bodyOf, type Filter, type Severity } from './signals'

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
  meta?: { page?: { after?: string }; status?: string; elapsed?: number }
}

export interface EventPage {
  events: Event[]
  next: string | undefined
  /** The time ran out before a page was full. */
  partial: boolean
}

/** searchEvents reads a page of the events that a search selects, the newest first unless said. */
export async function searchEvents(query: string, from: string, to: string, cursor: string | undefined, limit: number, signal: AbortSignal, sort: 'timestamp' | '-timestamp' = '-timestamp'): Promise<EventPage> {
  const body = { filter: { query, from, ...(to === '' ? {} : { to }) }, sort, page: { limit, ...(cursor ? { cursor } : {}) } }
  const page = await call<PageBody>('/api/v2/logs/events/search', { body, signal })
  return { events: (page.data ?? []).map(eventOf), next: page.data?.length ? page.meta?.page?.after : undefined, partial: page.meta?.status === 'timeout' }
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

/** momentOf is when an event happened, which its id begins with; undefined: it is no id of one. */
function momentOf(id: string): number | undefined {
  if (!/^[\w-]{22}$/.test(id)) return undefined
  const bytes = atob(id.replaceAll('-', '+').replaceAll('_', '/') + '==')
  return [...bytes.slice(0, 8)].reduce((n, c) => n * 256 + c.charCodeAt(0), 0)
}

/** readEvent is an event as it is stored, and as it came where pipelines changed that. */
export async function readEvent(id: string, signal: AbortSignal): Promise<Event> {
  const at = momentOf(id)
  let cursor: string | undefined
  do {
    if (at === undefined) break
    const body = { filter: { query: '*', from: String(at), to: String(at + 1) }, raw: true, page: { limit: 1000, ...(cursor ? { cursor } : {}) } }
    const page = await call<PageBody>('/api/v2/logs/events/search', { body, signal })
    const found = page.data?.find((i) => i.id === id)
    if (found) return eventOf(found)
    cursor = page.data?.length ? page.meta?.page?.after : undefined
  } while (cursor !== undefined)
  throw new Error('There is no such event. It may have been deleted, or be older than what is kept.')
}

/** Counted is a signal that an event is counted in. */
export interface Counted {
  id: string
  severity: Severity
  title: string
  at: number
}

/** signalsOfEvent are the signals that counted an event. */
export async function signalsOfEvent(id: string, signal: AbortSignal): Promise<Counted[]> {
  const body = await call<{ data?: { id: string; attributes: { severity?: Severity; title?: string; trigger_time_ms?: number } }[] }>(`/api/v2/security_monitoring/events/${encodeURIComponent(id)}/matching_signals`, { signal })
  return (body.data ?? []).map((s) => ({ id: s.id, severity: s.attributes.severity ?? 'info', title: s.attributes.title ?? '', at: Number(s.attributes.trigger_time_ms ?? 0) }))
}

/** checkHints says, of a search that finds nothing, what no event has, and what is near it. */
export async function checkHints(filter: Filter, signal: AbortSignal): Promise<string[]> {
  const body = { filter: bodyOf(filter, 'events'), hints: true, page: { limit: 1 } }
  const page = await call<{ meta?: { warnings?: { title?: string; detail?: string }[] } }>('/api/v2/logs/events/search', { body, signal })
  return (page.meta?.warnings ?? []).map((w) => w.detail || w.title || '').filter((t) => t !== '')
}
