import { call } from './client'
import type { Custom, Signal } from './signals'

/** Step is something that became of a signal. */
export interface Step {
  at: number
  who: string
  what: string
  note: string
}

interface NotificationBody {
  notifications?: { target: string; kind: string; state: string; created: string; tried?: string; attempts?: number; answer?: string }[]
}

interface Triage {
  updater?: { handle?: string }
  stateUpdateTimestamp?: number | string
  archiveComment?: string
}

/** historyOf is what became of a signal, the oldest first: that it was opened, told and triaged. */
export async function historyOf(s: Signal, custom: Custom, signal: AbortSignal): Promise<Step[]> {
  const told = await call<NotificationBody>('/api/nightjar/v1/notifications', { query: { signal_id: s.id }, signal })
  const steps: Step[] = [{ at: s.firstSeen, who: 'nightjar', what: 'saw the first of its events', note: '' }]
  for (const n of told.notifications ?? []) {
    steps.push({ at: Date.parse(n.tried || n.created), who: 'nightjar', what: `${n.state === 'sent' ? 'told' : n.state === 'failed' ? 'could not tell' : 'is to tell'} ${n.target}`, note: n.state === 'failed' ? (n.answer ?? '') : '' })
  }
  const t = custom.workflow.triage as Triage | undefined
  const at = typeof t?.stateUpdateTimestamp === 'string' ? Date.parse(t.stateUpdateTimestamp) : t?.stateUpdateTimestamp
  if (at && t?.updater?.handle) {
    const what = { open: 'opened it again', under_review: 'took it under review', archived: 'archived it', suppressed: 'suppressed it' }[s.state]
    steps.push({ at, who: t.updater.handle, what, note: t.archiveComment ?? '' })
  }
  return steps.sort((a, b) => a.at - b.at)
}
