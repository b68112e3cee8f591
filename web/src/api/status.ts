import { call } from './client'

export interface Status {
  version: string
  eventsReceived: number
  caughtUp: boolean
  lagSeconds: number
  rulesEnabled: number
  rulesFailing: number
}

interface StatusBody {
  version: string
  events_received: number
  caught_up: boolean
  lag_seconds: number
  rules?: { enabled?: number; failing?: number }
}

export async function readStatus(signal?: AbortSignal): Promise<Status> {
  return statusOf(await call<StatusBody>('/api/nightjar/v1/status', signal ? { signal } : {}))
}

function statusOf(s: StatusBody): Status {
  return {
    version: s.version,
    eventsReceived: s.events_received,
    caughtUp: s.caught_up,
    lagSeconds: s.lag_seconds,
    rulesEnabled: s.rules?.enabled ?? 0,
    rulesFailing: s.rules?.failing ?? 0,
  }
}

/** Senders are the sources of which something arrived within a day. */
export interface Senders {
  /** Of how many something arrived within an hour, and of how many it did not. */
  current: number
  silent: number
  /** Some of the silent ones, the latest first; last in milliseconds since 1970. */
  silences: { source: string; last: number }[]
}

/** Clock is a host whose events are behind their arrival, or ahead of it (negative), in seconds. */
export interface Clock {
  source: string
  host: string
  behind: number
  events: number
  notEvaluated: number
}

/** Gap is a stretch of arrivals that no rule was evaluated over. */
export interface Gap {
  first: number
  last: number
  events: number
  state: string
  reason: string
  since: number
  accepted: boolean
  /** Who said that they know of it, when, and what they said. */
  by: string
  at: number
  comment: string
}

/** Intake is what came of all that was sent, since the start. */
export interface Intake {
  received: number
  acknowledged: number
  stored: number
  /** Requests, by reason. */
  refused: Record<string, number>
  duplicateBatches: number
  known: number
  late: number
  future: number
  untimed: number
  unreadableTimes: number
  cut: number
  deadLettered: number
  waiting: number
  logBytes: number
}

/** Health is what an operator asks of the engine. Times are in milliseconds since 1970, sizes in bytes. */
export interface Health extends Status {
  rulesTotal: number
  rulesUnsupported: number
  database: { state: string; version: string; embedded: boolean }
  storage: { used: number; quota: number; overQuota: boolean; oldestDay: string; dropped: number; droppedUnseen: number }
  clocks: Clock[]
  gaps: Gap[]
  eventsLost: number
  eventsAside: number
  unreadableTimes: { source: string; events: number }[]
  rulesAlone: { id: string; name: string; why: string; behind: number }[]
  withoutEffect: { kind: string; id: string; name: string; reason: string }[]
  queries: { kind: string; running: number; waiting: number; limit: number; refused: number }[]
  syslog: { protocol: string; address: string; messages: number; connections: number; lost: number; refused: number; damaged: number }[]
  pipelinesFailed: number
  auditLost: number
  auditWaiting: number
  intake: Intake
  evaluatedThrough: number
  senders: Senders
  /** When the engine was asked. */
  at: number
}

type Counts = Record<string, number>
const sum = (c: Counts | undefined): number => Object.values(c ?? {}).reduce((a, b) => a + b, 0)

interface HealthBody extends StatusBody {
  rules?: { enabled?: number; failing?: number; total?: number; unsupported?: number }
  clickhouse?: { state?: string; version?: string; embedded?: boolean }
  storage?: { used_bytes?: number; quota_bytes?: number; over_quota?: boolean; oldest_day?: string; dropped_events?: number; dropped_unevaluated?: number }
  clocks?: { source?: string; host?: string; behind_seconds?: number; events?: number; not_evaluated?: number }[]
  gaps?: { first?: number; last?: number; events?: number; state?: string; reason?: string; since?: string; accepted?: boolean; accepted_by?: string; accepted_at?: string; comment?: string }[]
  events_lost?: number
  aside_events?: number
  unreadable_times?: { source?: string; events?: number }[]
  rules_alone?: { rule_id?: string; name?: string; alone?: string; behind?: number }[]
  without_effect?: { kind?: string; id?: string; name?: string; reason?: string }[]
  queries?: { kind?: string; running?: number; waiting?: number; limit?: number; refused?: number }[]
  syslog?: { protocol?: string; address?: string; messages?: number; connections?: number; lost?: Counts; refused?: Counts; damaged?: Counts }[]
  pipelines?: { failed?: number }
  audit_lost?: number
  audit_waiting?: number
  events_evaluated_through?: number
  sources?: { current?: number; silent?: number; silences?: { source?: string; last?: number }[] }
  intake?: {
    received?: number; acknowledged?: number; stored?: number; refused?: Counts; duplicate_batches?: number; known_events?: number; late?: number; future?: number; untimed?: number
    unreadable_times?: number; cut?: number; dead_lettered?: number; waiting?: number; log_bytes?: number
  }
}

