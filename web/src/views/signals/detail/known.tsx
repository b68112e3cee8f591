import { entityOf, type Entity, type Known as Knowledge } from '../../../api/entity'
import { searchSignals, type Signal } from '../../../api/signals'
import { Ladder, StateMark, severityName } from '../../../parts/marks'
import { Problem } from '../../../parts/problem'
import { Value } from '../../../parts/value'
import { entityPath, listsPath, tablePath } from '../../../state/address'
import { useAsk, type Asked } from '../../../state/ask'
import { age, dayAndClock, useZone } from '../../../state/time'
import { count, oneLine, term } from '../../../state/text'
import { kindOf } from '../../../state/field'

/** entitiesOf are the values that a signal is about, of which more can be known. */
export const entitiesOf = (s: Signal): Entity[] =>
  s.group.flatMap((value, i) => (value === '' || value === 'N/A' || value.length > 500 ? [] : [{ field: s.groupBy[i] ?? '', value }])).slice(0, 4)

const days = 30

/** About is what is known of an entity, and the worst signals that are about it; each came, or failed. */
interface About {
  entity: Entity
  known: Knowledge | Error
  others: Signal[] | Error
}

/** useKnown asks for all that a signal is about at once: so nothing moves once it is read. */
export const useKnown = (s: Signal): Asked<About[]> => useAsk('known ' + s.id, (stop) => Promise.all(entitiesOf(s).map(async (entity) => {
  const [known, others] = await Promise.all([
    orError(entityOf(entity, { from: `now-${days}d`, to: '' }, stop), stop),
    orError(othersOf(entity, s.id, stop), stop),
  ])
  return { entity, known, others }
})))

/** orError is what came, or why it did not. */
const orError = <T,>(asked: Promise<T>, stop: AbortSignal): Promise<T | Error> => asked.catch((e: Error) => {
  if (stop.aborted) throw e
  return e
})

/** Known is what else is known of whom a signal is about. */
export function Known({ asked }: { asked: Asked<About[]> }) {
  if (asked.error) return <Problem error={asked.error} again={asked.again} />
  if (!asked.value) return <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>
  if (asked.value.length === 0) return <p class="mut">The signal is about no one value.</p>
  return <div class="entities">{asked.value.map((a) => <One key={a.entity.field + a.entity.value} about={a} again={asked.again} />)}</div>
}

function One({ about: { entity, known, others }, again }: { about: About; again: () => void }) {
  return (
    <section class="entity" aria-label={oneLine(entity.value, 80)}>
      <h3><span class="mut">{kindOf(entity.field)}</span> <Value field={entity.field} value={entity.value} /> <a class="link small" href={entityPath(entity.field, entity.value)}>All about it</a></h3>
      <dl class="facts narrow">
        {known instanceof Error ? <Problem error={known} again={again} /> : <Facts known={known} entity={entity} />}
        <div><dt>Signals</dt><dd>{others instanceof Error ? <Problem error={others} again={again} /> : <Others others={others} />}</dd></div>
      </dl>
    </section>
  )
}

function Facts({ known, entity }: { known: Knowledge; entity: Entity }) {
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
      {known.lists.length > 0 && <div><dt>Listed in</dt><dd class="critical">{known.lists.map((l, i) => <>{i > 0 && ', '}<a href={listsPath(entity.value)}>{oneLine(l, 120)}</a></>)}</dd></div>}
      {known.tables.length > 0 && <div><dt>In tables</dt><dd>{known.tables.map((t, i) => <>{i > 0 && ', '}<a class="link" href={tablePath(t.id, entity.value)}>{oneLine(t.name, 120)}</a></>)}</dd></div>}
      {withOthers.map((f) => (
        <div key={f.facet}><dt>{names[f.facet]}</dt><dd class="cut">{f.values.slice(0, 3).map((v, i) => <>{i > 0 && ' '}<Value key={v.value} field={f.facet} value={v.value} /></>)}{f.distinct > 3 && <span class="mut"> and {count(f.distinct - 3)} more</span>}</dd></div>
      ))}
    </>
  )
}

const names: Record<string, string> = { '@usr.id': 'Users', '@network.client.ip': 'Addresses', host: 'Hosts' }

/** othersOf are the worst signals of 30 days that are about an entity, but for one. */
async function othersOf(entity: Entity, than: string, stop: AbortSignal): Promise<Signal[]> {
  const found = await searchSignals({ query: term(entity.field, entity.value), from: `now-${days}d`, to: '' }, '-severity', undefined, 6, stop)
  return found.signals.filter((s) => s.id !== than).slice(0, 5)
}

function Others({ others }: { others: Signal[] }) {
  if (others.length === 0) return <span class="mut">no other in {days} days</span>
  return (
    <ul class="other-signals">
      {others.map((s) => (
        <li key={s.id}><a href={'/signals/' + s.id}><Ladder severity={s.severity} /><span class="unseen">{severityName(s.severity)}</span> <span class="cut">{oneLine(s.title, 200)}</span></a> <span class="mut small"><StateMark state={s.state} assignee={s.assignee} reason={s.reason} /></span></li>
      ))}
    </ul>
  )
}
