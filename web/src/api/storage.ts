import { call } from './client'

/** Letting is something that is let go of, or was. Times are in milliseconds since 1970, sizes in bytes. */
export interface Letting {
  table: string
  /** The day or month (20060102, 200601), or a description. */
  what: string
  rows: number
  bytes: number
  reason: string
  at: number
  unevaluated: number
}

export interface BackupRun {
  name: string
  by: string
  begun: number
  ended: number
  /** writing, written or failed */
  state: string
  error: string
  bytes: number
  events: number
}

/** Storage is what is kept, how long (in seconds; 0: for ever), and what goes next. */
export interface Storage {
  tables: { name: string; rows: number; bytes: number; parts: number }[]
  disk: number
  free: number
  used: number
  quota: number
  keeps: { events: number; signals: number; matches: number; responses: number }
  next: Letting[]
  dropped: Letting[]
  backups: BackupRun[]
}

interface LettingBody extends Partial<Omit<Letting, 'at'>> {
  at?: string
}

interface StorageBody {
  tables?: { name?: string; rows?: number; bytes?: number; parts?: number }[]
  disk_bytes?: number; free_bytes?: number; used_bytes?: number; quota_bytes?: number; events_seconds?: number; signals_seconds?: number; matches_seconds?: number; responses_seconds?: number
  next?: LettingBody[]; dropped?: LettingBody[]
  backups?: (Partial<Omit<BackupRun, 'begun' | 'ended'>> & { begun?: string; ended?: string })[]
}

const lettingOf = (l: LettingBody): Letting => ({
  table: l.table ?? '', what: l.what ?? '', rows: l.rows ?? 0, bytes: l.bytes ?? 0, reason: l.reason ?? '', at: Date.parse(l.at ?? '') || 0, unevaluated: l.unevaluated ?? 0,
})

export async function readStorage(signal: AbortSignal): Promise<Storage> {
  const s = await call<StorageBody>('/api/nightjar/v1/storage', { signal })
  return {
    tables: (s.tables ?? []).map((t) => ({ name: t.name ?? '', rows: t.rows ?? 0, bytes: t.bytes ?? 0, parts: t.parts ?? 0 })),
    disk: s.disk_bytes ?? 0, free: s.free_bytes ?? 0, used: s.used_bytes ?? 0, quota: s.quota_bytes ?? 0,
    keeps: { events: s.events_seconds ?? 0, signals: s.signals_seconds ?? 0, matches: s.matches_seconds ?? 0, responses: s.responses_seconds ?? 0 },
    next: (s.next ?? []).map(lettingOf), dropped: (s.dropped ?? []).map(lettingOf),
    backups: (s.backups ?? []).map((b) => ({ name: b.name ?? '', by: b.by ?? '', begun: Date.parse(b.begun ?? '') || 0, ended: Date.parse(b.ended ?? '') || 0, state: b.state ?? '', error: b.error ?? '', bytes: b.bytes ?? 0, events: b.events ?? 0 })),
  }
}
