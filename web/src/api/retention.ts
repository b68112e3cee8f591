import { call } from './client'

/** Keeping says how long what is kept, as people write it: 90d, 15mo, for-ever; empty: as the engine was started. */
export interface Keeping {
  events: string
  signals: string
  matches: string
  responses: string
  /** 50GB, or none. */
  disk_quota: string
}

export const keepingNames = ['events', 'signals', 'matches', 'responses', 'disk_quota'] as const

export interface Retention {
  settings: Keeping
  started: Keeping
  inForce: Keeping
  version: number
  /** Who changed it last, and when; empty and 0: nobody. */
  by: string
  at: number
}

/** Goes is what a change deletes of a table at once. */
export interface Goes {
  table: string
  /** age or quota */
  reason: string
  rows: number
  bytes: number
  /** Days of events, months of matches; 0: it goes row by row. */
  partitions: number
  first: string
  last: string
  unevaluated: number
}

export interface RetentionChange {
  goes: Goes[]
  used: number
  overQuota: boolean
  confirm: string
}

const path = '/api/nightjar/v1/retention'
const keepingOf = (k: Partial<Keeping> | undefined): Keeping => ({ events: k?.events ?? '', signals: k?.signals ?? '', matches: k?.matches ?? '', responses: k?.responses ?? '', disk_quota: k?.disk_quota ?? '' })

interface Body {
  settings?: Partial<Keeping>; started?: Partial<Keeping>; in_force?: Partial<Keeping>; version?: number; by?: string; at?: string
}

const retentionOf = (b: Body): Retention => ({ settings: keepingOf(b.settings), started: keepingOf(b.started), inForce: keepingOf(b.in_force), version: b.version ?? 0, by: b.by ?? '', at: Date.parse(b.at ?? '') || 0 })

export const readRetention = async (signal?: AbortSignal): Promise<Retention> => retentionOf(await call<Body>(path, signal ? { signal } : {}))

/** previewRetention says what a change would delete at once, and deletes nothing. */
export async function previewRetention(settings: Keeping): Promise<RetentionChange> {
  const b = await call<{ lets_go?: Partial<Goes>[]; used_bytes?: number; over_quota?: boolean; confirm?: string }>(path + ':preview', { body: { settings } })
  return {
    goes: (b.lets_go ?? []).map((g) => ({ table: g.table ?? '', reason: g.reason ?? '', rows: g.rows ?? 0, bytes: g.bytes ?? 0, partitions: g.partitions ?? 0, first: g.first ?? '', last: g.last ?? '', unevaluated: g.unevaluated ?? 0 })),
    used: b.used_bytes ?? 0, overQuota: b.over_quota ?? false, confirm: b.confirm ?? '',
  }
}

export const changeRetention = async (settings: Keeping, version: number, confirm: string): Promise<Retention> =>
  retentionOf(await call<Body>(path, { method: 'PUT', body: { settings, version, confirm } }))
