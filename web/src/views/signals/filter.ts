// What the list asks for, read from the address and written to it.
import { change, useAddress, type Step } from '../../state/address'
import type { Filter } from '../../api/signals'
import type { Range } from '../../state/time'

export const triageQuery = '@nightjar.state:(open OR under_review)'
export const defaultRange: Range = { from: 'now-24h', to: '' }
export const defaultSort = '-severity'

export interface ListState {
  filter: Filter
  sort: string
  /** The signal in the panel; empty: none. */
  open: string
  from: Range
}

/** useListState is the list's part of the address; what is not said there is the triage queue. */
export function useListState(): ListState {
  const { query } = useAddress()
  const asked = query.get('from')
  const from: Range = { from: asked === 'all' ? '' : (asked ?? defaultRange.from), to: query.get('to') ?? '' }
  return {
    from,
    filter: { query: query.get('query') ?? triageQuery, ...from },
    sort: query.get('sort') ?? defaultSort,
    open: query.get('signal') ?? '',
  }
}

export function askFor(query: string, step: Step = 'push'): void {
  change({ query: query.trim() === triageQuery ? undefined : query.trim() || '*' }, step)
}

export function lookAt(range: Range): void {
  change({ from: range.from === '' ? 'all' : range.from === defaultRange.from ? undefined : range.from, to: range.to })
}
