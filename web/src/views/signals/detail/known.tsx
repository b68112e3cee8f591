import { entityOf, type Entity, type Known as Knowledge } from '../../../api/entity'
import { searchSignals, type Signal } from '../../../api/signals'
import { Ladder, StateMark, severityName } from '../../../parts/marks'
import { Problem } from '../../../parts/problem'
import { Value } from '../../../parts/value'
import { entityPath } from '../../../state/address'
import { useAsk } from '../../../state/ask'
import { age, dayAndClock, useZone } from '../../../state/time'
import { count, oneLine, term } from '../../../state/text'
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

const days = 30

function One({ entity, than }: { entity: Entity; than: string }) {
  const known = useAsk('known ' + entity.field + '\u0000' + entity.value, (stop) => entityOf(entity, { from: `now-${days}d`, to: '' }, stop))
  return (
    <section class="entity" aria-label={oneLine(entity.value, 80)}>
      <h3><span class="mut">{kindOf(entity.field)}</span> <Value field={entity.field} value={entity.value} /> <a class="link small" href={entityPath(entity.field, entity.value)}>All about it</a></h3>
      <dl class="facts narrow">
        {known.error ? <Problem error={known.error} again={known.again} /> : known.value ? <Facts known={known.value} /> : <div aria-busy="true"><dt>First event</dt><dd><i class="bone" /></dd></div>}
        <div><dt>Signals</dt><dd><Others entity={entity} than={than} /></dd></div>
      </dl>
    </section>
  )
}

function Facts({ known }: { known: Knowledge }) {
  const zone = useZone()
  const { events: e, place } = known
  const where = place ? [[place.city, place.country].filter((t) => t !== '').join(', '), place.network].filter((t) => t !== '').join(' · ') : ''
  const withOthers = e.facets.filter((f) => (f.facet === '@usr.id' || f.facet === '@network.client.ip' || f.facet === 'host') && f.values.length > 0)
  return (
    <>
      {where !== '' && <div><dt>Place</dt><dd>{oneLine(where)}</dd></div>}
      {e.total === 0
        ? <div><dt>Events</dt><dd class="mut">none in {days} days</dd></div>
        : <>
            <div><dt>First event</dt><dd>{dayAndClock(e.first, zone)} <span class="mut">· {age(e.first)} ago</span></dd></div>
            <div><dt>Last event</dt><dd>{dayAndClock(e.last, zone)} <span class="mut">· {age(e.last)} ago, {e.partial && 'at least '}{count(e.total)} in {days} days</span></dd></div>
          </>}
      {known.lists.length > 0 && <div><dt>Listed in</dt><dd class="critical">{known.lists.map((l) => oneLine(l, 120)).join(', ')}</dd></div>}
      {known.tables.length > 0 && <div><dt>In tables</dt><dd>{known.tables.map((t) => oneLine(t, 120)).join(', ')}</dd></div>}
      {withOthers.map((f) => (
        <div key={f.facet}><dt>{names[f.facet]}</dt><dd class="cut">{f.values.slice(0, 3).map((v, i) => <>{i > 0 && ' '}<Value key={v.value} field={f.facet} value={v.value} /></>)}{f.distinct > 3 && <span class="mut"> and {count(f.distinct - 3)} more</span>}</dd></div>
      ))}
    </>
  )
}

const names: Record<string, string> = { '@usr.id': 'Users', '@network.client.ip': 'Addresses', host: 'Hosts' }

/** Others are the worst signals of 30 days that are about an entity, but for one. */
function Others({ entity, than }: { entity: Entity; than: string }) {
  const query = term(entity.field, entity.value)
  const found = useAsk('others ' + query, (stop) => searchSignals({ query, from: `now-${days}d`, to: '' }, '-severity', undefined, 6, stop))
  if (found.error) return <Problem error={found.error} again={found.again} />
  if (!found.value) return <i class="bone" />
  const others = found.value.signals.filter((s) => s.id !== than).slice(0, 5)
  if (others.length === 0) return <span class="mut">no other in {days} days</span>
  return (
    <ul class="other-signals">
      {others.map((s) => (
        <li key={s.id}><a href={'/signals/' + s.id}><Ladder severity={s.severity} /><span class="unseen">{severityName(s.severity)}</span> <span class="cut">{oneLine(s.title, 200)}</span></a> <span class="mut small"><StateMark state={s.state} assignee={s.assignee} reason={s.reason} /></span></li>
      ))}
    </ul>
  )
}
