import { call } from './client'

/** Agent is one that reported within a day, or is enrolled. Times are in milliseconds since 1970; 0: not known. */
export interface Agent {
  /** Its id, where it is enrolled, else that of its run. */
  key: string
  enrolled: boolean
  host: string
  /** reporting, stopped, silent or enrolled (not heard of yet) */
  state: string
  version: string
  kernel: string
  tags: string[]
  policies: string[]
  wanted: number
  inForce: number
  refused: string[]
  kills: number
  denials: number
  /** By cause. */
  lost: Record<string, number>
  incomplete: Record<string, number>
  undelivered: Record<string, number>
  generated: number
  filtered: number
  delivered: number
  matches: number
  heldBack: number
  sent: number
  unsent: number
  hooks: { event: string; provider: string; without: string }[]
  unsupported: { event: string; reason: string }[]
  /** Of what it can do, the mechanism, or "no: " and why. */
  abilities: Record<string, string>
  cpuPercent: number
  memory: number
  /** Who disarmed it: host, server or both; empty: nobody. */
  disarmed: string
  /** How it was disarmed by itself; undefined: it was not. */
  alone: Alone | undefined
  isolated: boolean
  contact: number
  reported: number
  started: number
}

/** Alone is who disarmed one agent, why, and since when. */
export interface Alone {
  by: string
  reason: string
  since: number
}

const api = '/api/nightjar/v1/agents'
type Counts = Record<string, number>

interface AgentBody {
  id?: string; instance?: string; host?: string; state?: string; version?: string; kernel?: string; tags?: string[]; policies?: string[]
  policies_wanted?: number; policies_in_force?: number; refused?: string[]; kills?: number; denials?: number
  lost?: Counts; incomplete?: Counts; undelivered?: Counts; generated?: number; filtered?: number; delivered?: number
  matches?: number; held_back?: number; sent?: number; unsent?: number
  hooks?: { event?: string; provider?: string; without?: string }[]; unsupported?: { event?: string; reason?: string }[]
  abilities?: Record<string, string>; cpu_percent?: number; rss_bytes?: number; disarmed?: string; isolated?: boolean
  last_contact?: string; last_report?: string; started?: string; disarmed_alone?: AloneBody
}

interface AloneBody {
  disarmed?: boolean; by?: string; reason?: string; since?: string; taken_back?: number
}

const aloneOf = (b: AloneBody | undefined): Alone | undefined => (b?.disarmed ? { by: b.by ?? '', reason: b.reason ?? '', since: moment(b.since) } : undefined)

const moment = (text: string | undefined): number => (text ? Date.parse(text) || 0 : 0)

function agentOf(a: AgentBody): Agent {
  return {
    key: a.id || `${a.host ?? ''} ${a.instance ?? ''}`, enrolled: Boolean(a.id), host: a.host ?? '', state: a.state ?? '', version: a.version ?? '', kernel: a.kernel ?? '',
    tags: a.tags ?? [], policies: a.policies ?? [], wanted: a.policies_wanted ?? 0, inForce: a.policies_in_force ?? 0, refused: a.refused ?? [],
    kills: a.kills ?? 0, denials: a.denials ?? 0, lost: a.lost ?? {}, incomplete: a.incomplete ?? {}, undelivered: a.undelivered ?? {},
    generated: a.generated ?? 0, filtered: a.filtered ?? 0, delivered: a.delivered ?? 0, matches: a.matches ?? 0, heldBack: a.held_back ?? 0, sent: a.sent ?? 0, unsent: a.unsent ?? 0,
    hooks: (a.hooks ?? []).map((h) => ({ event: h.event ?? '', provider: h.provider ?? '', without: h.without ?? '' })),
    unsupported: (a.unsupported ?? []).map((u) => ({ event: u.event ?? '', reason: u.reason ?? '' })),
    abilities: a.abilities ?? {}, cpuPercent: a.cpu_percent ?? 0, memory: a.rss_bytes ?? 0, disarmed: a.disarmed ?? '', isolated: a.isolated ?? false, alone: aloneOf(a.disarmed_alone),
    contact: moment(a.last_contact), reported: moment(a.last_report), started: moment(a.started),
  }
}

