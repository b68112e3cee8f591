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
  /** Calls a second that it may make; 0: as many as any. */
  rate: number
  /** How many agents may enrol with it (0: any number), and have. */
  uses: number
  enrolled: number
  /** Until when the key before the last rotation is good; 0: it is not. */
  formerUntil: number
}

interface KeyBody {
  id?: string; name?: string; role?: string; hint?: string; key?: string; created?: string; created_by?: string; expires?: string; last_used?: string; agent?: string
  rate?: number; uses?: number; used?: number; former_until?: string
}

const moment = (text: string | undefined): number => Date.parse(text ?? '') || 0
const keyOf = (k: KeyBody): Key => ({
  id: k.id ?? '', name: k.name ?? '', role: k.role ?? '', hint: k.hint ?? '', key: k.key ?? '', created: moment(k.created), by: k.created_by ?? '',
  expires: moment(k.expires), used: moment(k.last_used), agent: k.agent ?? '', rate: k.rate ?? 0, uses: k.uses ?? 0, enrolled: k.used ?? 0, formerUntil: moment(k.former_until),
})

const keys = '/api/nightjar/v1/keys'
export const listKeys = async (signal: AbortSignal): Promise<Key[]> => ((await call<{ keys?: KeyBody[] }>(keys, { signal })).keys ?? []).map(keyOf)

/** NewKey is what a key is made of: how long it is good (90d; empty: until it is revoked), calls a second and enrolments (0: no bound). */
export interface NewKey {
  name: string
  role: string
  expiresIn: string
  rate: number
  uses: number
}

export const createKey = async (k: NewKey): Promise<Key> => keyOf(await call<KeyBody>(keys, { body: { name: k.name, role: k.role, expires_in: k.expiresIn, rate: k.rate, uses: k.uses } }))
/** rotateKey replaces a key; the former one is good for the grace, such as 24h, or ends at once where that is empty. */
export const rotateKey = async (id: string, grace: string): Promise<Key> => keyOf(await call<KeyBody>(`${keys}/${encodeURIComponent(id)}:rotate`, { body: { grace } }))
export const revokeKey = (id: string): Promise<unknown> => call(`${keys}/${encodeURIComponent(id)}`, { method: 'DELETE' })

export interface User {
  id: string
  name: string
  role: string
  created: number
  disabled: boolean
  /** Of now, and when the latest began. */
  sessions: number
  signedIn: number
  /** Where it was made here, this once. */
  password: string
}

interface UserBody {
  id?: string; name?: string; role?: string; created?: string; disabled?: boolean; sessions?: number; last_sign_in?: string; password?: string
}

const users = '/api/nightjar/v1/users'
const userOf = (u: UserBody): User => ({
  id: u.id ?? '', name: u.name ?? '', role: u.role ?? '', created: moment(u.created), disabled: u.disabled ?? false, sessions: u.sessions ?? 0, signedIn: moment(u.last_sign_in), password: u.password ?? '',
})
const pathOf = (id: string): string => `${users}/${encodeURIComponent(id)}`

export const listUsers = async (signal: AbortSignal): Promise<User[]> => ((await call<{ users?: UserBody[] }>(users, { signal })).users ?? []).map(userOf)
export const createUser = async (name: string, role: string): Promise<User> => userOf(await call<UserBody>(users, { body: { name, role } }))
export const setRole = (id: string, role: string): Promise<unknown> => call(pathOf(id) + ':role', { body: { role } })
export const resetPassword = async (id: string): Promise<User> => userOf(await call<UserBody>(pathOf(id) + ':password', { body: {} }))
export const switchUser = (id: string, to: 'disable' | 'enable'): Promise<unknown> => call(`${pathOf(id)}:${to}`, { body: {} })
export const deleteUser = (id: string): Promise<unknown> => call(pathOf(id), { method: 'DELETE' })

/** Session is somebody who has signed in. */
export interface Session {
  id: string
  name: string
  role: string
  /** local, or the provider's address. */
  provider: string
  begun: number
  expires: number
  current: boolean
}

const sessions = '/api/nightjar/v1/sessions'

/** listSessions are the caller's own, or, for who manages keys, everybody's. */
export async function listSessions(signal: AbortSignal): Promise<Session[]> {
  const body = await call<{ sessions?: (Omit<Partial<Session>, 'begun' | 'expires'> & { begun?: string; expires?: string })[] }>(sessions, { signal })
  return (body.sessions ?? []).map((s) => ({
    id: s.id ?? '', name: s.name ?? '', role: s.role ?? '', provider: s.provider ?? '', begun: moment(s.begun), expires: moment(s.expires), current: s.current ?? false,
  }))
}
export const endSession = (id: string): Promise<unknown> => call(`${sessions}/${encodeURIComponent(id)}`, { method: 'DELETE' })
