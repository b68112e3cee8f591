import { call } from './client'
import { searchEvents, type Event } from './events'
import { searchBySeverity, type Signal } from './signals'
import { term } from '../state/text'

/** Known is what is known of a value beside one signal: each part is undefined until it is there. */
export interface Entity {
  field: string
  value: string
}

/** signalsOf are the worst signals of 30 days that are about a value. */
export async function signalsOf(e: Entity, limit: number, signal: AbortSignal): Promise<Signal[]> {
  const page = await searchBySeverity({ query: term(e.field, e.value), from: 'now-30d', to: '' }, undefined, limit, signal)
  return page.signals
}

export interface Span {
  first: Event
  last: Event
}

/** eventsSpan is the first and the last event of 90 days that have a value; undefined: there is none. */
export async function eventsSpan(e: Entity, signal: AbortSignal): Promise<Span | undefined> {
  const query = term(e.field, e.value)
  const [first, last] = await Promise.all([
    searchEvents(query, 'now-90d', '', undefined, 1, signal, 'timestamp'),
    searchEvents(query, 'now-90d', '', undefined, 1, signal, '-timestamp'),
  ])
  return first.events[0] && last.events[0] ? { first: first.events[0], last: last.events[0] } : undefined
}

/** Listing is a threat list that a value is in. */
export interface Listing {
  list: string
  category: string
}

export async function listingsOf(e: Entity, signal: AbortSignal): Promise<Listing[]> {
  const body = await call<{ indicators?: { list?: string; list_name?: string; source?: string; category?: string }[] }>('/api/nightjar/v1/threat-lists:lookup', { query: { value: e.value }, signal })
  return (body.indicators ?? []).map((i) => ({ list: i.list_name ?? i.list ?? i.source ?? '', category: i.category ?? '' }))
}

/** placeOf is where an event says that an address is: its city and country, and its network. */
export function placeOf(e: Event, field: string): string {
  const owner = field.replace(/^@/, '').replace(/\.ip$/, '').split('.')
  let at: unknown = e.attributes
  for (const part of [...owner, 'geoip']) at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[part] : undefined
  if (typeof at !== 'object' || at === null) return ''
  const name = (key: string): string => {
    const found = (at as Record<string, { name?: string } | undefined>)[key]
    return typeof found?.name === 'string' ? found.name : ''
  }
  return [name('city'), name('country'), name('as')].filter((t) => t !== '').join(' · ')
}
