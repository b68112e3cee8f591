import type { Rule, Standing, StoredRule } from '../../api/rules'
import { severities, type Severity } from '../../api/signals'

export type RuleState = 'failing' | 'unsupported' | 'dead' | 'never' | 'live' | 'disabled' | 'unknown'

/** The states in the order of the list: what somebody should look at first. */
export const ruleStates: RuleState[] = ['failing', 'unsupported', 'dead', 'never', 'live', 'disabled', 'unknown']

export const stateNames: Record<RuleState, string> = {
  failing: 'Failing', unsupported: 'Unsupported', dead: 'Dead attribute', never: 'Never fired', live: 'Live', disabled: 'Disabled', unknown: 'Asking',
}

/** Known is what is known of rules besides their text; undefined: it was not answered yet. */
export interface Known {
  standings: Map<string, Standing> | undefined
  inVain: Map<string, string[]> | undefined
  recent: Map<string, number> | undefined
  ever: Map<string, number> | undefined
}

/** RuleRow is a rule in the list. */
export interface RuleRow {
  id: string
  name: string
  state: RuleState
  /** Why it is in that state, in words; empty: nothing is to be said. */
  reason: string
  severity: Severity | undefined
  method: string
  tags: string[]
  cost: number | undefined
  alone: string
  /** Signals a day; undefined: not known. */
  daily: number | undefined
  changedAt: number
  changedBy: string
}

export function rowOf(r: StoredRule, known: Known): RuleRow {
  const standing = known.standings?.get(r.id)
  return {
    id: r.id, name: r.rule.name, ...stateOf(r, known), severity: worstOf(r.rule), method: methodOf(r.rule), tags: r.rule.tags ?? [],
    cost: standing?.cost, alone: standing?.alone ?? '', daily: known.recent && (known.recent.get(r.id) ?? 0) / daysOf(r),
    changedAt: r.changedAt, changedBy: r.changedBy,
  }
}

/** daysOf is how many of the last 30 days the rule has been there, at least one. */
const daysOf = (r: StoredRule): number => Math.max(1, Math.min(30, (Date.now() - r.createdAt) / 864e5))

/** stateOf is the worst that is known of a rule. */
export function stateOf(r: StoredRule, known: Known): { state: RuleState; reason: string } {
  if (!r.rule.isEnabled) return { state: 'disabled', reason: '' }
  const standing = known.standings?.get(r.id)
  if (standing?.state === 'failing') return { state: 'failing', reason: standing.reason }
  if (standing?.state === 'unsupported') return { state: 'unsupported', reason: standing.reason }
  const vain = known.inVain?.get(r.id)
  if (vain) return { state: 'dead', reason: vain.join('; ') }
  if (!known.standings || !known.inVain || !known.ever) return { state: 'unknown', reason: '' }
  if (!known.ever.has(r.id)) return { state: 'never', reason: '' }
  return { state: 'live', reason: '' }
}

/** worstOf is the highest severity that a case of the rule gives. */
export function worstOf(rule: Rule): Severity | undefined {
  const given = [...(rule.cases ?? []), ...((rule['thirdPartyCases'] as { status: string }[] | undefined) ?? [])].map((c) => c.status)
  return severities.find((s) => given.includes(s))
}

/** methodOf is how a rule detects; of those of signals, that. */
export const methodOf = (rule: Rule): string => (rule.type === 'signal_correlation' ? 'correlation' : (rule.options?.detectionMethod ?? 'threshold')).replaceAll('_', ' ')

/** sorted orders rows by a column, descending after a minus, and then by name. */
export function sorted(rows: RuleRow[], sort: string): RuleRow[] {
  const name = sort.replace(/^-/, '')
  const turn = sort.startsWith('-') ? -1 : 1
  const of = (r: RuleRow): string | number => {
    switch (name) {
      case 'name': return r.name.toLowerCase()
      case 'severity': return r.severity ? severities.length - severities.indexOf(r.severity) : 0
      case 'daily': return r.daily ?? -1
      case 'cost': return r.cost ?? -1
      case 'method': return r.method
      case 'changed': return r.changedAt
      default: return ruleStates.indexOf(r.state)
    }
  }
  return [...rows].sort((a, b) => {
    const [x, y] = [of(a), of(b)]
    return (x < y ? -1 : x > y ? 1 : 0) * turn || a.name.localeCompare(b.name)
  })
}
