import { useEffect, useState } from 'preact/hooks'
import { APIError } from '../../api/client'
import { checkRule, type Rule } from '../../api/rules'
import { useAsk } from '../../state/ask'

/** Fault is something that is wrong with a rule, and where: queries[0].query. */
export interface Fault {
  target: string
  message: string
}

export interface Check {
  /** What keeps the rule from being stored. */
  faults: Fault[]
  /** What is worth knowing of it. */
  warnings: Fault[]
  /** The last text that was checked is right; undefined: it is not checked yet. */
  valid: boolean | undefined
  /** The check itself failed. */
  error: Error | undefined
}

/** useSettled is a value once it has been the same for so many milliseconds. */
export function useSettled<T>(value: T, after: number): T {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), after)
    return () => clearTimeout(timer)
  }, [value, after])
  return settled
}

const place = /^([a-z]\w*(?:\[\d+\])?(?:\.\w+(?:\[\d+\])?)*): /

/** As is known of a rule that is stored as it is, which need not be asked about. */
export interface Stored {
  warnings: string[]
}

/** useCheck has the engine check a rule while it is typed, by who may write rules. */
export function useCheck(rule: Rule | undefined, text: string, stored: Stored | undefined, lacks: string): Check {
  const settled = useSettled(text, 300)
  const asked = useAsk(rule && settled === text && !stored && lacks === '' ? text : null, async (stop): Promise<Omit<Check, 'error'>> => {
    if (!rule) return { faults: [], warnings: [], valid: undefined }
    try {
      const warnings = await checkRule(rule, stop)
      return { faults: [], valid: true, warnings: warnings.map(placed) }
    } catch (e) {
      if (!(e instanceof APIError) || e.status !== 400) throw e
      return { faults: e.details.length > 0 ? e.details : [{ target: e.target ?? '', message: e.message }], warnings: [], valid: false }
    }
  }, 'keep')
  if (rule && stored) return { faults: [], warnings: stored.warnings.map(placed), valid: true, error: undefined }
  if (lacks !== '') return { faults: [], warnings: [], valid: undefined, error: new Error(lacks) }
  const current = rule !== undefined && settled === text && !asked.asking && !asked.error
  return { faults: rule ? (asked.value?.faults ?? []) : [], warnings: rule ? (asked.value?.warnings ?? []) : [], valid: current ? asked.value?.valid : undefined, error: asked.error }
}

const placed = (w: string): Fault => ({ target: place.exec(w)?.[1] ?? '', message: w.replace(place, '') })
