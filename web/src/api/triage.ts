import { call } from './client'
import type { Signal, State } from './signals'

/** Change is what becomes of signals; what is absent stays. */
export interface Change {
  state?: State
  reason?: string
  note?: string
  /** Empty: nobody. */
  assignee?: string
}

const api = '/api/v2/security_monitoring/signals'

export function attributesOf(c: Change, version?: number) {
  return {
    ...(c.state ? { state: c.state } : {}),
    ...(c.reason ? { archive_reason: c.reason } : {}),
    ...(c.note ? { archive_comment: c.note } : {}),
    ...(c.assignee === undefined ? {} : { assignee: { uuid: c.assignee, handle: c.assignee, name: c.assignee } }),
    ...(version ? { version } : {}),
  }
}

/** changeOne changes a signal as it was seen: a change of somebody else in between is refused. */
export async function changeOne(s: Signal, c: Change): Promise<void> {
  await call(`${api}/${encodeURIComponent(s.id)}/update`, { method: 'PATCH', body: { data: { type: 'signal_metadata', attributes: attributesOf(c, s.version) } } })
}

/** after is how a signal stands once a change is made. */
export function after(s: Signal, c: Change): Signal {
  const state = c.state ?? s.state
  return { ...s, state, reason: state === 'archived' ? (c.reason ?? s.reason) : '', assignee: c.assignee ?? s.assignee, version: 0 }
}