export async function listAgents(signal?: AbortSignal): Promise<Agent[]> {
  const body = await call<{ agents?: AgentBody[] }>(api, signal ? { signal } : {})
  return (body.agents ?? []).map(agentOf)
}

/** Arming is how the switch stands that stops all killing and blocking. */
export interface Arming {
  disarmed: boolean
  by: string
  reason: string
  since: number
  agents: number
  /** How many have said that they are disarmed. */
  said: number
  /** Hosts that have not heard of it. */
  away: string[]
  isolated: string[]
  /** Hosts whose agents were disarmed by themselves. */
  alone: string[]
  takenBack: number
}

interface ArmingBody {
  disarmed?: boolean; by?: string; reason?: string; since?: string; agents?: number; agents_disarmed?: number; away?: string[]; isolated?: string[]; taken_back?: number; alone?: { host?: string }[]
}

const armingOf = (b: ArmingBody): Arming => ({
  disarmed: b.disarmed ?? false, by: b.by ?? '', reason: b.reason ?? '', since: moment(b.since), agents: b.agents ?? 0, said: b.agents_disarmed ?? 0,
  away: b.away ?? [], isolated: b.isolated ?? [], alone: (b.alone ?? []).map((a) => a.host ?? ''), takenBack: b.taken_back ?? 0,
})

export const readArming = async (signal?: AbortSignal): Promise<Arming> => armingOf(await call<ArmingBody>(api + '/arming', signal ? { signal } : {}))
export const switchAgents = async (to: 'arm' | 'disarm', reason: string): Promise<Arming> => armingOf(await call<ArmingBody>(`${api}/${to}`, { body: { reason } }))

/** switchAgent turns the switch of one agent, and says how many responses that took back. */
export async function switchAgent(id: string, to: 'arm' | 'disarm', reason: string): Promise<number> {
  return (await call<AloneBody>(`${api}/${encodeURIComponent(id)}/${to}`, { body: { reason } })).taken_back ?? 0
}

/** Rollout is how far the newest policies are. */
export interface Rollout {
  /** done, running or stopped */
  state: string
  version: number
  before: number
  changed: number
  stage: number
  stages: { percent: number; tags: string[]; soak: string; agents: number; inForce: number }[]
  reason: string
  errors: string[]
}

interface RolloutBody {
  state?: string; version?: number; before?: number; changed?: string; stage?: number; reason?: string; errors?: string[]
  stages?: { percent?: number; tags?: string[]; soak?: string; agents?: number; in_force?: number }[]
}

const rolloutOf = (b: RolloutBody): Rollout => ({
  state: b.state ?? '', version: b.version ?? 0, before: b.before ?? 0, changed: moment(b.changed), stage: b.stage ?? 0, reason: b.reason ?? '', errors: b.errors ?? [],
  stages: (b.stages ?? []).map((s) => ({ percent: s.percent ?? 0, tags: s.tags ?? [], soak: s.soak ?? '', agents: s.agents ?? 0, inForce: s.in_force ?? 0 })),
})

export const readRollout = async (signal?: AbortSignal): Promise<Rollout> => rolloutOf(await call<RolloutBody>(api + '/rollout', signal ? { signal } : {}))
export const continueRollout = async (how: 'resume' | 'rollback'): Promise<Rollout> => rolloutOf(await call<RolloutBody>(`${api}/rollout:${how}`, { body: {} }))
export const stopRollout = async (reason: string): Promise<Rollout> => rolloutOf(await call<RolloutBody>(`${api}/rollout:stop`, { body: { reason } }))

/** Stage is which agents have a change, a part of them in percent or those with all tags, and how long they are watched. */
export interface Stage {
  percent: number
  tags: string[]
  soak: string
}

export const planRollout = async (stages: Stage[]): Promise<Rollout> => rolloutOf(await call<RolloutBody>(api + '/rollout', { method: 'PUT', body: { stages } }))
export const revokeAgent = (id: string): Promise<unknown> => call(`${api}/${encodeURIComponent(id)}`, { method: 'DELETE' })
