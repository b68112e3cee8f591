import { call } from './client'
import { bodyOf, type Filter } from './signals'

export type Over = 'events' | 'signals' | 'rules'

/** Checked is how a search is read, or what is wrong with it. */
export interface Checked {
  valid: boolean
  line: number
  column: number
  message: string
  /** How and/or is read, where somebody may read it otherwise. */
  reading: string
}

interface CheckBody {
  valid?: boolean
  error?: { line?: number; column?: number; message?: string; hint?: string }
  reading?: string
  mixed?: boolean
}

/** checkSearch says whether a search can be read. It asks no data. */
export async function checkSearch(query: string, over: Over, signal: AbortSignal): Promise<Checked> {
  const c = await call<CheckBody>('/api/nightjar/v1/search/check', { body: { query, over }, signal })
  const said = [c.error?.message ?? '', c.error?.hint ?? ''].filter((t) => t !== '').join('; ')
  return { valid: c.valid ?? false, line: c.error?.line ?? 1, column: c.error?.column ?? 0, message: said, reading: c.mixed ? (c.reading ?? '') : '' }
}

export interface Completion {
  text: string
  /** What goes into the query. */
  insert: string
  kind: string
  count: number | undefined
}

/** complete names fields that contain a text or, of a field, values. */
export async function complete(over: Over, field: string, text: string, filter: Filter, signal: AbortSignal): Promise<Completion[]> {
  const body = { over, text, limit: 12, filter: bodyOf(filter, over), ...(field === '' ? {} : { field }) }
  const c = await call<{ completions?: { text: string; insert: string; kind: string; count?: number }[] }>('/api/nightjar/v1/search/complete', { body, signal })
  return (c.completions ?? []).map((x) => ({ text: x.text, insert: x.insert, kind: x.kind, count: x.count }))
}
