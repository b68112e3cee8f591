import { call } from './client'

/** Reparse reads stored events again. Times are in milliseconds since 1970; 0: not yet. */
export interface Reparse {
  id: string
  query: string
  from: string
  to: string
  state: string
  error: string
  days: number
  daysDone: number
  events: number
  changed: number
  failed: number
  created: number
  ended: number
}

interface Body {
  id?: string; query?: string; from?: string; to?: string; state?: string; error?: string; days?: number; days_done?: number; events?: number; changed?: number; failed?: number; created?: string; ended?: string
}

const api = '/api/nightjar/v1/reparses'
const reparseOf = (r: Body): Reparse => ({
  id: r.id ?? '', query: r.query ?? '', from: r.from ?? '', to: r.to ?? '', state: r.state ?? '', error: r.error ?? '', days: r.days ?? 0, daysDone: r.days_done ?? 0,
  events: r.events ?? 0, changed: r.changed ?? 0, failed: r.failed ?? 0, created: Date.parse(r.created ?? '') || 0, ended: Date.parse(r.ended ?? '') || 0,
})

export const listReparses = async (signal: AbortSignal): Promise<Reparse[]> => ((await call<{ jobs?: Body[] }>(api, { signal })).jobs ?? []).map(reparseOf)
export const createReparse = async (query: string, from: string): Promise<Reparse> => reparseOf(await call<Body>(api, { body: { query, from } }))
export const cancelReparse = (id: string): Promise<unknown> => call(`${api}/${encodeURIComponent(id)}/cancel`, { body: {} })
