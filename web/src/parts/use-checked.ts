import { useLayoutEffect, useRef } from 'preact/hooks'
import { checkSearch, type Checked, type Over } from '../api/search'
import type { Filter } from '../api/signals'
import { useAsk } from '../state/ask'
import { isPlain } from '../state/query'

export interface CheckedFilter {
  /** The newest filter that can be read; undefined: none could yet. */
  filter: Filter | undefined
  /** What is wrong with the one that is asked for; undefined: nothing. */
  wrong: Checked | undefined
  reading: string
  /** The query with OR grouped, where its reading is worth showing. */
  grouped: string
  /** The query is being checked. */
  asking: boolean
  /** The check itself failed. */
  error: Error | undefined
}

/**
 * useChecked keeps what can't be read from being asked: the last valid filter stays. While a
 * plain query is checked, ahead may ask for what comes next, and gives what takes it back.
 */
export function useChecked(filter: Filter, over: Over, known: string, ahead?: (filter: Filter) => () => void): CheckedFilter {
  const skip = filter.query === known
  useLayoutEffect(() => (skip || !isPlain(filter.query) ? undefined : ahead?.(filter)), [filter.query])
  const check = useAsk(skip ? null : filter.query, (stop) => checkSearch(filter.query, over, stop))
  const last = useRef<Filter | undefined>(undefined)
  const valid = skip || check.value?.valid === true
  if (valid) last.current = filter
  return {
    filter: valid ? filter : last.current,
    wrong: !skip && check.value?.valid === false ? check.value : undefined,
    reading: skip ? '' : (check.value?.reading ?? ''),
    grouped: skip ? '' : (check.value?.grouped ?? ''),
    asking: !skip && check.asking,
    error: skip ? undefined : check.error,
  }
}
