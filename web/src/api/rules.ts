import { call } from './client'
import type { Severity } from './signals'

export interface RuleQuery {
  name?: string
  query?: string
  aggregation?: string
  groupByFields?: string[]
  [more: string]: unknown
}

export interface RuleCase {
  name?: string
  status: string
  condition?: string
  notifications?: string[]
  [more: string]: unknown
}

/** Rule is a rule as somebody writes it: what the page knows by name, and all the rest. */
export interface Rule {
  name: string
  message: string
  isEnabled: boolean
  type?: string
  tags?: string[]
  queries?: RuleQuery[]
  cases?: RuleCase[]
  options?: { detectionMethod?: string; evaluationWindow?: number; keepAlive?: number; maxSignalDuration?: number; [more: string]: unknown }
  [more: string]: unknown
}

/** StoredRule is a rule, and what the engine knows of it. Times are in milliseconds since 1970. */
export interface StoredRule {
  id: string
  version: number
  rule: Rule
  createdAt: number
  /** The latest of its making and its changes, and who did it. */
  changedAt: number
  changedBy: string
  /** What was accepted and is worth knowing, `place: what`. */
  warnings: string[]
}

interface StoredBody extends Rule {
  id: string
  version: number
  createdAt: number
  updatedAt?: number
  creator?: { handle?: string; name?: string }
  updater?: { handle?: string; name?: string }
  warnings?: string[]
}

// What the engine adds to a rule; a request that has it changes nothing by it.
const served = [
  'id', 'version', 'createdAt', 'updatedAt', 'creationAuthorId', 'updateAuthorId', 'creator', 'updater', 'isDefault', 'isPartner', 'isBeta', 'isDeleted',
  'isDeprecated', 'deprecationDate', 'blocking', 'metadata', 'defaultTags', 'defaultRuleId', 'partnerRuleId', 'partnerIntegrationId', 'compatibleVersion',
  'dependencies', 'warnings',
]

function storedOf(b: StoredBody): StoredRule {
  const rule = Object.fromEntries(Object.entries(b).filter(([name]) => !served.includes(name))) as Rule
  const by = b.updatedAt ? b.updater : b.creator
  return {
    id: b.id, version: b.version, rule, createdAt: b.createdAt, changedAt: b.updatedAt ?? b.createdAt,
    changedBy: by?.name || by?.handle || '', warnings: b.warnings ?? [],
  }
}

// The reference's addresses answer as a rule was written; these say what has no effect, too.
const own = '/api/nightjar/v1/rules'
const shared = '/api/v2/security_monitoring/rules'
const at = (base: string, id: string, more = '') => `${base}/${encodeURIComponent(id)}${more}`

interface ListBody {
  data?: StoredBody[]
  meta?: { page?: { total_count?: number; total_filtered_count?: number } }
}

/** listRules reads all rules that a search over rules finds; part is called with what is there so far. */
export async function listRules(query: string, signal: AbortSignal, part: (rules: StoredRule[]) => void): Promise<{ rules: StoredRule[]; stored: number }> {
  const rules: StoredRule[] = []
  for (let number = 0; ; number++) {
    const page = await call<ListBody>(own, { query: { query, 'page[size]': 100, 'page[number]': number }, signal })
    rules.push(...(page.data ?? []).map(storedOf))
    const found = page.meta?.page?.total_filtered_count ?? rules.length
    if (rules.length >= found || (page.data ?? []).length === 0) return { rules, stored: page.meta?.page?.total_count ?? rules.length }
    part([...rules])
  }
}

export const readRule = async (id: string, signal: AbortSignal): Promise<StoredRule> => storedOf(await call<StoredBody>(at(own, id), { signal }))
export const createRule = async (rule: Rule): Promise<StoredRule> => storedOf(await call<StoredBody>(own, { body: rule }))

/** updateRule replaces fields of a version; where another is stored meanwhile, it is refused. */
export const updateRule = async (id: string, version: number, fields: Partial<Rule>): Promise<StoredRule> =>
  storedOf(await call<StoredBody>(at(own, id), { method: 'PUT', body: { ...fields, version } }))

export const deleteRule = (id: string): Promise<void> => call(at(own, id), { method: 'DELETE' })
export const restoreRule = async (id: string, version: number): Promise<StoredRule> => storedOf(await call<StoredBody>(at(shared, id, `/restore/${version}`), { method: 'POST' }))

