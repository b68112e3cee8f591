import { checkRule, type CheckedRule, type Remark } from '../../api/authoring'
import type { Rule } from '../../api/rules'
import { useAsk } from '../../state/ask'
import { useSettled } from '../../state/settled'

/** Fault is something that is wrong with a rule, and where: queries[0].query. */
export type Fault = Remark

export interface Check {
  /** What keeps the rule from being stored. */
  faults: Fault[]
  /** What is worth knowing of it. */
  warnings: Fault[]
  /** The last text that was checked is right; undefined: it is not checked yet. */
  valid: boolean | undefined
  /** It is kept and not evaluated: why; empty: it is. */
  unsupported: string
  /** The check itself failed. */
  error: Error | undefined
}

/** useCheck has the engine check a rule while it is typed, as the next version of the stored one with this id or, where that is empty, as a new one. */
export function useCheck(rule: Rule | undefined, text: string, id: string): Check {
  const settled = useSettled(text, 250)
  const asked = useAsk(rule && settled === text ? text : null, (stop): Promise<CheckedRule> => checkRule(rule, id, stop), 'keep')
  const current = rule !== undefined && settled === text && !asked.asking && !asked.error
  return { faults: rule ? (asked.value?.problems ?? []) : [], warnings: rule ? (asked.value?.warnings ?? []) : [], valid: current ? asked.value?.valid : undefined, unsupported: asked.value?.unsupported ?? '', error: asked.error }
}
