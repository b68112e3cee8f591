import { eventsSpan, listingsOf, placeOf, signalsOf, type Entity } from '../../../api/entity'
import type { Signal } from '../../../api/signals'
import { Ladder, StateMark, severityName } from '../../../parts/marks'
import { Problem } from '../../../parts/problem'
import { Value } from '../../../parts/value'
import { useAsk } from '../../../state/ask'
import { age, dayAndClock, useZone } from '../../../state/time'
import { oneLine } from '../../../state/text'
import { kindOf } from '../../../state/field'

/** entitiesOf are the values that a signal is about, of which more can be known. */
export const entitiesOf = (s: Signal): Entity[] =>
  s.group.flatMap((value, i) => (value === '' || value === 'N/A' || value.length > 500 ? [] : [{ field: s.groupBy[i] ?? '', value }])).slice(0, 4)

/** Known is what else is known of whom a signal is about. */
export function Known({ signal }: { signal: Signal }) {
  const entities = entitiesOf(signal)
  if (entities.length === 0) return <p class="mut">The signal is about no one value.</p>
  return <div class="entities">{entities.map((e) => <One key={e.field + e.value} entity={e} than={signal.id} />)}</div>
}

function One({ entity, than }: { entity: Entity; than: string }) {
  const zone = useZone()
  const key = entity.field + '\u0000' + entity.value
  const signals = useAsk('signals ' + key, (stop) => signalsOf(entity, 6, stop))
  const span = useAsk('span ' + key, (stop) => eventsSpan(entity, stop))
  const lists = useAsk('lists ' + key, (stop) => listingsOf(entity, stop))
  const others = (signals.value ?? []).filter((s) => s.id !== than)
  const place = span.value ? placeOf(span.value.last, entity.field) : ''
  return (
    <section class="entity" aria-label={oneLine(entity.value, 80)}>
      <h3><span class="mut">{kindOf(entity.field)}</span> <Value field={entity.field} value={entity.value} /></h3>
      <dl class="facts narrow">
        {place !== '' && <div><dt>Place</dt><dd>{oneLine(place)}</dd></div>}
        <div><dt>First event</dt><dd>{span.error ? <Problem error={span.error} again={span.again} /> : !span.value ? (span.asking ? <i class="bone" /> : 'none in 90 days') : <>{dayAndClock(span.value.first.at, zone)} <span class="mut">· {age(span.value.first.at)} ago</span></>}</dd></div>
        {span.value && <div><dt>Last event</dt><dd>{dayAndClock(span.value.last.at, zone)} <span class="mut">· {age(span.value.last.at)} ago</span></dd></div>}
        {lists.value && lists.value.length > 0 && <div><dt>Listed in</dt><dd class="critical">{lists.value.map((l) => oneLine([l.list, l.category].filter((t) => t !== '').join(', '), 120)).join('; ')}</dd></div>}
        <div><dt>Signals</dt><dd>
          {signals.error ? <Problem error={signals.error} again={signals.again} /> : !signals.value ? <i class="bone" /> : others.length === 0 ? <span class="mut">no other in 30 days</span> : (
            <ul class="other-signals">
              {others.slice(0, 5).map((s) => (
                <li key={s.id}><a href={'/signals/' + s.id}><Ladder severity={s.severity} /><span class="unseen">{severityName(s.severity)}</span> <span class="cut">{oneLine(s.title, 200)}</span></a> <span class="mut small"><StateMark state={s.state} assignee={s.assignee} reason={s.reason} /></span></li>
              ))}
            </ul>
          )}
        </dd></div>
      </dl>
    </section>
  )
}
