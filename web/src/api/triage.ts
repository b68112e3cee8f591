import { call } from './client'
import { bodyOf, type Filter, type Signal, type State } from './signals'

/** Change is what becomes of signals; what is absent stays. */
export interface Change {
  state?: State
  reason?: string
  note?: string
  /** Empty: nobody. */
  assignee?: string
}

const api = '/api/v2/security_monitoring/signals'
const most = 199

function attributesOf(c: Change, version?: number) {
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

/** changeEach changes several, each as said: up to 199 at once, all of these or none. */
export async function changeEach(changes: { id: string; change: Change }[]): Promise<void> {
  for (let i = 0; i < changes.length; i += most) {
    const data = changes.slice(i, i + most).map(({ id, change }) => ({ id, type: 'signal', attributes: attributesOf(change) }))
    await call(api + '/bulk/update', { method: 'PATCH', body: { data } })
  }
}

/** changeAll changes every signal that a filter selects. */
export async function changeAll(filter: Filter, c: Change): Promise<{ changed: number; left: number }> {
  const done = await call<{ changed?: number; left?: number }>('/api/nightjar/v1/signals/triage', { body: { filter: bodyOf(filter), change: attributesOf(c) } })
  return { changed: done.changed ?? 0, left: done.left ?? 0 }
}

/** before is the change that takes a signal back to how it stands now. */
export function before(s: Signal): Change {
  return { state: s.state, reason: s.state === 'archived' ? s.reason : 'none', assignee: s.assignee }
}

/** after is how a signal stands once a change is made. */
export function after(s: Signal, c: Change): Signal {
  const state = c.state ?? s.state
  return { ...s, state, reason: state === 'archived' ? (c.reason ?? s.reason) : '', assignee: c.assignee ?? s.assignee, version: 0 }
}
