import { useMemo, useRef } from 'preact/hooks'
import { UnreachableError } from '../../api/client'
import { countFacets, countOverTime, type Facets, type Histogram } from '../../api/facets'
import { searchAhead, type Filter, type Signal } from '../../api/signals'
import { together } from '../../parts/asking'
import { useChecked } from '../../parts/use-checked'
import { useAsk, type Asked } from '../../state/ask'
import { valuesOf, without } from '../../state/query'
import { useZone, zoneOf } from '../../state/time'
import { triageQuery, type ListState } from './filter'
import { itemOf, itemsOf } from './items'
import { useLive } from './live'
import { stateField, totalOf } from './tell'
import { useGroups } from './use-groups'
import { pageSize, useList, type List } from './use-list'

/** waiting stands where no query could be read yet: it is not asked. */
const waiting: Filter = { query: '*', from: '', to: '' }

/** useQueue asks for all that the list shows: its rows first, then how many there are, and when. */
export function useQueue({ filter: wanted, sort, group, unfolded }: ListState) {
  const checked = useChecked(wanted, 'signals', triageQuery, (f) => (group === '' ? searchAhead(f, sort, pageSize) : () => undefined))
  const filter = checked.filter ?? waiting
  const plain = useList(checked.filter && group === '' ? filter : undefined, sort)
  const groups = useGroups(checked.filter, sort, group, unfolded)
  const list = group === '' ? plain : groups
  const zone = useZone()
  const settled = useSettledFilter(filter, list)
  const live = useLive(settled.filter, list.since, group === '' ? list.rows : [])
  const states = valuesOf(filter.query, stateField)
  const all = { ...settled.filter, query: without(settled.filter.query, stateField) || '*' }
  const counts = useAsk(settled.at > 0 ? JSON.stringify([all, zone, settled.at]) : null, (stop) => countOverTime(all, ['severity', 'state'], 48, zoneOf(zone), stop), 'keep')
  const total = useTotal(settled, counts)
  const items = useMemo(() => (group === '' ? list.rows.map(itemOf) : itemsOf(groups)), [group, list.rows, groups.groups])
  const asks = together(list, { ...total, asking: total.asking && settled.at > 0 }, { ...counts, asking: counts.asking && settled.at > 0 })
  return {
    checked, filter, settled, list, items, live, total, counts, states, asks, toggle: groups.toggle,
    stale: list.error instanceof UnreachableError || live.error !== undefined,
    /** How many there are, as far as is known. */
    size: Math.max(total.value?.total ?? 0, group === '' ? list.rows.length : 0),
  }
}

export interface Settled {
  filter: Filter
  at: number
}

/**
 * useSettledFilter is the filter that the rows in hand are of, and when they came: what is
 * counted is asked once the rows are there, and not while they are waited for.
 */
function useSettledFilter(filter: Filter, list: List): Settled {
  const last = useRef<Settled>({ filter, at: 0 })
  if (!list.old && list.at > 0 && (last.current.at !== list.at || JSON.stringify(last.current.filter) !== JSON.stringify(filter))) last.current = { filter, at: list.at }
  return last.current
}

/** useTotal is how many signals a list has: by its counts over time, or asked where these don't tell. */
function useTotal({ filter, at }: Settled, counts: Asked<Histogram>): Asked<Pick<Facets, 'total' | 'partial'>> {
  const told = useMemo(() => counts.value && totalOf(filter.query, counts.value), [filter.query, counts.value])
  const isAsked = at > 0 && (told === undefined && counts.value !== undefined || counts.error !== undefined && counts.error.message !== 'Cancelled.')
  const asked = useAsk<Pick<Facets, 'total' | 'partial'>>(isAsked ? JSON.stringify([filter, at]) : null, (stop) => countFacets(filter, [], 1, stop), 'keep')
  if (isAsked) return asked
  return { ...asked, value: told === undefined || counts.error ? undefined : { total: told, partial: counts.value?.partial ?? false }, error: counts.error, asking: counts.asking, at: counts.at }
}

export type Queue = ReturnType<typeof useQueue>

/** replaced are rows, with those that are known to stand otherwise now. */
export function replaced(now: Signal[]): (s: Signal) => Signal {
  const byID = new Map(now.map((s) => [s.id, s]))
  return (s) => byID.get(s.id) ?? s
}
