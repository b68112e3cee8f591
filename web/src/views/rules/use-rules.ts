import { useMemo, useState } from 'preact/hooks'
import { readStandings } from '../../api/authoring'
import { listRules, type StoredRule } from '../../api/rules'
import { useAsk, useEvery } from '../../state/ask'
import { rowOf, type RuleRow } from './state'

export interface Rules {
  rows: RuleRow[]
  /** How many are stored, found or not. */
  stored: number
  asking: boolean
  error: Error | undefined
  /** Why it could not be learned how they do. */
  partly: Error | undefined
  again(): void
  /** put replaces what is known of a rule by what was just stored of it. */
  put(rules: StoredRule[]): void
}

/** useRules reads the rules of a search, and how all rules do; that again every 10 s, in one call. */
export function useRules(query: string | undefined): Rules {
  const [early, setEarly] = useState<{ query: string; rules: StoredRule[] }>()
  const list = useAsk(query ?? null, (stop) => listRules(query ?? '', stop, (rules) => !stop.aborted && setEarly({ query: query ?? '', rules })), 'keep')
  const rules = list.value?.rules ?? (early?.query === query ? early?.rules : undefined) ?? []
  const standings = useAsk('standings', readStandings, 'keep')
  useEvery(10_000, standings.refresh)
  const rows = useMemo(() => rules.map((r) => rowOf(r, standings.value)), [rules, standings.value])
  return {
    rows, stored: list.value?.stored ?? rows.length, asking: list.asking, error: list.error, partly: standings.error,
    again: () => (list.again(), standings.again()),
    put: (changed) => {
      list.put((all) => ({ ...all, rules: all.rules.map((r) => changed.find((c) => c.id === r.id) ?? r) }))
      standings.again()
    },
  }
}
