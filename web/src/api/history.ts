import { reasonName } from '../parts/marks'
import { call } from './client'
import type { Severity, State } from './signals'

/** Step is something that became of a signal. */
export interface Step {
  at: number
  /** Empty: the engine. */
  who: string
  what: string
  note: string
  failed: boolean
  /** The job that did it, and that can be undone still; empty: none. */
  undoable: string
}

/** Version is how a signal was published; times in milliseconds since 1970. */
export interface Version {
  version: number
  firstSeen: number
  lastSeen: number
  events: number
  severity: Severity
  state: State
  reason: string
}

/** History is what became of a signal, the oldest first. */
export interface History {
  steps: Step[]
  /** Those that are still stored, the newest first; and how many there were. */
  versions: Version[]
  published: number
  /** Changes of the triage before those, which are no longer kept. */
  cut: number
}

interface Standing {
  state?: string
  archive_reason?: string
  comment?: string
  assignee?: string
}

interface Body {
  entries?: {
    kind?: string
    at?: number
    by?: string
    text?: string
    triage?: { before?: Standing; after?: Standing; job_id?: string }
    notification?: { state?: string; answer?: string }
    response?: { state?: string; reason?: string; error?: string }
  }[]
  changes_cut?: number
  versions?: { version?: number; first_seen?: number; last_seen?: number; events?: number; severity?: Severity; state?: State; reason?: string }[]
  versions_published?: number
}

export async function historyOf(id: string, signal: AbortSignal): Promise<History> {
  const b = await call<Body>(`/api/nightjar/v1/signals/${encodeURIComponent(id)}/history`, { signal })
  const undoable = undoableOf(b.entries ?? [])
  const steps = (b.entries ?? []).map((e) => ({
    undoable: e.triage?.job_id === undoable ? undoable : '',
    at: e.at ?? 0, who: e.by ?? '', what: e.triage ? changed(e.triage.before ?? {}, e.triage.after ?? {}) || (e.text ?? '') : (e.text ?? e.kind ?? ''),
    note: e.triage ? (e.triage.after?.comment ?? '') : e.response ? (e.response.error ?? e.response.reason ?? '') : e.notification?.state === 'failed' ? (e.notification.answer ?? '') : '',
    failed: e.notification?.state === 'failed' || e.response?.state === 'failed',
  }))
  const versions = (b.versions ?? []).map((v) => ({
    version: v.version ?? 0, firstSeen: v.first_seen ?? 0, lastSeen: v.last_seen ?? 0, events: v.events ?? 0, severity: v.severity ?? 'info', state: v.state ?? 'open', reason: v.reason ?? '',
  }))
  return { steps, versions, published: b.versions_published ?? versions.length, cut: b.changes_cut ?? 0 }
}

/** undoableOf is the job whose change is the latest one, unless it was taken back: its own undoing is named for it. */
function undoableOf(entries: { triage?: { job_id?: string } }[]): string {
  const job = entries.filter((e) => e.triage).at(-1)?.triage?.job_id ?? ''
  return / undone$/.test(job) ? '' : job
}

/** changed is what somebody did, in words. */
function changed(before: Standing, after: Standing): string {
  const did: string[] = []
  if (after.state !== before.state || after.archive_reason !== before.archive_reason) {
    if (after.state === 'archived') did.push(`archived it as ${reasonName(after.archive_reason ?? '', after.comment ?? '').toLowerCase()}`)
    else did.push(after.state === 'under_review' ? 'took it under review' : 'opened it again')
  }
  const [from, to] = [nameOf(before), nameOf(after)]
  if (from !== to) did.push(to === '' ? `took it from ${from}` : `assigned it to ${to}`)
  if (did.length === 0 && after.comment !== before.comment) did.push('noted')
  return did.join(', ')
}

const nameOf = (s: Standing): string => s.assignee ?? ''
