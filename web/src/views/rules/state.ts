import type { Standing } from '../../api/authoring'
import type { Rule, StoredRule } from '../../api/rules'
import { severities, type Severity } from '../../api/signals'

export type RuleState = 'failing' | 'unsupported' | 'dead' | 'never' | 'live' | 'disabled' | 'unknown'

/** The states in the order of the list: what somebody should look at first. */
export const ruleStates: RuleState[] = ['failing', 'unsupported', 'dead', 'never', 'live', 'disabled', 'unknown']

export const stateNames: Record<RuleState, string> = {
  failing: 'Failing', unsupported: 'Unsupported', dead: 'Dead attribute', never: 'Never fired', live: 'Live', disabled: 'Disabled', unknown: 'Asking',
}

/** RuleRow is a rule in the list. */
export interface RuleRow {
  id: string
  version: number
  name: string
  state: RuleState
  /** Why it is in that state, in words; empty: nothing is to be said. */
  reason: string
  severity: Severity | undefined
  method: string
  tags: string[]
  /** The techniques of ATT&CK that its tags name: T1110. */
  techniques: string[]
  cost: number | undefined
  alone: string
  behind: number
  /** Signals a day; undefined: not known. */
  daily: number | undefined
  /** Of each of the last 30 days, the present one last. */
  byDay: number[]
  signals: number
  changedAt: number
  changedBy: string
}

export function rowOf(r: StoredRule, standings: Map<string, Standing> | undefined): RuleRow {
  const standing = standings?.get(r.id)
  const recent = standing?.byDay.reduce((sum, n) => sum + n, 0)
  return {
    id: r.id, version: r.version, name: r.rule.name, ...stateOf(r, standing, standings !== undefined), severity: worstOf(r.rule), method: methodName(r.rule), tags: r.rule.tags ?? [], techniques: techniquesOf(r.rule.tags ?? []),
    cost: standing?.cost, alone: standing?.alone ?? '', behind: standing?.behind ?? 0, daily: recent === undefined ? undefined : recent / daysOf(r), byDay: standing?.byDay ?? [], signals: standing?.signals ?? 0,
    changedAt: r.changedAt, changedBy: r.changedBy,
  }
}

const techniquesOf = (tags: string[]): string[] => [...new Set(tags.flatMap((t) => /^technique:(T\d{4}(?:\.\d{3})?)/i.exec(t)?.[1]?.toUpperCase() ?? []))]

/** daysOf is how many of the last 30 days the rule has been there, at least one. */
const daysOf = (r: StoredRule): number => Math.max(1, Math.min(30, (Date.now() - r.createdAt) / 864e5))

/** stateOf is the worst that is known of a rule. */
export function stateOf(r: StoredRule, standing: Standing | undefined, isKnown: boolean): { state: RuleState; reason: string } {
  if (!r.rule.isEnabled) return { state: 'disabled', reason: '' }
  if (!standing) return { state: isKnown ? 'live' : 'unknown', reason: '' }
  if (standing.state === 'failing' || standing.state === 'unsupported') return { state: standing.state, reason: standing.reason }
  if (standing.inVain.length > 0) return { state: 'dead', reason: standing.inVain.join('; ') }
  return { state: standing.signals === 0 ? 'never' : 'live', reason: '' }
}

/** worstOf is the highest severity that a case of the rule gives. */
export function worstOf(rule: Rule): Severity | undefined {
  const given = [...(rule.cases ?? []), ...((rule['thirdPartyCases'] as { status: string }[] | undefined) ?? [])].map((c) => c.status)
  return severities.find((s) => given.includes(s))
}

/** methodName is how a rule detects; of those of signals, that. */
export const methodName = (rule: Rule): string => (rule.type === 'signal_correlation' ? 'correlation' : (rule.options?.detectionMethod ?? 'threshold')).replaceAll('_', ' ')

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
