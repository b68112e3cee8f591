// What is searched for, read from the address and written to it.
import { change, useAddress, type Step } from '../../state/address'
import { shownColumns } from '../../state/columns'
import type { Filter } from '../../api/signals'
import type { Range } from '../../state/time'

export const defaultRange: Range = { from: 'now-24h', to: '' }
export type Form = 'table' | 'raw' | 'patterns' | 'sql'

export interface SearchState {
  filter: Filter
  range: Range
  sort: '-timestamp' | 'timestamp'
  /** The event in the panel; empty: none. */
  open: string
  columns: string[]
  form: Form
  /** How many events each clause has is shown. */
  clauses: boolean
  /** The histogram is set beside that of the week before. */
  week: boolean
}

/** useSearchState is the search's part of the address. */
export function useSearchState(): SearchState {
  const { query } = useAddress()
  const from = query.get('from')
  const range: Range = { from: from === 'all' ? '' : (from ?? defaultRange.from), to: query.get('to') ?? '' }
  const form = query.get('form')
  return {
    range,
    filter: { query: query.get('query') || '*', ...range },
    sort: query.get('sort') === 'timestamp' ? 'timestamp' : '-timestamp',
    open: query.get('event') ?? '',
    columns: shownColumns(query),
    week: query.get('beside') === 'week',
    clauses: query.get('clauses') === '1',
    form: form === 'raw' || form === 'patterns' || form === 'sql' ? form : 'table',
  }
}

export function askFor(query: string, step: Step = 'push'): void {
  change({ query: query.trim() === '*' ? undefined : query.trim() }, step)
}

export function lookAt(range: Range): void {
  change({ from: range.from === '' ? 'all' : range.from === defaultRange.from ? undefined : range.from, to: range.to })
}
