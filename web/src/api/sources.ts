import { call } from './client'
import { countFacets, countOverTime } from './facets'
import { searchEvents, type Event } from './events'
import { term } from '../state/text'

/** Source is what wrote events of the last 24 hours. */
export interface Source {
  name: string
  /** Events of 24 hours, of those the ones that no pipeline read, and of the last hour. */
  events: number
  unread: number
  hour: number
  /** Events in each stretch of the 24 hours. */
  course: number[]
}

export interface Sources {
  all: Source[]
  /** Events of 24 hours, with those of sources that are not listed. */
  total: number
  distinct: number
  partial: boolean
}

async function countBySource(query: string, from: string, signal: AbortSignal) {
  const { facets, total, partial } = await countFacets({ query, from, to: '' }, ['source'], 100, signal, 'events')
  return { counts: new Map((facets[0]?.values ?? []).map((v) => [v.value, v.count])), total, distinct: facets[0]?.distinct ?? 0, partial }
}

/** listSources counts the events of 24 hours by source. */
export async function listSources(signal: AbortSignal): Promise<Sources> {
  const [day, unread, hour, course] = await Promise.all([
    countBySource('*', 'now-24h', signal),
    countBySource('-@nightjar.pipelines:*', 'now-24h', signal),
    countBySource('*', 'now-1h', signal),
    countOverTime({ query: '*', from: 'now-24h', to: '' }, ['source'], 48, 'UTC', signal, 'events'),
  ])
  const courses = new Map(course.series.map((s) => [s.by['source'] ?? '', s.counts]))
  const all = [...day.counts].map(([name, events]) => ({ name, events, unread: unread.counts.get(name) ?? 0, hour: hour.counts.get(name) ?? 0, course: courses.get(name) ?? [] }))
  return { all, total: day.total, distinct: day.distinct, partial: day.partial || unread.partial || hour.partial }
}

/** newestOf is the last event of a source, of those of 24 hours. */
export async function newestOf(source: string, signal: AbortSignal): Promise<Event | undefined> {
  return (await searchEvents(term('source', source), 'now-24h', '', undefined, 1, signal)).events[0]
}

/** Arrived is how much has come: by source those of 24 hours, and all since the first start. */
export interface Arrived {
  received: number
  counts: Map<string, number>
}

export async function readArrived(signal: AbortSignal): Promise<Arrived> {
  const { events_received: received } = await call<{ events_received: number }>('/api/nightjar/v1/status', { signal })
  return { received, counts: (await countBySource('*', 'now-24h', signal)).counts }
}
