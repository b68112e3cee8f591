import { call } from './client'

export interface Pipeline {
  id: string
  name: string
  description: string
  query: string
  enabled: boolean
  builtIn: boolean
  /** Why it is out of force; empty: it is not. */
  broken: string
  warnings: string[]
  /** Why it deserves attention. */
  dear: string
  events: number
  failed: number
  redacted: number
  /** Of an event, in microseconds. */
  time: number
}

interface Body {
  id?: string; is_built_in?: boolean; broken?: string; warnings?: string[]
  pipeline?: { name?: string; description?: string; is_enabled?: boolean; filter?: { query?: string } }
  statistics?: { dear?: string; events?: number; failed?: number; redacted?: number; time_per_event?: number }
}

const api = '/api/nightjar/v1/pipelines'

export async function listPipelines(signal: AbortSignal): Promise<Pipeline[]> {
  const body = await call<{ data?: Body[] }>(api, { signal })
  return (body.data ?? []).map((p) => ({
    id: p.id ?? '', name: p.pipeline?.name ?? p.id ?? '', description: p.pipeline?.description ?? '', query: p.pipeline?.filter?.query ?? '*', enabled: p.pipeline?.is_enabled ?? false,
    builtIn: p.is_built_in ?? false, broken: p.broken ?? '', warnings: p.warnings ?? [], dear: p.statistics?.dear ?? '',
    events: p.statistics?.events ?? 0, failed: p.statistics?.failed ?? 0, redacted: p.statistics?.redacted ?? 0, time: p.statistics?.time_per_event ?? 0,
  }))
}

export const switchPipeline = (id: string, to: 'on' | 'off'): Promise<unknown> => call(`${api}/${encodeURIComponent(id)}/switch`, { body: { is_enabled: to === 'on' } })
