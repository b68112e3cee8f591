import { call } from './client'

/** ThreatList is a list of indicators that somebody keeps. Times are in milliseconds since 1970; 0: never. */
export interface ThreatList {
  id: string
  name: string
  url: string
  file: string
  format: string
  type: string
  category: string
  intention: string
  refresh: string
  headers: Record<string, string>
  enabled: boolean
  indicators: number
  skipped: Record<string, number>
  problems: string[]
  refreshed: number
  error: string
  tried: number
  /** The name of the reference table that has them. */
  table: string
}

/** What somebody says of a list. */
export type ThreatListSaid = Pick<ThreatList, 'name' | 'url' | 'file' | 'format' | 'type' | 'category' | 'intention' | 'refresh' | 'headers' | 'enabled'>

type Body = Partial<Omit<ThreatList, 'refreshed' | 'tried'>> & { refreshed?: string; tried?: string }

const api = '/api/nightjar/v1/threat-lists'
const at = (id: string) => `${api}/${encodeURIComponent(id)}`
const moment = (t: string | undefined): number => Date.parse(t ?? '') || 0
const listOf = (b: Body): ThreatList => ({
  id: b.id ?? '', name: b.name ?? '', url: b.url ?? '', file: b.file ?? '', format: b.format ?? '', type: b.type ?? '', category: b.category ?? '', intention: b.intention ?? '', refresh: b.refresh ?? '',
  headers: b.headers ?? {}, enabled: b.enabled ?? true, indicators: b.indicators ?? 0, skipped: b.skipped ?? {}, problems: b.problems ?? [], refreshed: moment(b.refreshed), error: b.error ?? '', tried: moment(b.tried), table: b.table ?? '',
})

export const listThreatLists = async (signal: AbortSignal): Promise<ThreatList[]> => ((await call<{ lists?: Body[] }>(api, { signal })).lists ?? []).map(listOf)
export const createThreatList = async (said: ThreatListSaid): Promise<ThreatList> => listOf(await call<Body>(api, { body: said }))
export const updateThreatList = async (id: string, said: ThreatListSaid): Promise<ThreatList> => listOf(await call<Body>(at(id), { method: 'PUT', body: said }))
export const deleteThreatList = (id: string): Promise<unknown> => call(at(id), { method: 'DELETE' })
export const refreshThreatList = (id: string): Promise<unknown> => call(`${at(id)}/refresh`, { body: {} })

export interface Indicator {
  indicator: string
  type: string
  category: string
  intention: string
  list: string
  about: string
}

/** lookUp is what the lists have of a value. */
export async function lookUp(value: string, signal: AbortSignal): Promise<Indicator[]> {
  const b = await call<{ indicators?: Partial<Indicator>[] }>(`${api}:lookup`, { query: { value }, signal })
  return (b.indicators ?? []).map((i) => ({ indicator: i.indicator ?? '', type: i.type ?? '', category: i.category ?? '', intention: i.intention ?? '', list: i.list ?? '', about: i.about ?? '' }))
}