export async function readHealth(signal?: AbortSignal): Promise<Health> {
  const s = await call<HealthBody>('/api/nightjar/v1/status', signal ? { signal } : {})
  return {
    ...statusOf(s), ...ofStorage(s), rulesTotal: s.rules?.total ?? 0, rulesUnsupported: s.rules?.unsupported ?? 0,
    database: { state: s.clickhouse?.state ?? '', version: s.clickhouse?.version ?? '', embedded: s.clickhouse?.embedded ?? false },
    clocks: (s.clocks ?? []).map((c) => ({ source: c.source ?? '', host: c.host ?? '', behind: c.behind_seconds ?? 0, events: c.events ?? 0, notEvaluated: c.not_evaluated ?? 0 })),
    gaps: (s.gaps ?? []).map((g) => ({ first: g.first ?? 0, last: g.last ?? 0, events: g.events ?? 0, state: g.state ?? '', reason: g.reason ?? '', since: Date.parse(g.since ?? '') || 0, accepted: g.accepted ?? false, by: g.accepted_by ?? '', at: Date.parse(g.accepted_at ?? '') || 0, comment: g.comment ?? '' })),
    eventsLost: s.events_lost ?? 0, eventsAside: s.aside_events ?? 0,
    unreadableTimes: (s.unreadable_times ?? []).map((u) => ({ source: u.source ?? '', events: u.events ?? 0 })),
    rulesAlone: (s.rules_alone ?? []).filter((r) => r.alone).map((r) => ({ id: r.rule_id ?? '', name: r.name ?? '', why: r.alone ?? '', behind: r.behind ?? 0 })),
    withoutEffect: (s.without_effect ?? []).map((w) => ({ kind: w.kind ?? '', id: w.id ?? '', name: w.name ?? '', reason: w.reason ?? '' })),
    queries: (s.queries ?? []).map((q) => ({ kind: q.kind ?? '', running: q.running ?? 0, waiting: q.waiting ?? 0, limit: q.limit ?? 0, refused: q.refused ?? 0 })),
    syslog: (s.syslog ?? []).map((y) => ({ protocol: y.protocol ?? '', address: y.address ?? '', messages: y.messages ?? 0, connections: y.connections ?? 0, lost: sum(y.lost), refused: sum(y.refused), damaged: sum(y.damaged) })),
    pipelinesFailed: s.pipelines?.failed ?? 0, auditLost: s.audit_lost ?? 0, auditWaiting: s.audit_waiting ?? 0,
    intake: intakeOf(s), evaluatedThrough: s.events_evaluated_through ?? 0, senders: sendersOf(s), at: Date.now(),
  }
}

const sendersOf = ({ sources: s }: HealthBody): Senders => ({
  current: s?.current ?? 0, silent: s?.silent ?? 0, silences: (s?.silences ?? []).map((x) => ({ source: x.source ?? '', last: x.last ?? 0 })),
})

function ofStorage({ storage: s }: HealthBody): Pick<Health, 'storage'> {
  return {
    storage: {
      used: s?.used_bytes ?? 0, quota: s?.quota_bytes ?? 0, overQuota: s?.over_quota ?? false, oldestDay: s?.oldest_day ?? '',
      dropped: s?.dropped_events ?? 0, droppedUnseen: s?.dropped_unevaluated ?? 0,
    },
  }
}

function intakeOf({ intake: n }: HealthBody): Intake {
  return {
    received: n?.received ?? 0, acknowledged: n?.acknowledged ?? 0, stored: n?.stored ?? 0, refused: n?.refused ?? {}, duplicateBatches: n?.duplicate_batches ?? 0, known: n?.known_events ?? 0,
    late: n?.late ?? 0, future: n?.future ?? 0, untimed: n?.untimed ?? 0, unreadableTimes: n?.unreadable_times ?? 0, cut: n?.cut ?? 0, deadLettered: n?.dead_lettered ?? 0,
    waiting: n?.waiting ?? 0, logBytes: n?.log_bytes ?? 0,
  }
}

/** acceptLoss notes that the caller knows of the gaps there are, and how many they had not known of. */
export async function acceptLoss(comment: string): Promise<{ gaps: number; events: number }> {
  const a = await call<{ gaps?: number; events?: number }>('/api/nightjar/v1/status/accept-loss', { body: { comment } })
  return { gaps: a.gaps ?? 0, events: a.events ?? 0 }
}
