import { createStore, useStore } from './store'
import { currentCaller, signOut, type Caller, type Ways } from '../api/session'
import { onRefused } from '../api/client'

export type Session =
  | { state: 'asking' }
  | { state: 'out'; ways: Ways; ended: boolean }
  | { state: 'in'; caller: Caller }
  | { state: 'unreachable' }

const session = createStore<Session>({ state: 'asking' })
export const useSession = (): Session => useStore(session)

export async function findSession(): Promise<void> {
  try {
    const found = await currentCaller()
    session.set('caller' in found ? { state: 'in', caller: found.caller } : { state: 'out', ways: found.ways, ended: false })
  } catch {
    session.set({ state: 'unreachable' })
  }
}

export const entered = (caller: Caller): void => session.set({ state: 'in', caller })

export async function leave(): Promise<void> {
  const s = session.get()
  if (s.state === 'in') await signOut(s.caller).catch(() => undefined)
  await findSession()
}

onRefused(() => {
  if (session.get().state === 'in') session.set({ state: 'out', ways: { password: true, provider: false }, ended: true })
})

/** May is what somebody of a role may do here. Until the engine says the role, all. */
const granted: Record<string, string[]> = {
  triage: ['analyst', 'engineer', 'responder', 'admin'],
  configure: ['engineer', 'admin'],
  respond: ['responder', 'admin'],
  agents: ['engineer', 'responder', 'admin'],
  administer: ['admin'],
}
export type Power = 'triage' | 'configure' | 'respond' | 'agents' | 'administer'
const needed: Record<Power, string> = { triage: 'needs analyst', configure: 'needs engineer', respond: 'needs responder', agents: 'needs engineer or responder', administer: 'needs admin' }

/** useMay is empty where the caller may, and otherwise says what they lack. */
export function useMay(power: Power): string {
  const s = useSession()
  if (s.state !== 'in') return 'needs a session'
  if (s.caller.role === 'unknown' || granted[power]?.includes(s.caller.role)) return ''
  return needed[power]
}

export function useCaller(): Caller {
  const s = useSession()
  return s.state === 'in' ? s.caller : { name: '', role: 'unknown', by: 'key' }
}
