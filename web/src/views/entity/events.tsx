import type { Known } from '../../api/entity'
import { searchEvents, type Event } from '../../api/events'
import type { Filter } from '../../api/signals'
import { Histogram, type Layers } from '../../parts/histogram'
import { Problem } from '../../parts/problem'
import { Value } from '../../parts/value'
import { pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { whatOf } from '../../state/field'
import { day, clockMillis, useZone, zoneName, type Range } from '../../state/time'
import { count, oneLine } from '../../state/text'
import { useOverTime } from '../search/counts'

/** layers are what events say of themselves: errors at the base line. */
const layers: Layers = {
  names: ['critical', 'medium', 'event'], one: 'event', called: { critical: 'errors', medium: 'warnings', event: 'others' },
  of: (by) => ({ error: 'critical', critical: 'critical', alert: 'critical', emergency: 'critical', emerg: 'critical', warn: 'medium', warning: 'medium' })[by['status'] ?? ''] ?? 'event',
}

const most = 25

/** EventsOf are an entity's events: over time, and the newest. */
export function EventsOf({ filter, known, look }: { filter: Filter; known: Known | undefined; look: (r: Range) => void }) {
  const zone = useZone()
  const counts = useOverTime(JSON.stringify([filter, zone]), filter, zone)
  const found = useAsk(JSON.stringify(filter), (stop) => searchEvents(filter.query, filter.from, filter.to, undefined, most, stop), 'keep')
  if (found.error) return <Problem error={found.error} again={found.again} />
  if (!found.value) return <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>
  const { events } = found.value
  if (events.length === 0) return (
    <p class="mut">
      No event has it in this time. {filter.from !== '0' && <button class="link" onClick={() => look({ from: '', to: '' })}>Look at all time</button>}
    </p>
  )
  return (
    <>
      {counts.error ? <Problem error={counts.error} again={counts.again} /> : <Histogram counts={counts.value} layers={layers} onZoom={(a, b) => look({ from: String(a), to: String(b) })} />}
      <Newest events={events} />
      {known && known.events.total > events.length && <p class="small mut more">The newest {count(events.length)} of {known.events.partial && 'at least '}{count(known.events.total)}. <a class="link" href={pathOf(['search'], { query: filter.query, from: filter.from, to: filter.to })}>Search them</a></p>}
    </>
  )
}

function Newest({ events }: { events: Event[] }) {
  const zone = useZone()
  let last = ''
  return (
    <div class="event-table" role="table" aria-label="Newest events">
      <div role="row" class="event-row event-head">
        <span role="columnheader">Time {zoneName(zone)}</span><span role="columnheader">Source</span><span role="columnheader">Host</span><span role="columnheader">Message</span>
      </div>
      {events.map((e) => {
        const on = day(e.at, zone)
        const isNew = on !== last
        last = on
        return (
          <div role="row" class={'event-row' + (isNew ? ' begins' : '')} key={e.id}>
            <span role="cell" class="mut">{isNew && <b class="event-day">{on}</b>}<a href={pathOf(['search'], { query: '*', from: String(e.at - 60_000), to: String(e.at + 60_000), event: e.id })}><time>{clockMillis(e.at, zone)}</time></a></span>
            <span role="cell" class="cut">{e.source !== '' && <Value field="source" value={e.source} />}</span>
            <span role="cell" class="cut">{e.host !== '' && <Value field="host" value={e.host} />}</span>
            <span role="cell" class="cut hi" title={oneLine(whatOf(e), 2000)}>{oneLine(whatOf(e))}</span>
          </div>
        )
      })}
    </div>
  )
}
