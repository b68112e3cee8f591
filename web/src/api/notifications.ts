import { call } from './client'

/** Target is where people are told of signals. Of its secrets there are references only, such as secret:NAME. */
export interface Target {
  id: string
  version: number
  handle: string
  name: string
  type: string
  enabled: boolean
  /** What is told beside openings: changed, archived, responded. */
  on: string[]
  url: string
  secret: string
  headers: Record<string, string>
  template: string
  project: string
  issueType: string
  to: string[]
  from: string
  server: string
  user: string
  tls: string
}

interface TargetBody extends Partial<Omit<Target, 'issueType'>> {
  issue_type?: string
}

const targets = '/api/nightjar/v1/notification-targets'
const targetOf = (t: TargetBody): Target => ({
  id: t.id ?? '', version: t.version ?? 0, handle: t.handle ?? '', name: t.name ?? '', type: t.type ?? '', enabled: t.enabled ?? false, on: t.on ?? [],
  url: t.url ?? '', secret: t.secret ?? '', headers: t.headers ?? {}, template: t.template ?? '', project: t.project ?? '', issueType: t.issue_type ?? '',
  to: t.to ?? [], from: t.from ?? '', server: t.server ?? '', user: t.user ?? '', tls: t.tls ?? '',
})
const bodyOf = ({ id: _, handle: __, issueType, ...t }: Target): TargetBody => ({ ...t, issue_type: issueType })

export async function listTargets(signal?: AbortSignal): Promise<Target[]> {
  return ((await call<{ targets?: TargetBody[] }>(targets, signal ? { signal } : {})).targets ?? []).map(targetOf)
}
export const readTarget = async (id: string, signal: AbortSignal): Promise<Target> => targetOf(await call<TargetBody>(`${targets}/${encodeURIComponent(id)}`, { signal }))

/** saveTarget makes a target, or, where it has an id, replaces that. A secret that is given as it is, is kept and shown as its name. */
export const saveTarget = async (t: Target): Promise<Target> =>
  targetOf(await (t.id === '' ? call<TargetBody>(targets, { body: bodyOf(t) }) : call<TargetBody>(`${targets}/${encodeURIComponent(t.id)}`, { method: 'PUT', body: bodyOf(t) })))
export const deleteTarget = (id: string): Promise<unknown> => call(`${targets}/${encodeURIComponent(id)}`, { method: 'DELETE' })

/** asked is a target as it is stored, by its id, or as it would be: with what was typed, its secrets too. */
const asked = (of: string | Target): object => (typeof of === 'string' ? { target_id: of } : { target: { ...bodyOf(of), name: of.name || 'unsaved' } })

/** testTarget sends the target a signal, or one that is made up, and says what it answered. */
export async function testTarget(of: string | Target, signalID: string): Promise<{ delivered: boolean; answer: string }> {
  const a = await call<{ delivered?: boolean; answer?: string }>(targets + ':test', { body: { ...asked(of), signal_id: signalID } })
  return { delivered: a.delivered ?? false, answer: a.answer ?? '' }
}

/** Sent is a request as a target gets it, without its secrets. */
export interface Sent {
  method: string
  url: string
  headers: Record<string, string>
  body: string
}

export async function previewTarget(of: string | Target, signalID: string, signal: AbortSignal): Promise<Sent[]> {
  const a = await call<{ requests?: Partial<Sent>[] }>(targets + ':preview', { body: { ...asked(of), signal_id: signalID }, signal })
  return (a.requests ?? []).map((r) => ({ method: r.method ?? '', url: r.url ?? '', headers: r.headers ?? {}, body: r.body ?? '' }))
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
  /** It was told in one with others. */
  digest: boolean
  /** The same of all that were told in one. */
  key: string
  attempts: number
  tried: number
  created: number
  answer: string
}

interface AttemptBody extends Partial<Omit<Attempt, 'signalID' | 'tried' | 'created' | 'key'>> {
  idempotency_key?: string
  signal_id?: string
  tried?: string
  created?: string
}

/** mostTold is how many signals a target is told of in one at most. */
const mostTold = 1000

/** listAttempts reads the newest 200 of these; of what was told in one, all. */
export async function listAttempts(filter: { target?: string; state?: string; key?: string }, signal?: AbortSignal): Promise<Attempt[]> {
  const body = await call<{ notifications?: AttemptBody[] }>('/api/nightjar/v1/notifications', { query: { limit: filter.key ? mostTold : 200, idempotency_key: filter.key || undefined, target: filter.target, state: filter.state || undefined }, ...(signal ? { signal } : {}) })
  return (body.notifications ?? []).map((n) => ({
    id: n.id ?? '', target: n.target ?? '', title: n.title ?? '', signalID: n.signal_id ?? '', kind: n.kind ?? '', state: n.state ?? '', digest: n.digest ?? false, key: n.idempotency_key ?? '', attempts: n.attempts ?? 0,
    tried: Date.parse(n.tried ?? '') || 0, created: Date.parse(n.created ?? '') || 0, answer: n.answer ?? '',
  }))
}

/** retry has something told at once that failed or waits, with what is told in one with it: so many. */
export async function retry(a: Attempt): Promise<number> {
  return (await call<{ notifications?: number }>(`/api/nightjar/v1/notifications/${encodeURIComponent(a.id)}:retry`, { body: { target: a.target } })).notifications ?? 0
}

/** Mute is a time in which nobody is told of some signals. */
export interface Mute {
  id: string
  query: string
  from: number
  until: number
  reason: string
}

const mutes = '/api/nightjar/v1/mutes'

export async function listMutes(signal: AbortSignal): Promise<Mute[]> {
  const body = await call<{ mutes?: { id?: string; query?: string; from?: string; until?: string; reason?: string }[] }>(mutes, { signal })
  return (body.mutes ?? []).map((m) => ({ id: m.id ?? '', query: m.query ?? '', from: Date.parse(m.from ?? '') || 0, until: Date.parse(m.until ?? '') || 0, reason: m.reason ?? '' }))
}
export const makeMute = (query: string, until: string, reason: string): Promise<unknown> => call(mutes, { body: { query, until, reason } })
export const endMute = (id: string): Promise<unknown> => call(`${mutes}/${encodeURIComponent(id)}`, { method: 'DELETE' })
