import { useMemo } from 'preact/hooks'
import { UnreachableError } from '../../api/client'
import { countFacets, countOverTime } from '../../api/facets'
import type { Filter, Signal } from '../../api/signals'
import { together } from '../../parts/asking'
import { useChecked } from '../../parts/use-checked'
import { useAsk } from '../../state/ask'
import { valuesOf, without } from '../../state/query'
import { useZone, zoneOf } from '../../state/time'
import { triageQuery, type ListState } from './filter'
import { itemOf, itemsOf } from './items'
import { useLive } from './live'
import { useGroups } from './use-groups'
import { useList } from './use-list'

const stateField = '@nightjar.state'

/** waiting stands where no query could be read yet: it is not asked. */
const waiting: Filter = { query: '*', from: '', to: '' }

/** useQueue asks for all that the list shows: its rows first, then how many there are, and when. */
export function useQueue({ filter: wanted, sort, group, unfolded }: ListState) {
  const checked = useChecked(wanted, 'signals', triageQuery)
  const filter = checked.filter ?? waiting
  const plain = useList(checked.filter && group === '' ? filter : undefined, sort)
  const groups = useGroups(checked.filter, sort, group, unfolded)
  const list = group === '' ? plain : groups
  const zone = useZone()
  const live = useLive(filter, list.since, group === '' ? list.rows : [])
  const total = useAsk(list.at > 0 ? JSON.stringify([filter, list.at]) : null, (stop) => countFacets(filter, [], 1, stop), 'keep')
  const states = valuesOf(filter.query, stateField)
  const all = { ...filter, query: without(filter.query, stateField) || '*' }
  const counts = useAsk(list.at > 0 ? JSON.stringify([all, zone, list.at]) : null, (stop) => countOverTime(all, ['severity', 'state'], 48, zoneOf(zone), stop), 'keep')
  const items = useMemo(() => (group === '' ? list.rows.map(itemOf) : itemsOf(groups)), [group, list.rows, groups.groups])
  const asks = together(list, { ...total, asking: total.asking && list.at > 0 }, { ...counts, asking: counts.asking && list.at > 0 })
  return {
    checked, filter, list, items, live, total, counts, states, asks, toggle: groups.toggle,
    stale: list.error instanceof UnreachableError || live.error !== undefined,
    /** How many there are, as far as is known. */
    size: Math.max(total.value?.total ?? 0, group === '' ? list.rows.length : 0),
  }
}

export type Queue = ReturnType<typeof useQueue>

/** replaced are rows, with those that are known to stand otherwise now. */
export function replaced(now: Signal[]): (s: Signal) => Signal {
  const byID = new Map(now.map((s) => [s.id, s]))
  return (s) => byID.get(s.id) ?? s
}