/** Found is a signal that a rule would give. */
export interface Found {
  caseName: string
  group: string[]
  firstSeen: number
  lastSeen: number
  severity: Severity
  events: number
}

/** Peak is the highest that a group came to in a stretch of the time. */
export interface Peak {
  at: number
  group: string[]
  values: number[]
  /** The case that held; -1: none did. */
  case: number
}

export interface PeakThreshold {
  query: string
  operator: string
  number: number
  severity: Severity
  /** Which of the values it is about. */
  column: number
}

/** Peaks are what groups came to, of a rule that counts by threshold. */
export interface Peaks {
  queries: string[]
  /** In milliseconds. */
  window: number
  points: Peak[]
  thresholds: PeakThreshold[]
  leftOut: number
  /** Why there are none. */
  missing: string
}

export interface Backtest {
  signals: Found[]
  /** How many events matched its queries. */
  matches: number
  suppressed: number
  warnings: string[]
  peaks: Peaks | undefined
}

interface PeaksBody {
  queries?: string[]
  window_ms?: number
  points?: { at?: number; group?: string[]; values?: number[]; case?: number }[]
  thresholds?: { query?: string; operator?: string; number?: number; severity?: Severity; column?: number }[]
  left_out?: number
  missing?: string
}

interface BacktestBody {
  signals?: { case_name?: string; group?: string[]; first_seen: number; last_seen: number; severity: Severity; events?: number }[]
  matches?: number
  suppressed?: number
  warnings?: string[]
  peaks?: PeaksBody | null
}

const peaksOf = (p: PeaksBody): Peaks => ({
  queries: p.queries ?? [], window: p.window_ms ?? 0, leftOut: p.left_out ?? 0, missing: p.missing ?? '',
  points: (p.points ?? []).map((x) => ({ at: x.at ?? 0, group: x.group ?? [], values: x.values ?? [], case: x.case ?? 0 })),
  thresholds: (p.thresholds ?? []).map((t) => ({ query: t.query ?? '', operator: t.operator ?? '', number: t.number ?? 0, severity: t.severity ?? 'info', column: t.column ?? 0 })),
})

/** backtest runs a rule over stored events, and says what groups came to in so many stretches. Hanging up ends it in the engine. */
export async function backtest(rule: Rule, from: string, to: string, stretches: number, signal: AbortSignal): Promise<Backtest> {
  const b = await call<BacktestBody>('/api/nightjar/v1/backtests', { body: { rule, from, to: to === '' ? 'now' : to, stretches }, signal })
  return {
    matches: b.matches ?? 0, suppressed: b.suppressed ?? 0, warnings: b.warnings ?? [], peaks: b.peaks ? peaksOf(b.peaks) : undefined,
    signals: (b.signals ?? []).map((s) => ({
      caseName: s.case_name ?? '', group: s.group ?? [], firstSeen: s.first_seen, lastSeen: s.last_seen, severity: s.severity, events: s.events ?? 0,
    })),
  }
}

export interface RuleVersion {
  version: number
  at: number
  by: string
  rule: Rule
  changes: { field: string; type: string }[]
}

interface HistoryBody {
  data?: { attributes?: { data?: Record<string, { rule: StoredBody; changes?: { field?: string; type?: string }[] }> } }
}

/** readVersions are all versions of a rule, the newest first. */
export async function readVersions(id: string, signal: AbortSignal): Promise<RuleVersion[]> {
  const h = await call<HistoryBody>(at(shared, id, '/version_history'), { signal })
  return Object.values(h.data?.attributes?.data ?? {}).map(({ rule, changes }) => {
    const s = storedOf(rule)
    return { version: s.version, at: s.changedAt, by: s.changedBy, rule: s.rule, changes: (changes ?? []).map((c) => ({ field: c.field ?? '', type: c.type ?? '' })) }
  }).sort((a, b) => b.version - a.version)
}

/** terraformOf writes a rule, stored or not, as Terraform. */
export const terraformOf = async (rule: Rule): Promise<string> =>
  (await call<{ terraformContent?: string }>(shared + '/convert', { body: rule })).terraformContent ?? ''
