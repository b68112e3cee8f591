import type { Signal, State } from './signals'

/** Change is what becomes of signals; what is absent stays. */
export interface Change {
  state?: State
  reason?: string
  note?: string
  /** Empty: nobody. */
  assignee?: string
}

export function attributesOf(c: Change) {
  return {
    ...(c.state ? { state: c.state } : {}),
    ...(c.reason ? { archive_reason: c.reason } : {}),
    ...(c.note ? { archive_comment: c.note } : {}),
    ...(c.assignee === undefined ? {} : { assignee: { uuid: c.assignee, handle: c.assignee, name: c.assignee } }),
  }
}

/** after is how a signal stands once a change is made. */
export function after(s: Signal, c: Change): Signal {
  const state = c.state ?? s.state
  return { ...s, state, reason: state === 'archived' ? (c.reason ?? s.reason) : '', comment: c.state === undefined ? s.comment : (c.note ?? ''), assignee: c.assignee ?? s.assignee, version: undefined }
}
