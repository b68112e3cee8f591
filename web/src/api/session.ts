import { forgetRecent } from '../state/recent'
import { call, dropKey, heldKey, holdKey, APIError } from './client'

export type Role = 'intake' | 'enroll' | 'agent' | 'reader' | 'analyst' | 'engineer' | 'responder' | 'admin'

/** Permission is what a call of the API needs, as the engine names it; of those there are, what the page asks for. */
export type Permission =
  | 'signals:triage' | 'history:run' | 'detection:write' | 'notifications:write' | 'agents:write' | 'engine:operate'
  | 'response:kill' | 'response:isolate' | 'response:collect' | 'response:switch' | 'keys:manage' | 'events:delete' | 'audit:read'

/** Caller is who uses the page. */
export interface Caller {
  name: string
  role: Role
  by: 'key' | 'user'
  /** What they may do. */
  permissions: ReadonlySet<string>
}

/** Ways are how somebody can sign in here. */
export interface Ways {
  password: boolean
  provider: boolean
}

interface CallerBody {
  name: string
  role: Role
  kind: string
  permissions?: string[]
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
  const { session, password, provider } = await call<Ways & { session: unknown }>(signInPath)
  return session ? { caller: await askCaller() } : { ways: { password, provider } }
}

/** askCaller asks the engine who the page's calls are of, and what they may do. */
async function askCaller(): Promise<Caller> {
  return callerOf(await call<CallerBody>('/api/nightjar/v1/me'))
}

async function callerOfKey(key: string): Promise<Caller> {
  return callerOf(await call<CallerBody>('/api/nightjar/v1/me', { key }))
}

const callerOf = (c: CallerBody): Caller => ({ name: c.name, role: c.role, by: c.kind === 'key' ? 'key' : 'user', permissions: new Set(c.permissions) })

export async function signInWithKey(key: string, keep: boolean): Promise<Caller> {
  const caller = await callerOfKey(key)
  if (!caller.permissions.has('signals:read')) throw new Error(`A key of the role ${caller.role} sees nothing here: use one of a reader or more.`)
  holdKey(key, keep ? 'sign-out' : 'the tab closes')
  return caller
}

export async function signInWithPassword(name: string, password: string): Promise<Caller> {
  dropKey()
  await call(signInPath, { body: { name, password } })
  return askCaller()
}

/** providerAddress is where the provider's sign-in begins. */
export const providerAddress = (next: string): string => '/api/nightjar/v1/oidc/start?next=' + encodeURIComponent(next)

export async function signOut(caller: Caller): Promise<void> {
  dropKey()
  forgetRecent()
  if (caller.by !== 'key') await call('/api/nightjar/v1/sign-out', { method: 'POST' })
}
