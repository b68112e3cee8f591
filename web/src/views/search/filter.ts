// What is searched for, read from the address and written to it.
import { change, useAddress, type Step } from '../../state/address'
import type { Filter } from '../../api/signals'
import type { Range } from '../../state/time'

export const defaultRange: Range = { from: 'now-24h', to: '' }
export const usualColumns = ['source', 'host', 'message']

export type Form = 'table' | 'raw' | 'sql'

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
}

/** useSearchState is the search's part of the address. */
export function useSearchState(): SearchState {
  const { query } = useAddress()
  const from = query.get('from')
  const range: Range = { from: from === 'all' ? '' : (from ?? defaultRange.from), to: query.get('to') ?? '' }
  const columns = query.get('cols')
  const form = query.get('form')
  return {
    range,
    filter: { query: query.get('query') || '*', ...range },
    sort: query.get('sort') === 'timestamp' ? 'timestamp' : '-timestamp',
    open: query.get('event') ?? '',
    columns: columns ? columns.split(',').map(decodeURIComponent) : usualColumns,
    clauses: query.get('clauses') === '1',
    form: form === 'raw' || form === 'sql' ? form : 'table',
  }
}

export function askFor(query: string, step: Step = 'push'): void {
  change({ query: query.trim() === '*' ? undefined : query.trim() }, step)
}

export function lookAt(range: Range): void {
  change({ from: range.from === '' ? 'all' : range.from === defaultRange.from ? undefined : range.from, to: range.to })
}

export function showColumns(columns: string[]): void {
  const text = columns.map(encodeURIComponent).join(',')
  change({ cols: columns.length === 0 || text === usualColumns.join(',') ? undefined : text })
}

/** toggleColumn shows a field, before the message, or no longer does. */
export function toggleColumn(shown: string[], field: string): void {
  if (shown.includes(field)) return showColumns(shown.filter((c) => c !== field))
  const at = shown.indexOf('message')
  showColumns(at < 0 || field === 'message' ? [...shown, field] : [...shown.slice(0, at), field, ...shown.slice(at)])
}
