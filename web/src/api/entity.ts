import { call } from './client'
import type { Facet } from './facets'

/** Entity is a value of a field, of which more can be known. */
export interface Entity {
  field: string
  value: string
}

/** Counts are how many there are of it; first and last in milliseconds since 1970, 0 where there are none. */
export interface Counts {
  total: number
  first: number
  last: number
  facets: Facet[]
  /** There are more. */
  partial: boolean
  /** What was before this moment is not counted yet; undefined: nothing is left out for that. */
  from: number | undefined
}

/** Place is where an address is, on the earth and on the network. */
export interface Place {
  city: string
  country: string
  /** Undefined: not known. */
  at: { latitude: number; longitude: number } | undefined
  network: string
  /** What the makers of the databases ask to be shown. */
  credits: string[]
}

/** Known is what is known of an entity. */
export interface Known {
  /** The search that finds its events, and its signals. */
  query: string
  events: Counts
  signals: Counts
  tables: { id: string; name: string }[]
  lists: string[]
  place: Place | undefined
}

interface CountsBody {
  total?: number
  first?: number
  last?: number
  partial?: boolean
  counted_from?: number
  facets?: { facet: string; values?: { value?: string; count?: number; label?: string }[]; distinct?: number; lacking?: number }[]
}

interface Body {
  query?: string
  events?: CountsBody
  signals?: CountsBody
  reference_tables?: string[]
  reference_table_ids?: string[]
  threat_lists?: string[]
  location?: CountsBody['facets']
  place?: { city?: string; country?: string; latitude?: number; longitude?: number; as_number?: string; as_name?: string; attributions?: string[] }
}

/** atOnce is how many milliseconds the first counts of its events may take. */
const atOnce = 60

/** growEntity is what is known of a value: its events of a stretch of time, its signals of all time. It is told with the newest of its events first. */
export async function growEntity(e: Entity, range: { from: string; to: string }, signal: AbortSignal, told: (known: Known) => void): Promise<Known> {
  const newest = await entityOf(e, range, signal, atOnce)
  if (newest.events.from === undefined) return newest
  told(newest)
  return entityOf(e, range, signal)
}

/** entityOf is the same at once, and of events as much as so many milliseconds allow, where they are given. */
export async function entityOf(e: Entity, range: { from: string; to: string }, signal: AbortSignal, within?: number): Promise<Known> {
  const from = range.from === '' ? '0' : range.from
  const b = await call<Body>('/api/nightjar/v1/entity', { query: { field: e.field, value: e.value, from, to: range.to === '' ? undefined : range.to, within_ms: within }, signal })
  return { query: b.query ?? '', events: countsOf(b.events), signals: countsOf(b.signals), tables: tablesOf(b), lists: b.threat_lists ?? [], place: placeOf(b) }
}

/** tablesOf are the reference tables, without those that threat lists keep their values in: the lists are named. */
const tablesOf = (b: Body): Known['tables'] =>
  (b.reference_tables ?? []).map((name, i) => ({ name, id: b.reference_table_ids?.[i] ?? '' })).filter((t) => !(b.threat_lists ?? []).some((l) => t.name === 'threat_' + l))

const facetsOf = (list: CountsBody['facets']): Facet[] =>
  (list ?? []).map((f) => ({ facet: f.facet, values: (f.values ?? []).map((v) => ({ value: v.value ?? '', count: v.count ?? 0, label: v.label ?? '' })), distinct: f.distinct ?? 0, lacking: f.lacking ?? 0 }))

const countsOf = (c: CountsBody | undefined): Counts => ({ total: c?.total ?? 0, first: c?.first ?? 0, last: c?.last ?? 0, facets: facetsOf(c?.facets), partial: c?.partial ?? false, from: c?.counted_from === undefined ? undefined : Number(c.counted_from) })

/** placeOf is where the databases have an address; where they don't, where most of its events say that it is. */
function placeOf(b: Body): Place | undefined {
  const p = b.place
  if (p) {
    const at = p.latitude === undefined || p.longitude === undefined ? undefined : { latitude: p.latitude, longitude: p.longitude }
    return { city: p.city ?? '', country: p.country ?? '', at, network: [p.as_number, p.as_name].filter((t) => t).join(' '), credits: p.attributions ?? [] }
  }
  const said = (name: string): string => b.location?.find((f) => f.facet === '@network.client.geoip.' + name)?.values?.[0]?.value ?? ''
  const found = { city: said('city.name'), country: said('country.name') || said('country.iso_code'), at: undefined, network: said('as.name'), credits: [] }
  return found.city + found.country + found.network === '' ? undefined : found
}

/** fieldOfKind is the field that a kind in an address means: ip, user, host; else it is one itself. */
export const fieldOfKind = (kind: string): string =>
  ({ ip: '@network.client.ip', usr: '@usr.id', user: '@usr.id', host: 'host', service: 'service', source: 'source' })[kind] ?? kind
