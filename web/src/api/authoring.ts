import { call } from './client'
import type { Rule } from './rules'

/** Remark is something about a place of a rule, such as queries[0].query; no place is all of it. */
export interface Remark {
  target: string
  message: string
}

interface RemarkBody {
  place?: string
  message?: string
}
const remarksOf = (list: RemarkBody[] | undefined): Remark[] => (list ?? []).map((r) => ({ target: r.place ?? '', message: r.message ?? '' }))

export interface CheckedRule {
  valid: boolean
  problems: Remark[]
  warnings: Remark[]
  /** It would be kept and not evaluated: why. */
  unsupported: string
}

/** checkRule has the engine check a rule, whatever it is, as the next version of a stored one or as a new one. */
export async function checkRule(rule: unknown, id: string, signal: AbortSignal): Promise<CheckedRule> {
  const c = await call<{ valid?: boolean; problems?: RemarkBody[]; warnings?: RemarkBody[]; unsupported?: string }>('/api/nightjar/v1/rules/check', { body: { rule, rule_id: id }, signal })
  return { valid: c.valid ?? false, problems: remarksOf(c.problems), warnings: remarksOf(c.warnings), unsupported: c.unsupported ?? '' }
}

const own = '/api/nightjar/v1/rules'

/** RuleTests are the tests that are kept of a rule, as nightjar test reads them. */
export interface RuleTests {
  text: string
  version: number
}

interface TestsBody {
  text?: string
  version?: number
}
const testsOf = (b: TestsBody): RuleTests => ({ text: b.text ?? '', version: b.version ?? 0 })
const testsAt = (id: string) => `${own}/${encodeURIComponent(id)}/tests`

export const readTests = async (id: string, signal: AbortSignal): Promise<RuleTests> => testsOf(await call<TestsBody>(testsAt(id), { signal }))
export const saveTests = async (id: string, tests: RuleTests): Promise<RuleTests> => testsOf(await call<TestsBody>(testsAt(id), { method: 'PUT', body: tests }))

export interface TestResult {
  name: string
  /** Of the text, from 1. */
  line: number
  passed: boolean
  problems: string[]
}

export interface TestRun {
  /** Why none could be run; empty: they were. */
  error: string
  warnings: string[]
  tests: TestResult[]
}

/** runTests runs tests on a rule that need not be stored. */
export async function runTests(rule: Rule, text: string, signal: AbortSignal): Promise<TestRun> {
  const r = await call<{ error?: string; warnings?: string[]; tests?: Partial<TestResult>[] }>(own + '/tests/run', { body: { rule, text }, signal })
  return {
    error: r.error ?? '', warnings: r.warnings ?? [],
    tests: (r.tests ?? []).map((t) => ({ name: t.name ?? '', line: t.line ?? 0, passed: t.passed ?? false, problems: t.problems ?? [] })),
  }
}

/** Standing is how a rule does. */
export interface Standing {
  state: 'running' | 'failing' | 'unsupported' | 'disabled'
  reason: string
  /** What it asks for that no event has. */
  inVain: string[]
  /** CPU time of an event in microseconds; undefined: not known yet. */
  cost: number | undefined
  /** It is evaluated by itself: why. Empty: it is not. */
  alone: string
  behind: number
  /** Signals that are stored, and those of each of the last 30 days. */
  signals: number
  byDay: number[]
}

interface StandingBody {
  rule_id: string
  state?: Standing['state']
  reason?: string
  in_vain?: string[]
  microseconds_per_event?: number
  alone?: string
  behind?: number
  signals?: number
  by_day?: number[]
}

/** readStandings are those of all rules, by id, in one call. */
export async function readStandings(signal: AbortSignal): Promise<Map<string, Standing>> {
  const { rules } = await call<{ rules?: StandingBody[] }>('/api/nightjar/v1/rule_standings', { signal })
  return new Map((rules ?? []).map((r) => [r.rule_id, {
    state: r.state ?? 'running', reason: r.reason ?? '', inVain: r.in_vain ?? [], cost: r.microseconds_per_event, alone: r.alone ?? '', behind: r.behind ?? 0, signals: r.signals ?? 0, byDay: r.by_day ?? [],
  }]))
}

/** BundledRule is a rule that ships, and what is stored of it. */
export interface BundledRule {
  name: string
  state: 'absent' | 'same' | 'differs'
  ruleID: string
  enabled: boolean
  rule: Rule
  tests: number
}

interface BundledBody {
  name: string
  state?: BundledRule['state']
  rule_id?: string
  enabled?: boolean
  rule: Rule
  tests?: number
}

export async function listBundled(signal: AbortSignal): Promise<BundledRule[]> {
  const { rules } = await call<{ rules?: BundledBody[] }>('/api/nightjar/v1/bundled_rules', { signal })
  return (rules ?? []).map((b) => ({ name: b.name, state: b.state ?? 'absent', ruleID: b.rule_id ?? '', enabled: b.enabled ?? false, rule: b.rule, tests: b.tests ?? 0 }))
}

export interface Applied {
  name: string
  action: 'created' | 'updated' | 'unchanged' | 'failed'
  ruleID: string
  problem: string
}

/** applyBundled has rules in force as they ship, with their tests. */
export async function applyBundled(names: string[]): Promise<Applied[]> {
  const { rules } = await call<{ rules?: { name: string; action?: Applied['action']; rule_id?: string; problem?: string }[] }>('/api/nightjar/v1/bundled_rules', { body: { names } })
  return (rules ?? []).map((r) => ({ name: r.name, action: r.action ?? 'failed', ruleID: r.rule_id ?? '', problem: r.problem ?? '' }))
}

/** suppressionsOf are the names of the suppressions that are about a rule. */
export async function suppressionsOf(ruleID: string, signal: AbortSignal): Promise<string[]> {
  const { data } = await call<{ data?: { attributes?: { name?: string } }[] }>(`/api/v2/security_monitoring/configuration/suppressions/rules/${encodeURIComponent(ruleID)}`, { signal })
  return (data ?? []).map((s) => s.attributes?.name ?? '')
}
