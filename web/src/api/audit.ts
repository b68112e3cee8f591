import { call } from './client'

/** Entry is one of the audit log. */
export interface Entry {
  seq: number
  at: number
  kind: string
  action: string
  outcome: string
  caller: string
  callerID: string
  role: string
  address: string
  request: string
  object: string
  detail: string
  count: number
  hash: string
}

/** AuditFilter selects entries; what is empty selects all. Times are as searches have them. */
export interface AuditFilter {
  from: string
  to: string
  caller: string
  kind: string
  outcome: string
  object: string
  text: string
}

interface EntryBody extends Omit<Partial<Entry>, 'at' | 'callerID'> {
  at?: string
  caller_id?: string
}

const audit = '/api/nightjar/v1/audit'

/** listAudit reads a page of entries, the newest first: those before the number, where that is not 0. */
export async function listAudit(filter: AuditFilter, before: number, limit: number, signal?: AbortSignal): Promise<Entry[]> {
  const query = Object.fromEntries(Object.entries(filter).map(([name, value]) => [name, value || undefined]))
  const body = await call<{ entries?: EntryBody[] }>(audit, { query: { ...query, limit, before: before || undefined }, ...(signal ? { signal } : {}) })
  return (body.entries ?? []).map((e) => ({
    seq: e.seq ?? 0, at: Date.parse(e.at ?? '') || 0, kind: e.kind ?? '', action: e.action ?? '', outcome: e.outcome ?? '', caller: e.caller ?? '', callerID: e.caller_id ?? '', role: e.role ?? '',
    address: e.address ?? '', request: e.request ?? '', object: e.object ?? '', detail: e.detail ?? '', count: e.count ?? 1, hash: e.hash ?? '',
  }))
}

/** Chain is how the log stands, after all of it was read. */
export interface Chain {
  whole: boolean
  rows: number
  first: number
  last: number
  faults: { seq: number; reason: string }[]
  gaps: { first: number; last: number }[]
  lost: number
  waiting: number
}

export async function verifyAudit(signal: AbortSignal): Promise<Chain> {
  const c = await call<Omit<Partial<Chain>, 'faults' | 'gaps'> & { faults?: { seq?: number; reason?: string }[]; gaps?: { first?: number; last?: number }[] }>(audit + ':verify', { signal })
  return {
    whole: c.whole ?? false, rows: c.rows ?? 0, first: c.first ?? 0, last: c.last ?? 0, lost: c.lost ?? 0, waiting: c.waiting ?? 0,
    faults: (c.faults ?? []).map((f) => ({ seq: f.seq ?? 0, reason: f.reason ?? '' })), gaps: (c.gaps ?? []).map((g) => ({ first: g.first ?? 0, last: g.last ?? 0 })),
  }
}
