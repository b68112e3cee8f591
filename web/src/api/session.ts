import { call, dropKey, heldKey, holdKey, APIError } from './client'

export type Role = 'reader' | 'analyst' | 'engineer' | 'responder' | 'admin' | 'intake' | 'agent'

/** Caller is who uses the page. */
export interface Caller {
  name: string
  /** unknown: with a key, until the engine says. */
  role: Role | 'unknown'
  by: 'key' | 'password' | 'provider'
}

/** Ways are how somebody can sign in here. */
export interface Ways {
  password: boolean
  provider: boolean
}

interface SessionBody {
  name: string
  role: Role
  provider: string
}

const signInPath = '/api/nightjar/v1/sign-in'

/** currentCaller is who has signed in, or how they can. */
export async function currentCaller(): Promise<{ caller: Caller } | { ways: Ways }> {
  const key = heldKey()
  if (key) {
    try {
      return { caller: await callerOfKey(key) }
    } catch (e) {
      if (!(e instanceof APIError)) throw e
      dropKey()
    }
  }
  const { session, password, provider } = await call<Ways & { session: SessionBody | null }>(signInPath)
  return session ? { caller: callerOf(session) } : { ways: { password, provider } }
}

const callerOf = (s: SessionBody): Caller => ({ name: s.name, role: s.role, by: s.provider === 'local' ? 'password' : 'provider' })

async function callerOfKey(key: string): Promise<Caller> {
  await call('/api/v1/validate', { key })
  return { name: 'key', role: 'unknown', by: 'key' }
}

export async function signInWithKey(key: string, keep: boolean): Promise<Caller> {
  const caller = await callerOfKey(key)
  holdKey(key, keep ? 'sign-out' : 'the tab closes')
  return caller
}

export async function signInWithPassword(name: string, password: string): Promise<Caller> {
  dropKey()
  return callerOf(await call<SessionBody>(signInPath, { body: { name, password } }))
}

/** providerAddress is where the provider's sign-in begins. */
export const providerAddress = (next: string): string => '/api/nightjar/v1/oidc/start?next=' + encodeURIComponent(next)

export async function signOut(caller: Caller): Promise<void> {
  dropKey()
  if (caller.by !== 'key') await call('/api/nightjar/v1/sign-out', { method: 'POST' })
}
