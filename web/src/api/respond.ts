import { call } from './client'

export interface Process {
  pid: number
  executable: string
  args: string
  user: string
  /** All that the engine said of it: a request names it with the same. */
  body: Record<string, unknown>
}

/** Target is a host, or a process of it, that a signal's events are about. */
export interface Target {
  host: string
  process: Process | undefined
  /** The agent that would do it; undefined: none enrolled, so nothing can be done. */
  agent: { id: string; lastContact: string; disarmed: string; isolated: boolean } | undefined
}

export type Action = 'kill' | 'isolate' | 'release' | 'collect'

export interface Response {
  id: string
  action: Action
  /** What it touches, in words. */
  target: string
  by: string
  reason: string
  created: number
  /** waiting, done, failed, expired or cancelled */
  state: string
  ended: number | undefined
  error: string
}

interface TargetBody {
  host: string
  agents?: { id: string; last_contact?: string; disarmed?: string; isolated?: boolean }[]
  process?: { pid?: number | string; executable?: string; args?: string; user?: string; [more: string]: unknown }
}

const pathOf = (id: string): string => `/api/nightjar/v1/signals/${encodeURIComponent(id)}/respond`

export async function targetsOf(signalID: string, signal: AbortSignal): Promise<Target[]> {
  const body = await call<{ targets?: TargetBody[] }>(pathOf(signalID), { signal })
  return (body.targets ?? []).map(({ host, agents, process: p }) => {
    const a = agents?.[0]
    return {
      host,
      process: p && { pid: Number(p.pid ?? 0), executable: p.executable ?? '', args: p.args ?? '', user: p.user ?? '', body: exact(p) },
      agent: a && { id: a.id, lastContact: a.last_contact ?? '', disarmed: a.disarmed ?? '', isolated: a.isolated ?? false },
    }
  })
}

/** exact leaves out numbers that JavaScript has rounded: the other members say which process it is. */
const exact = (said: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(said).filter(([, v]) => typeof v !== 'number' || Number.isSafeInteger(v)))

export async function respond(signalID: string, action: Action, t: Target, reason: string): Promise<Response> {
  const process = (action === 'kill' || action === 'collect') && t.process ? { process: t.process.body } : {}
  return responseOf(await call<ResponseBody>(pathOf(signalID), { body: { action, reason, host: t.host, ...(t.agent ? { agent: t.agent.id } : {}), ...process } }))
}

interface ResponseBody {
  id: string
  action: Action
  target?: string
  host?: string
  by?: string
  reason?: string
  created: string
  state: string
  ended?: string
  result?: { status?: string; error?: string }
}

export async function responsesOf(signalID: string, signal?: AbortSignal): Promise<Response[]> {
  const body = await call<{ responses?: ResponseBody[] }>('/api/nightjar/v1/responses', { query: { signal_id: signalID }, ...(signal ? { signal } : {}) })
  return (body.responses ?? []).map(responseOf)
}

/** Listed is a response in the list of all: of which host, and about which signal. */
export interface Listed extends Response {
  host: string
  agent: string
  signalID: string
}

/** listResponses reads the newest 200 of an agent, or of all. */
export async function listResponses(filter: { agent?: string; state?: string; action?: string }, signal: AbortSignal): Promise<{ all: Listed[]; more: number }> {
  const query = { limit: 200, agent: filter.agent, state: filter.state || undefined, action: filter.action || undefined }
  const body = await call<{ responses?: (ResponseBody & { agent?: string; signal_id?: string })[]; more?: number }>('/api/nightjar/v1/responses', { query, signal })
  return { all: (body.responses ?? []).map((r) => ({ ...responseOf(r), host: r.host ?? '', agent: r.agent ?? '', signalID: r.signal_id ?? '' })), more: body.more ?? 0 }
}

/** respondOnHost has an agent do something that no signal asked for. */
export const respondOnHost = async (agent: string, action: 'isolate' | 'release', reason: string): Promise<Response> => responseOf(await call<ResponseBody>('/api/nightjar/v1/responses', { body: { agent, action, reason } }))

export const cancelResponse = (id: string): Promise<unknown> => call(`/api/nightjar/v1/responses/${encodeURIComponent(id)}/cancel`, { body: {} })

const responseOf = (r: ResponseBody): Response => ({
  id: r.id, action: r.action, target: r.target ?? r.host ?? '', by: r.by ?? '', reason: r.reason ?? '', created: Date.parse(r.created),
  state: r.state, ended: r.ended ? Date.parse(r.ended) : undefined, error: r.result?.error ?? '',
})
