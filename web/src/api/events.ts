import { call } from './client'

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
}

interface Item {
  id: string
  attributes: { timestamp: string; source?: string; service?: string; host?: string; status?: string; message?: string; tags?: string[]; attributes?: Record<string, unknown> }
}

export interface EventPage {
  events: Event[]
  next: string | undefined
}

/** searchEvents reads a page of the events that a search selects, the newest first unless said. */
export async function searchEvents(query: string, from: string, to: string, cursor: string | undefined, limit: number, signal: AbortSignal, sort: 'timestamp' | '-timestamp' = '-timestamp'): Promise<EventPage> {
  const body = { filter: { query, from, ...(to === '' ? {} : { to }) }, sort, page: { limit, ...(cursor ? { cursor } : {}) } }
  const page = await call<{ data?: Item[]; meta?: { page?: { after?: string } } }>('/api/v2/logs/events/search', { body, signal })
  return { events: (page.data ?? []).map(eventOf), next: page.meta?.page?.after }
}

function eventOf({ id, attributes: a }: Item): Event {
  return {
    id, at: Date.parse(a.timestamp), source: a.source ?? '', service: a.service ?? '', host: a.host ?? '', status: a.status ?? '',
    message: a.message ?? '', tags: a.tags ?? [], attributes: a.attributes ?? {},
  }
}

/** eventsOfSignal are searches that show a signal's events. */
export async function searchesOfSignal(id: string, signal: AbortSignal): Promise<{ name: string; query: string }[]> {
  const body = await call<{ data?: { attributes: { name?: string; query_filter?: string } }[] }>(`/api/v2/security_monitoring/signals/${encodeURIComponent(id)}/investigation_queries`, { signal })
  return (body.data ?? []).map((d) => ({ name: d.attributes.name ?? '', query: d.attributes.query_filter ?? '*' }))
}
