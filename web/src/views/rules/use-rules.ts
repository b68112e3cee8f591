import { useMemo, useState } from 'preact/hooks'
import { countSignals, listRules, readInVain, readStandings, type StoredRule } from '../../api/rules'
import { useAsk, useEvery } from '../../state/ask'
import { rowOf, type Known, type RuleRow } from './state'

export interface Rules {
  rows: RuleRow[]
  /** How many are stored, found or not. */
  stored: number
  asking: boolean
  error: Error | undefined
  /** What of their states could not be learned. */
  partly: Error | undefined
  again(): void
}

/** useRules reads the rules of a search, then how each of them does; that again every 10 s. */
export function useRules(query: string | undefined): Rules {
  const [early, setEarly] = useState<{ query: string; rules: StoredRule[] }>()
  const list = useAsk(query ?? null, (stop) => listRules(query ?? '', stop, (rules) => !stop.aborted && setEarly({ query: query ?? '', rules })), 'keep')
  const rules = list.value?.rules ?? (early?.query === query ? early?.rules : undefined) ?? []
  const ids = useMemo(() => rules.map((r) => r.id), [rules])
  const key = list.value ? ids.join(' ') : null
  const standings = useAsk(key, readStandings, 'keep')
  const inVain = useAsk(key, readInVain, 'keep')
  const recent = useAsk(key, (stop) => countSignals(ids, 'now-30d', stop), 'keep')
  const ever = useAsk(key, (stop) => countSignals(ids, '', stop), 'keep')
  useEvery(10_000, () => {
    for (const asked of [standings, inVain, recent, ever]) if (!asked.asking) asked.again()
  }, list.value !== undefined)
  const known: Known = { standings: standings.value, inVain: inVain.value, recent: recent.value, ever: ever.value }
  const rows = useMemo(() => rules.map((r) => rowOf(r, known)), [rules, standings.value, inVain.value, recent.value, ever.value])
  return {
    rows, stored: list.value?.stored ?? rows.length, asking: list.asking, error: list.error,
    partly: standings.error ?? inVain.error ?? recent.error ?? ever.error,
    again: () => {
      for (const asked of [list, standings, inVain, recent, ever]) asked.again()
    },
  }
}
