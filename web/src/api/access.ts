import { call } from './client'

/** Key is a key of the API; it itself is shown once, when it is made. Times are in milliseconds since 1970; 0: none. */
export interface Key {
  id: string
  name: string
  role: string
  hint: string
  key: string
  created: number
  by: string
  expires: number
  used: number
  agent: string
}

interface KeyBody {
  id?: string; name?: string; role?: string; hint?: string; key?: string; created?: string; created_by?: string; expires?: string; last_used?: string; agent?: string
}

const moment = (text: string | undefined): number => Date.parse(text ?? '') || 0
const keyOf = (k: KeyBody): Key => ({
  id: k.id ?? '', name: k.name ?? '', role: k.role ?? '', hint: k.hint ?? '', key: k.key ?? '', created: moment(k.created), by: k.created_by ?? '',
  expires: moment(k.expires), used: moment(k.last_used), agent: k.agent ?? '',
})

const keys = '/api/nightjar/v1/keys'
export const listKeys = async (signal: AbortSignal): Promise<Key[]> => ((await call<{ keys?: KeyBody[] }>(keys, { signal })).keys ?? []).map(keyOf)
export const createKey = async (name: string, role: string, expiresIn: string): Promise<Key> => keyOf(await call<KeyBody>(keys, { body: { name, role, expires_in: expiresIn } }))
export const revokeKey = (id: string): Promise<unknown> => call(`${keys}/${encodeURIComponent(id)}`, { method: 'DELETE' })

export interface User {
  id: string
  name: string
  role: string
  created: number
}

export async function listUsers(signal: AbortSignal): Promise<User[]> {
  const body = await call<{ users?: { id?: string; name?: string; role?: string; created?: string }[] }>('/api/nightjar/v1/users', { signal })
  return (body.users ?? []).map((u) => ({ id: u.id ?? '', name: u.name ?? '', role: u.role ?? '', created: moment(u.created) }))
}

/** Entry is one of the audit log. */
export interface Entry {
  seq: number
  at: number
  kind: string
  action: string
  outcome: string
  caller: string
  role: string
  address: string
  object: string
  detail: string
  count: number
}

export async function listAudit(filter: { text: string; outcome: string }, signal: AbortSignal): Promise<Entry[]> {
  const body = await call<{ entries?: (Omit<Partial<Entry>, 'at'> & { at?: string })[] }>('/api/nightjar/v1/audit', { query: { text: filter.text || undefined, outcome: filter.outcome || undefined, limit: 200 }, signal })
  return (body.entries ?? []).map((e) => ({
    seq: e.seq ?? 0, at: moment(e.at), kind: e.kind ?? '', action: e.action ?? '', outcome: e.outcome ?? '', caller: e.caller ?? '', role: e.role ?? '',
    address: e.address ?? '', object: e.object ?? '', detail: e.detail ?? '', count: e.count ?? 1,
  }))
}
