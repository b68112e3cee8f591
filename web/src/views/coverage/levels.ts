import type { Coverage, Covering, CoveringRule, Tactic, Technique } from '../../api/coverage'

/** Level is the best that a rule does for a technique. */
export type Level = 'proved' | 'tagged' | 'broken' | 'off' | 'none'
export const levels: Level[] = ['proved', 'tagged', 'broken', 'off', 'none']
export const levelNames: Record<Level, string> = { proved: 'Proved', tagged: 'Tagged only', broken: 'Failing or dead', off: 'Not in force', none: 'No rule' }
export const levelSigns: Record<Level, string> = { proved: '●', tagged: '◐', broken: '✕', off: '○', none: '' }

const levelOf: Record<Covering, Level> = { proved: 'proved', tagged: 'tagged', failing: 'broken', dead: 'broken', disabled: 'off', absent: 'off' }
export const levelOfRule = (r: CoveringRule): Level => levelOf[r.state]

const best = (rules: CoveringRule[]): Level => levels.find((l) => rules.some((r) => levelOfRule(r) === l)) ?? 'none'

/** Cell is a technique under a tactic, with the rules that are about it there. */
export interface Cell {
  technique: Technique
  tactic: Tactic
  /** Its rules and those of its sub-techniques. */
  rules: CoveringRule[]
  level: Level
  /** Sub-techniques, each with the rules that name it. */
  subs: Cell[]
}

export interface ColumnOf {
  tactic: Tactic
  cells: Cell[]
  /** How many techniques it has, and how many of them are proved, whatever is shown. */
  total: number
  proved: number
  /** Rules that name the tactic and no technique. */
  alone: CoveringRule[]
}

/** isSub reports whether a technique is one of another. */
export const isSub = (id: string): boolean => id.includes('.')
export const parentOf = (id: string): string => id.split('.')[0] ?? id

/** columnsOf are the tactics with their techniques, of the rules that are handed over. */
export function columnsOf(c: Coverage, rules: CoveringRule[]): ColumnOf[] {
  const byTechnique = new Map<string, CoveringRule[]>()
  for (const r of rules) for (const t of r.techniques) byTechnique.set(t, [...(byTechnique.get(t) ?? []), r])
  const subsOf = new Map<string, Technique[]>()
  for (const t of c.techniques) if (isSub(t.id)) subsOf.set(parentOf(t.id), [...(subsOf.get(parentOf(t.id)) ?? []), t])
  return c.tactics.map((tactic) => {
    const here = (t: Technique) => (byTechnique.get(t.id) ?? []).filter((r) => countsUnder(r, t, tactic))
    const cells = c.techniques.filter((t) => !isSub(t.id) && t.tactics.includes(tactic.id)).map((technique) => {
      const subs = (subsOf.get(technique.id) ?? []).map((sub) => {
        const own = here(sub)
        return { technique: sub, tactic, rules: own, level: best(own), subs: [] }
      })
      const all = [...new Set([...here(technique), ...subs.flatMap((s) => s.rules)])]
      return { technique, tactic, rules: all, level: best(all), subs }
    })
    return { tactic, cells, total: cells.length, proved: cells.filter((x) => x.level === 'proved').length, alone: rules.filter((r) => r.techniques.length === 0 && r.tactics.includes(tactic.id)) }
  })
}

/** countsUnder reports whether a rule is about a technique under a tactic: under those of its tactics that the rule names, or all where it names none of them. */
function countsUnder(r: CoveringRule, t: Technique, tactic: Tactic): boolean {
  const named = t.tactics.filter((id) => r.tactics.includes(id))
  return named.length === 0 || named.includes(tactic.id)
}

/** countLevels is how many techniques are at each level, sub-techniques apart from the rest, each once whatever its tactics. */
export function countLevels(columns: ColumnOf[]): Record<Level, number> {
  const at = new Map<string, Level>()
  for (const { technique, level } of columns.flatMap((c) => c.cells)) {
    const before = at.get(technique.id)
    if (before === undefined || levels.indexOf(level) < levels.indexOf(before)) at.set(technique.id, level)
  }
  const out: Record<Level, number> = { proved: 0, tagged: 0, broken: 0, off: 0, none: 0 }
  for (const l of at.values()) out[l]++
  return out
}

/** unknownOf are ids that tags name and the table lacks. */
export function unknownOf(c: Coverage): string[] {
  const known = new Set([...c.techniques, ...c.tactics].map((t) => t.id))
  return [...new Set(c.rules.flatMap((r) => [...r.techniques, ...r.tactics]))].filter((id) => !known.has(id)).sort()
}
