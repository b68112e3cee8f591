import { call } from './client'

/** Step is something that became of a signal. */
export interface Step {
  at: number
  /** Empty: the engine. */
  who: string
  what: string
  note: string
  failed: boolean
}

/** History is what became of a signal, the oldest first. */
export interface History {
  steps: Step[]
  /** Changes of the triage before those, which are no longer kept. */
  cut: number
}

interface Body {
  entries?: {
    kind?: string
    at?: number
    by?: string
    text?: string
    triage?: { after?: { comment?: string } }
    notification?: { state?: string; answer?: string }
    response?: { state?: string; reason?: string; error?: string }
  }[]
  changes_cut?: number
}

export async function historyOf(id: string, signal: AbortSignal): Promise<History> {
  const b = await call<Body>(`/api/nightjar/v1/signals/${encodeURIComponent(id)}/history`, { signal })
  const steps = (b.entries ?? []).map((e) => ({
    at: e.at ?? 0, who: e.by ?? '', what: e.text ?? e.kind ?? '',
    note: e.response ? (e.response.error ?? e.response.reason ?? '') : e.notification?.state === 'failed' ? (e.notification.answer ?? '') : '',
    failed: e.notification?.state === 'failed' || e.response?.state === 'failed',
  }))
  return { steps, cut: b.changes_cut ?? 0 }
}
