import { call } from './client'

/** Target is where people are told of signals. */
export interface Target {
  id: string
  handle: string
  type: string
  enabled: boolean
  on: string[]
}

/** Attempt is something that was told, or is to be. Times are in milliseconds since 1970. */
export interface Attempt {
  id: string
  target: string
  title: string
  signalID: string
  kind: string
  /** waiting, sent, failed, muted or dropped */
  state: string
  attempts: number
  tried: number
  created: number
  answer: string
}

interface AttemptBody {
  id?: string; target?: string; title?: string; signal_id?: string; kind?: string; state?: string; attempts?: number; tried?: string; created?: string; answer?: string
}

export async function listTargets(signal: AbortSignal): Promise<Target[]> {
  const body = await call<{ targets?: Partial<Target>[] }>('/api/nightjar/v1/notification-targets', { signal })
  return (body.targets ?? []).map((t) => ({ id: t.id ?? '', handle: t.handle ?? '', type: t.type ?? '', enabled: t.enabled ?? false, on: t.on ?? [] }))
}

/** listAttempts reads the newest ones, of all targets. */
export async function listAttempts(signal: AbortSignal): Promise<Attempt[]> {
  const body = await call<{ notifications?: AttemptBody[] }>('/api/nightjar/v1/notifications', { query: { limit: 200 }, signal })
  return (body.notifications ?? []).map((n) => ({
    id: n.id ?? '', target: n.target ?? '', title: n.title ?? '', signalID: n.signal_id ?? '', kind: n.kind ?? '', state: n.state ?? '', attempts: n.attempts ?? 0,
    tried: Date.parse(n.tried ?? '') || 0, created: Date.parse(n.created ?? '') || 0, answer: n.answer ?? '',
  }))
}
