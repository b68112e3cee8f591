import { call } from './client'

/** RuleRun is a rule that is evaluated: how far it is, and what it costs, measured since the start. */
export interface RuleRun {
  id: string
  name: string
  /** running, failing or unsupported */
  state: string
  reason: string
  /** Why it is evaluated by itself; empty: it is not. */
  alone: string
  /** The last arrival that it was evaluated over, and how many it is behind. */
  through: number
  behind: number
  /** CPU time of an event in microseconds; undefined: not known yet. */
  cost: number | undefined
  matches: number
  groups: number
}

export async function listRuleRuns(signal: AbortSignal): Promise<RuleRun[]> {
  const body = await call<{ data?: (Partial<Omit<RuleRun, 'id' | 'cost'>> & { rule_id?: string; microseconds_per_event?: number })[] }>('/api/nightjar/v1/rule_costs', { signal })
  return (body.data ?? []).map((r) => ({
    id: r.rule_id ?? '', name: r.name ?? '', state: r.state ?? '', reason: r.reason ?? '', alone: r.alone ?? '', through: r.through ?? 0, behind: r.behind ?? 0,
    cost: r.microseconds_per_event, matches: r.matches ?? 0, groups: r.groups ?? 0,
  }))
}
