import { countOverTime, type Histogram } from '../../api/facets'
import type { Filter } from '../../api/signals'
import { change } from '../../state/address'
import { useAsk, type Asked } from '../../state/ask'
import { momentOf, useZone, zoneOf } from '../../state/time'
import { count } from '../../state/text'

export const week = 7 * 864e5

/** useWeekBefore counts what the filter found seven days earlier; off, and of all time, nothing is asked. */
export function useWeekBefore(filter: Filter, at: number, on: boolean): Asked<Histogram> {
  const zone = useZone()
  const [from, to] = [filter.from === '' ? undefined : momentOf(filter.from, at), momentOf(filter.to, at)]
  const asks = on && at > 0 && from !== undefined && to !== undefined
  return useAsk(asks ? JSON.stringify([filter, zone, at]) : null, (stop) => countOverTime({ query: filter.query, from: String((from ?? 0) - week), to: String((to ?? 0) - week) }, ['status'], 60, zoneOf(zone), stop, 'events'))
}

/** WeekBefore says how many more or less there are than a week before. */
export function WeekBefore({ on, lacks, total, before }: { on: boolean; lacks: string; total: number | undefined; before: Histogram | undefined }) {
  const share = before && before.total > 0 && total !== undefined ? Math.round((100 * (total - before.total)) / before.total) : undefined
  return (
    <>
      <button class="link" aria-pressed={on} disabled={lacks !== ''} title={lacks} onClick={() => change({ beside: on ? undefined : 'week' })}>Week before</button>
      {on && before && <span class="mut" role="status">{count(before.total)} then{share !== undefined && `, ${share > 0 ? `${count(share)} % more` : share < 0 ? `${count(-share)} % fewer` : 'the same'} now`}</span>}
    </>
  )
}
