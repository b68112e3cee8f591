import { growFacets, growOverTime, type Facets, type OverTime } from '../../api/facets'
import type { Filter } from '../../api/signals'
import type { Asked } from '../../state/ask'
import { useGrowing } from '../../state/growing'
import { zoneOf, type Zone } from '../../state/time'

/** How many stretches a histogram has. */
const stretches = 60

/** useOverTime counts the events that a filter finds, over time: bars come from the newest on, and none is a guess. A null key asks nothing. */
export function useOverTime(key: string | null, filter: Filter, zone: Zone): Asked<OverTime> {
  return useGrowing(key, (stop, told) => growOverTime(filter, ['status'], stretches, zoneOf(zone), stop, told))
}

/** useFacets counts events by the values of fields: those of the newest at once, then all. */
export function useFacets(key: string | null, filter: Filter, fields: string[]): Asked<Facets> {
  return useGrowing(key, (stop, told) => growFacets(filter, fields.slice(0, 20), 20, stop, told))
}
