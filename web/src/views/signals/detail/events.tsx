import { views } from '../../../views'
import { searchEvents, searchesOfSignal } from '../../../api/events'
import type { Signal } from '../../../api/signals'
import { Problem } from '../../../parts/problem'
import type { Explanation } from '../../../api/explain'
import { useAsk, type Asked } from '../../../state/ask'
import { pathOf } from '../../../state/address'
import { clockMillis, useZone } from '../../../state/time'
import { whatOf } from '../../../state/field'
import { count, oneLine } from '../../../state/text'
import { sinceOf } from './why'

/** useEvents are the newest events of a signal, and the search that finds them. Those of a sequence begin with its steps, which are waited for. */
export function useEvents(s: Signal, limit: number, why: Asked<Explanation>) {
  const since = sinceOf(why.value)
  const waits = s.method === 'sequence_detection' && !why.value && !why.error
  return useAsk(waits ? null : `${s.id} ${s.lastSeen} ${limit} ${since ?? ''}`, async (stop) => {
    const searches = await searchesOfSignal(s.id, stop)
    const query = searches.length <= 1 ? (searches[0]?.query ?? '*') : searches.map((q) => `(${q.query})`).join(' OR ')
    const [from, to] = [String(since ?? s.firstSeen - s.window), String(s.lastSeen + 1)]
    const page = await searchEvents(query, from, to, undefined, limit, stop)
    return { events: page.events, address: pathOf(['search'], { query, from, to }) }
  }, 'keep')
}

/** howMany says how many of how many are shown; of a sequence the signal counts only those that ended it. */
export const howMany = (shown: number, limit: number, counted: number): string =>
  shown < counted ? `${count(shown)} of ${count(counted)}, newest first` : shown < limit ? `${count(shown)}, newest first` : `the newest ${count(shown)}`

/** Events are a signal's, the newest first, a line each. */
export function Events({ signal, limit, asked }: { signal: Signal; limit: number; asked: ReturnType<typeof useEvents> }) {
  const zone = useZone()
  if (asked.error) return <Problem error={asked.error} again={asked.again} />
  if (!asked.value) return <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>
  const { events, address } = asked.value
  return (
    <>
      <p class="small mut events-of">
        {howMany(events.length, limit, signal.events)}
        {views.some((v) => v.name === 'search') && <a class="link" href={address}>Search them</a>}
      </p>
      <ul class="event-lines">
        {events.map((e) => <li key={e.id}><time>{clockMillis(e.at, zone)}</time><span class="cut" title={oneLine(whatOf(e))}>{oneLine(whatOf(e))}</span></li>)}
      </ul>
      {events.length === 0 && <p class="small mut">None of its events is stored any more, or the search no longer finds them.</p>}
    </>
  )
}
