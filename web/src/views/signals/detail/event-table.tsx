import type { Event } from '../../../api/events'
import { Problem } from '../../../parts/problem'
import { Value } from '../../../parts/value'
import { clockMillis, useZone } from '../../../state/time'
import { fieldOf, whatOf } from '../../../state/field'
import { oneLine } from '../../../state/text'
import type { useEvents } from './events'

/** EventTable is a signal's events with the fields that tell them apart. */
export function EventTable({ asked }: { asked: ReturnType<typeof useEvents> }) {
  const zone = useZone()
  if (asked.error) return <Problem error={asked.error} again={asked.again} />
  if (!asked.value) return <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>
  const { events } = asked.value
  if (events.length === 0) return <p class="mut">None of its events is stored any more, or the search no longer finds them.</p>
  const fields = telling(events)
  return (
    <div class="event-table" role="table" aria-label="Events" style={{ '--fields': String(fields.length) }}>
      <div role="row" class="event-row event-head">
        <span role="columnheader">Time</span>{fields.map((f) => <span key={f} role="columnheader" class="cut">{f}</span>)}<span role="columnheader">Message</span>
      </div>
      {events.map((e) => (
        <div role="row" class="event-row" key={e.id}>
          <time role="cell" class="mut">{clockMillis(e.at, zone)}</time>
          {fields.map((f) => <span role="cell" key={f} class="cut"><Value field={f} value={fieldOf(e, f)} /></span>)}
          <span role="cell" class="cut" title={oneLine(whatOf(e))}>{oneLine(whatOf(e))}</span>
        </div>
      ))}
    </div>
  )
}

const candidates = ['@evt.outcome', '@usr.name', '@usr.id', '@evt.name', '@http.status_code', '@network.client.ip', 'host', 'service', 'status']

/** telling are the two fields that differ most among the events; else those that they have. */
function telling(events: Event[]): string[] {
  const values = (f: string) => new Set(events.map((e) => fieldOf(e, f)))
  const has = candidates.filter((f) => events.some((e) => fieldOf(e, f) !== ''))
  const differ = has.filter((f) => values(f).size > 1)
  const same = (f: string, g: string) => events.every((e) => fieldOf(e, f) === fieldOf(e, g))
  const told: string[] = []
  for (const f of [...differ, ...has]) if (told.length < 2 && !told.some((g) => f === g || same(f, g))) told.push(f)
  return told
}
