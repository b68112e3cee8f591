import type { Standing, Suppression } from '../../api/suppressions'

export type SuppressionState = 'in force' | 'ends soon' | 'begins' | 'off' | 'ended'

const dayLong = 864e5
/** What ends within so long is told. */
export const soon = 7 * dayLong
/** What hid nothing for so long is told. */
const idleAfter = 30 * dayLong

export function stateOf(s: Suppression, now: number): SuppressionState {
  if (s.until !== undefined && s.until <= now) return 'ended'
  if (!s.enabled) return 'off'
  if (s.from !== undefined && s.from > now) return 'begins'
  return s.until !== undefined && s.until - now <= soon ? 'ends soon' : 'in force'
}

/** Row is a suppression in the list. */
export interface Row extends Suppression {
  state: SuppressionState
  /** Undefined: not known yet. */
  standing: Standing | undefined
  /** What should be looked at; empty: nothing. */
  worth: string
}

export const rowOf = (s: Suppression, standing: Standing | undefined, now: number): Row => {
  const state = stateOf(s, now)
  return { ...s, state, standing, worth: worthOf(s, state, standing, now) }
}

function worthOf(s: Suppression, state: SuppressionState, standing: Standing | undefined, now: number): string {
  if (!standing || state === 'ended') return ''
  if (standing.rulesTotal === 0) return /^id:\S+$/.test(s.ruleQuery.trim()) ? 'its rule is gone' : 'selects no rule'
  if (state === 'off' || state === 'begins') return ''
  if (standing.rules.length === standing.rulesTotal && standing.rules.every((r) => !r.enabled)) return 'all its rules are disabled'
  // What keeps events from rules makes no signal to be counted.
  const since = Math.max(standing.lastHidden, s.from ?? 0, s.changedAt)
  return s.query !== '' && now - since > idleAfter ? 'hid nothing for 30 days' : ''
}

export type SortBy = 'first' | 'name' | 'ends' | 'hidden' | 'last' | 'owner'

const ends = (r: Row): number => r.until ?? Number.MAX_SAFE_INTEGER
const hides = (r: Row): number => r.standing?.hidden ?? 0
const compare: Record<SortBy, (a: Row, b: Row) => number> = {
  // What ends within days is first, and then what hides most; what does nothing is last.
  first: (a, b) => rank(a) - rank(b) || (a.state === 'ends soon' || a.state === 'ended' ? (ends(a) - ends(b)) * (a.state === 'ended' ? -1 : 1) : 0) || hides(b) - hides(a) || a.name.localeCompare(b.name),
  name: (a, b) => a.name.localeCompare(b.name),
  ends: (a, b) => ends(a) - ends(b),
  hidden: (a, b) => hides(a) - hides(b),
  last: (a, b) => (a.standing?.lastHidden ?? 0) - (b.standing?.lastHidden ?? 0),
  owner: (a, b) => a.createdBy.localeCompare(b.createdBy),
}

function rank(r: Row): number {
  return { 'ends soon': 0, 'in force': 1, begins: 2, off: 3, ended: 4 }[r.state]
}

/** sorted are rows by a key of the address, downwards after a minus. */
export function sorted(rows: Row[], sort: string): Row[] {
  const by = compare[sort.replace(/^-/, '') as SortBy] ?? compare.first
  const out = [...rows].sort(by)
  return sort.startsWith('-') ? out.reverse() : out
}

/** has reports whether a suppression, or a rule that it is for, says all of the words. */
export function has(r: Row, words: string): boolean {
  const all = [r.name, r.description, r.ruleQuery, r.query, r.exclusion, r.createdBy, r.changedBy, r.id, ...r.tags, ...(r.standing?.rules.map((x) => x.name) ?? [])].join('\n').toLowerCase()
  return words.toLowerCase().split(/\s+/).every((w) => all.includes(w))
}
