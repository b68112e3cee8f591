import type { Event } from '../../api/events'
import type { Column } from '../../parts/table'
import { Value } from '../../parts/value'
import { fieldOf, fieldsOf, whatOf } from '../../state/field'
import { clockMillis, dayAndMinutes, wholeTime, zoneName, type Range, type Zone, momentOf } from '../../state/time'
import { oneLine } from '../../state/text'

/** columnsOf are the time and the fields that are shown. */
export function columnsOf(fields: string[], range: Range, zone: Zone): Column<Event>[] {
  const long = (momentOf(range.to) ?? 0) - (momentOf(range.from === '' ? '0' : range.from) ?? 0) > 864e5 + 1000
  const time: Column<Event> = {
    id: 'time', title: `Time ${zoneName(zone)}`, width: long ? '168px' : '104px', sort: 'timestamp',
    cell: (e) => <time class="mono mut" title={wholeTime(e.at, zone)}>{long && dayAndMinutes(e.at, zone).replace(/ \d\d:\d\d$/, ' ')}{clockMillis(e.at, zone)}</time>,
  }
  return [time, ...fields.map(columnOf)]
}

const widths: Record<string, string> = { message: 'minmax(160px,1fr)', source: '104px', host: '112px', service: '104px', status: '64px' }

function columnOf(field: string): Column<Event> {
  return {
    id: 'field', title: field === 'message' ? 'Message' : field, width: widths[field] ?? 'minmax(96px,180px)',
    cell: (e) => <FieldCell event={e} field={field} />,
  }
}

/** FieldCell is a field in a row, of which a press opens what can be done with its value. */
function FieldCell({ event, field }: { event: Event; field: string }) {
  if (field === 'message') return <span class="mono">{oneLine(whatOf(event))}</span>
  const one = fieldOf(event, field)
  return one === '' ? <span class="mono">{oneLine(valueIn(event, field), 300)}</span> : <Value field={field} value={one} text={oneLine(one, 300)} />
}

/** valueIn is a field of an event as a row shows it: of a list all values. */
export function valueIn(e: Event, field: string): string {
  return fieldOf(e, field) || fieldsOf(e).filter((f) => f.field === field).map((f) => f.value).join(', ')
}

/** rawColumns are one: the event as a line. */
export const rawColumns = (range: Range, zone: Zone): Column<Event>[] => [
  ...columnsOf([], range, zone),
  { id: 'raw', title: 'Event', width: 'minmax(0,1fr)', cell: (e) => <span class="mono">{oneLine(e.raw || e.message || JSON.stringify(e.attributes))}</span> },
]

/** fieldsIn are the fields that events have, the most frequent first, with how many of these have each. */
export function fieldsIn(events: Event[]): { field: string; share: number; values: number }[] {
  const known = new Map<string, { n: number; values: Set<string> }>()
  for (const e of events.slice(0, 200)) {
    const mine = new Set<string>()
    for (const { field, value } of fieldsOf(e)) {
      const k = known.get(field) ?? { n: 0, values: new Set<string>() }
      if (!mine.has(field)) k.n++
      mine.add(field)
      if (k.values.size < 100) k.values.add(value.slice(0, 200))
      known.set(field, k)
    }
  }
  const of = Math.min(events.length, 200)
  return [...known].map(([field, k]) => ({ field, share: k.n / of, values: k.values.size })).sort((a, b) => b.share - a.share || a.field.localeCompare(b.field))
}
