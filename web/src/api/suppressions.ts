import { call } from './client'
import type { Severity } from './signals'

/** Draft is a suppression as somebody writes it. Times are in milliseconds since 1970. */
export interface Draft {
  name: string
  description: string
  enabled: boolean
  /** A search over rules: those that it is for. */
  ruleQuery: string
  /** A search over signals: those it finds are withheld. Empty: none. */
  query: string
  /** A search over events: those it finds don't reach the rules. Empty: none. */
  exclusion: string
  /** What is first seen from then on and before then; undefined: open. */
  from: number | undefined
  until: number | undefined
  tags: string[]
}

/** Suppression is one that is stored. */
export interface Suppression extends Draft {
  id: string
  version: number
  createdAt: number
  createdBy: string
  changedAt: number
  changedBy: string
}

interface User {
  handle?: string
  name?: string
}

interface Attributes {
  name?: string; description?: string; enabled?: boolean; rule_query?: string; suppression_query?: string; data_exclusion_query?: string
  start_date?: number; expiration_date?: number; tags?: string[]; version?: number; creation_date?: number; creator?: User; update_date?: number; updater?: User
}

interface Item {
  id: string
  attributes: Attributes
}

const api = '/api/v2/security_monitoring/configuration/suppressions'
const own = '/api/nightjar/v1/suppressions'
const at = (id: string, more = ''): string => `${api}/${encodeURIComponent(id)}${more}`

const attributesOf = (d: Draft) => ({
  name: d.name, description: d.description, enabled: d.enabled, rule_query: d.ruleQuery, suppression_query: d.query, data_exclusion_query: d.exclusion, tags: d.tags,
  start_date: d.from ?? null, expiration_date: d.until ?? null,
})
const dataOf = (d: Draft, version?: number) => ({ data: { type: 'suppressions', attributes: { ...attributesOf(d), ...(version === undefined ? {} : { version }) } } })

// The engine's own name stands where nobody's was kept.
const by = (u: User | undefined): string => (u?.handle === 'nightjar' ? '' : (u?.name ?? u?.handle ?? ''))

function suppressionOf({ id, attributes: a }: Item): Suppression {
  return {
    id, version: a.version ?? 0, name: a.name ?? '', description: a.description ?? '', enabled: a.enabled ?? false, ruleQuery: a.rule_query ?? '', query: a.suppression_query ?? '',
    exclusion: a.data_exclusion_query ?? '', from: a.start_date, until: a.expiration_date, tags: a.tags ?? [],
    createdAt: a.creation_date ?? 0, createdBy: by(a.creator), changedAt: a.update_date ?? 0, changedBy: by(a.updater),
  }
}

export const listSuppressions = async (signal: AbortSignal): Promise<Suppression[]> => ((await call<{ data?: Item[] }>(api, { signal })).data ?? []).map(suppressionOf)
export const readSuppression = async (id: string, signal: AbortSignal): Promise<Suppression> => suppressionOf((await call<{ data: Item }>(at(id), { signal })).data)
export const createSuppression = async (d: Draft): Promise<Suppression> => suppressionOf((await call<{ data: Item }>(api, { body: dataOf(d) })).data)
export const deleteSuppression = (id: string): Promise<void> => call(at(id), { method: 'DELETE' })

/** updateSuppression replaces a version; where another is stored meanwhile, it is refused. */
export const updateSuppression = async (id: string, version: number, d: Draft): Promise<Suppression> =>
  suppressionOf((await call<{ data: Item }>(at(id), { method: 'PATCH', body: dataOf(d, version) })).data)

/** checkSuppression has the engine check one without storing it: what is wrong is an error of the call. */
export const checkSuppression = (d: Draft, signal: AbortSignal): Promise<void> => call(api + '/validation', { body: dataOf(d), signal })

export interface Version {
  suppression: Suppression
  changes: { field: string; type: string }[]
}

interface HistoryBody {
  data?: { attributes?: { data?: Record<string, { suppression: Attributes; changes?: { field?: string; type?: string }[] }> } }
}

/** readVersions are all versions of one, the newest first. */
export async function readVersions(id: string, signal: AbortSignal): Promise<Version[]> {
  const h = await call<HistoryBody>(at(id, '/version_history'), { signal })
  return Object.values(h.data?.attributes?.data ?? {})
    .map((v) => ({ suppression: suppressionOf({ id, attributes: v.suppression }), changes: (v.changes ?? []).map((c) => ({ field: c.field ?? '', type: c.type ?? '' })) }))
    .sort((a, b) => b.suppression.version - a.suppression.version)
}

/** Standing is which rules a suppression is for, and how much it hides. */
export interface Standing {
  rules: { id: string; name: string; enabled: boolean }[]
  rulesTotal: number
  /** The signals that it withholds, and of the last days those first seen on each. */
  hidden: number
  perDay: number[]
  /** When any of them was last seen; 0: none is hidden. */
  lastHidden: number
  countedSince: number
}

export interface Standings {
  /** Where each day begins. */
  days: number[]
  of: Map<string, Standing>
}

interface StandingsBody {
  starts?: number[]
  suppressions?: { id: string; rules?: { id: string; name?: string; enabled?: boolean }[]; rules_total?: number; hidden?: number; per_day?: number[]; last_hidden?: number; counted_since?: number }[]
}

/** readStandings are those of all suppressions, or of one, by the days of a time zone. */
export async function readStandings(zone: string, id: string, signal: AbortSignal): Promise<Standings> {
  const b = await call<StandingsBody>(own + '/standings', { query: { timezone: zone, suppression_id: id === '' ? undefined : id }, signal })
  return {
    days: b.starts ?? [],
    of: new Map((b.suppressions ?? []).map((s) => [s.id, {
      rules: (s.rules ?? []).map((r) => ({ id: r.id, name: r.name ?? '', enabled: r.enabled ?? false })), rulesTotal: s.rules_total ?? 0,
      hidden: s.hidden ?? 0, perDay: s.per_day ?? [], lastHidden: s.last_hidden ?? 0, countedSince: s.counted_since ?? 0,
    }])),
  }
}

export interface HiddenSignal {
  /** Empty: the rule finds it in stored events, and it was never published. */
  id: string
  title: string
  group: string[]
  firstSeen: number
  severity: Severity
  /** The reason it was archived with; empty: it was not. */
  reason: string
  /** withheld, gone or fewer_events */
  effect: string
}

/** Preview is what a suppression would have hidden in 90 days. */
export interface Preview {
  total: number
  hidden: HiddenSignal[]
  truncated: boolean
  warnings: string[]
}

interface PreviewBody {
  total?: number
  truncated?: boolean
  warnings?: string[]
  signals?: { id?: string; rule_name: string; group?: string[]; first_seen: number; severity: Severity; archive_reason?: string; effect?: string }[]
}

export async function previewSuppression(d: Draft, signal: AbortSignal): Promise<Preview> {
  const p = await call<PreviewBody>(own + '/preview', { body: dataOf({ ...d, from: undefined, until: undefined }), signal })
  return {
    total: p.total ?? 0, truncated: p.truncated ?? false, warnings: p.warnings ?? [],
    hidden: (p.signals ?? []).map((x) => ({
      id: x.id ?? '', title: x.rule_name, group: x.group ?? [], firstSeen: x.first_seen, severity: x.severity, reason: x.archive_reason ?? '', effect: x.effect ?? '',
    })),
  }
}
