import { views } from '../../../views'
import { searchEvents, searchesOfSignal } from '../../../api/events'
import type { Signal } from '../../../api/signals'
import { Problem } from '../../../parts/problem'
import { useAsk } from '../../../state/ask'
import { pathOf } from '../../../state/address'
import { clockMillis, useZone } from '../../../state/time'
import { whatOf } from '../../../state/field'
import { count, oneLine } from '../../../state/text'

/** useEvents are the newest events of a signal, and the search that finds them. */
export function useEvents(s: Signal, limit: number) {
  return useAsk(`${s.id} ${s.lastSeen} ${limit}`, async (stop) => {
    const searches = await searchesOfSignal(s.id, stop)
    const query = searches.length <= 1 ? (searches[0]?.query ?? '*') : searches.map((q) => `(${q.query})`).join(' OR ')
    const [from, to] = [String(s.firstSeen - s.window), String(s.lastSeen + 1)]
    const page = await searchEvents(query, from, to, undefined, limit, stop)
    return { events: page.events, address: pathOf(['search'], { query, from, to }) }
  })
}

/** Events are a signal's, the newest first, a line each. */
export function Events({ signal, limit }: { signal: Signal; limit: number }) {
  const zone = useZone()
  const asked = useEvents(signal, limit)
  if (asked.error) return <Problem error={asked.error} again={asked.again} />
  if (!asked.value) return <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>
  const { events, address } = asked.value
  return (
    <>
      <p class="small mut events-of">
        {count(events.length)} of {count(signal.events)}, newest first
        {views.some((v) => v.name === 'search') && <a class="link" href={address}>Search them</a>}
      </p>
      <ul class="event-lines">
        {events.map((e) => <li key={e.id}><time>{clockMillis(e.at, zone)}</time><span class="cut" title={oneLine(whatOf(e))}>{oneLine(whatOf(e))}</span></li>)}
      </ul>
      {events.length === 0 && <p class="small mut">None of its events is stored any more, or the search no longer finds them.</p>}
    </>
  )
}
