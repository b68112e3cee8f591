import { createStore, useStore } from './store'
import { currentCaller, signOut, type Caller, type Permission, type Ways } from '../api/session'
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

let looking = false

/** lookAgain finds out whether somebody is still signed in; where they are not, what they had open stays in the address. */
async function lookAgain(): Promise<void> {
  if (looking || session.get().state !== 'in') return
  looking = true
  try {
    const found = await currentCaller()
    session.set('caller' in found ? { state: 'in', caller: found.caller } : { state: 'out', ways: found.ways, ended: true })
  } catch {
    // It does not answer: what is shown says so.
  }
  looking = false
}

onRefused(() => void lookAgain())

/** What somebody does here: the permission that the engine asks for, and the roles that have it, in words. */
const powers = {
  triage: ['signals:triage', 'analyst'],
  preview: ['history:run', 'analyst'],
  configure: ['detection:write', 'engineer'],
  notify: ['notifications:write', 'engineer'],
  operate: ['engine:operate', 'engineer'],
  agents: ['agents:write', 'engineer or responder'],
  switch: ['response:switch', 'engineer or responder'],
  kill: ['response:kill', 'responder'],
  isolate: ['response:isolate', 'responder'],
  collect: ['response:collect', 'analyst'],
  administer: ['keys:manage', 'admin'],
  deleteEvents: ['events:delete', 'admin'],
  audit: ['audit:read', 'admin'],
} as const satisfies Record<string, readonly [Permission, string]>
export type Power = keyof typeof powers

/** lacking is empty where somebody may, and otherwise says what they lack. */
export function lacking(caller: Caller, power: Power): string {
  const [permission, roles] = powers[power]
  return caller.permissions.has(permission) ? '' : `needs ${roles}`
}

/** useMay is empty where the caller may, and otherwise says what they lack. */
export const useMay = (power: Power): string => lacking(useCaller(), power)

const nobody: Caller = { name: '', role: 'reader', by: 'key', permissions: new Set() }

export function useCaller(): Caller {
  const s = useSession()
  return s.state === 'in' ? s.caller : nobody
}
