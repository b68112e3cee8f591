// What the list asks for, read from the address and written to it.
import { change, useAddress, type Step } from '../../state/address'
import { prefer, usePreferences } from '../../state/preferences'
import type { Filter } from '../../api/signals'
import type { Range } from '../../state/time'
import { allColumns, usualColumns } from './columns'

export const triageQuery = '@nightjar.state:(open OR under_review)'
export const defaultRange: Range = { from: 'now-24h', to: '' }
export const defaultSort = '-severity'

const sorts = ['-severity', 'severity', '-last_seen', 'last_seen', '-events', 'events', '-timestamp', 'timestamp']

/** What the list can be grouped by, as a search names it, and as people do. */
export const groupings: [string, string][] = [
  ['rule_id', 'rule'], ['@nightjar.group', 'entity'], ['severity', 'severity'], ['source', 'source'], ['tactic', 'tactic'], ['assignee', 'assignee'],
]

export interface ListState {
  filter: Filter
  sort: string
  /** What it is grouped by; empty: nothing. */
  group: string
  /** The values of the groups that are open. */
  unfolded: string[]
  /** The columns that are shown, in their order. */
  columns: string[]
  /** The signal in the panel; empty: none. */
  open: string
  from: Range
}

/** useListState is the list's part of the address; what is not said there is the triage queue. */
export function useListState(): ListState {
  const { query } = useAddress()
  const mine = usePreferences().columns['signals']
  const asked = query.get('from')
  const from: Range = { from: asked === 'all' ? '' : (asked ?? defaultRange.from), to: query.get('to') ?? '' }
  const sort = query.get('sort') ?? defaultSort
  const group = query.get('group') ?? ''
  return {
    from,
    filter: { query: query.get('query') ?? triageQuery, ...from },
    sort: sorts.includes(sort) ? sort : defaultSort,
    group: groupings.some(([g]) => g === group) ? group : '',
    unfolded: query.getAll('unfold'),
    columns: known(query.get('cols')?.split(',') ?? []) ?? known(mine ?? []) ?? usualColumns,
    open: query.get('signal') ?? '',
  }
}

/** known are those of the columns that there are, each once; undefined: none. */
function known(ids: string[]): string[] | undefined {
  const all = [...new Set(ids)].filter((id) => allColumns.some((c) => c.id === id))
  return all.length === 0 ? undefined : all
}

export function askFor(query: string, step: Step = 'push'): void {
  change({ query: query.trim() === triageQuery ? undefined : query.trim() || '*' }, step)
}

export function lookAt(range: Range): void {
  change({ from: range.from === '' ? 'all' : range.from === defaultRange.from ? undefined : range.from, to: range.to })
}

/** groupBy has the list grouped by a field; empty: by nothing. The groups of another one are no longer open. */
export function groupBy(field: string): void {
  change({ group: field, unfold: undefined })
}

/** fold opens a group of the list, or closes it. */
export function fold(value: string, unfolded: string[]): void {
  change({ unfold: unfolded.includes(value) ? unfolded.filter((v) => v !== value) : [...unfolded, value] })
}

/** showColumns shows these in this order, here and, as the person's choice, where no address says otherwise. */
export function showColumns(ids: string[]): void {
  const isUsual = ids.length === 0 || ids.join() === usualColumns.join()
  prefer({ columns: isUsual ? {} : { signals: ids } })
  change({ cols: isUsual ? undefined : ids.join(',') })
}
