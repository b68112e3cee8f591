import type { ComponentChildren } from 'preact'
import { growEntity, type Entity, type Known } from '../../api/entity'
import type { Filter } from '../../api/signals'
import { Late } from '../../parts/asking'
import { Problem } from '../../parts/problem'
import { TimeRange } from '../../parts/time-range'
import { Value, copy } from '../../parts/value'
import { change, pathOf, useAddress } from '../../state/address'
import { kindOf } from '../../state/field'
import { useGrowing } from '../../state/growing'
import { useKeys } from '../../state/keys'
import { age, dayAndClock, rangeName, useZone, zoneName, type Range } from '../../state/time'
import { count, plural, shown, term } from '../../state/text'
import { Beside } from './beside'
import { EventsOf } from './events'
import { SignalsOf } from './signals'

/** EntityPage is all that is known of one value: its signals, its events, where it is, and what it was seen with. */
export function EntityPage({ entity }: { entity: Entity }) {
  const { query } = useAddress()
  const range: Range = { from: query.get('from') ?? 'now-30d', to: query.get('to') ?? '' }
  const asked = JSON.stringify([entity, range])
  const known = useGrowing<Known>(asked, (stop, told) => growEntity(entity, range, stop, told))
  const look = (r: Range) => change({ from: r.from === '' ? '0' : r.from, to: r.to })
  useKeys([{ keys: 'Escape', does: 'back', act: () => history.back() }])
  const filter: Filter = { query: known.value?.query ?? term(entity.field, entity.value), ...range }
  return (
    <main class="signal story">
      <div class="signal-main" tabIndex={0}>
        <div class="crumb">
          <span class="mut">All that is known of</span>
          <span class="grow" />
          <TimeRange range={range.from === '0' ? { ...range, from: '' } : range} onChange={look} />
          <button onClick={() => void copy(location.href)}>Copy link</button>
        </div>
        <p class="signal-state"><span class="mut">{kindOf(entity.field)}</span><code class="mut cut">{shown(entity.field.slice(0, 200))}</code></p>
        <h1 class="entity-name"><Value field={entity.field} value={entity.value} text={entity.value.length > 400 ? entity.value.slice(0, 400) + '…' : entity.value} class="entity-value" /></h1>
        {known.error && <Problem error={known.error} again={known.again} />}
        <Lead known={known.old ? undefined : known.value} range={range} busy={known.asking} />
        <p class="small"><Late of={known} what="events" /></p>
        <Section title="Signals" note={known.value ? openOf(known.value) : ''} link={{ text: 'In the list', to: pathOf(['signals'], { query: filter.query }) }}>
          <SignalsOf query={filter.query} />
        </Section>
        <Section title="Events" note={known.value ? `${known.value.events.partial ? 'at least ' : ''}${count(known.value.events.total)} in ${spanName(range)}` : ''} link={{ text: 'Search them', to: pathOf(['search'], { query: filter.query, ...range }) }}>
          <EventsOf filter={filter} known={known.value} look={look} />
        </Section>
      </div>
      <aside class="deciding" aria-label="Where it is, and what it was seen with" tabIndex={0}>
        {known.value ? <Beside known={known.value} value={entity.value} /> : !known.error && <div class="bones aside-part" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>}
      </aside>
    </main>
  )
}

const spanName = (r: Range): string => (r.from === '0' ? 'all time' : rangeName(r).replace(/^Last /, ''))

function openOf(known: Known): string {
  const n = known.signals.facets.find((f) => f.facet === 'state')?.values.filter((v) => v.value !== 'archived').reduce((sum, v) => sum + v.count, 0) ?? 0
  return known.signals.total === 0 ? 'none' : `${count(known.signals.total)} in all time, ${count(n)} not archived`
}

/** Lead says in one sentence how much there is of it, and since when. */
function Lead({ known, range, busy }: { known: Known | undefined; range: Range; busy: boolean }) {
  const zone = useZone()
  if (!known) return <p class="lead" aria-busy={busy}>{' '}</p>
  const { events: e, signals: s } = known
  return (
    <p class="lead" aria-busy={busy}>
      {e.total === 0 && !e.partial
        ? <>No event with it in {spanName(range)}.</>
        : <><b class="strong">{e.partial && 'At least '}{plural(e.total, 'event')}</b> {e.from === undefined ? <>in {spanName(range)}</> : <>since {dayAndClock(e.from, zone)}, those before are being counted</>}{e.total > 0 && <>{e.from === undefined && <>, the first {dayAndClock(e.first, zone)}</>}, the last {dayAndClock(e.last, zone)} {zoneName(zone)}, {age(e.last)} ago</>}.</>}
      {' '}
      {s.total === 0 ? 'No signal was ever about it.' : <><b class="strong">{plural(s.total, 'signal')}</b>, the first {dayAndClock(s.first, zone)}.</>}
      {known.lists.length > 0 && <> <span class="critical">It is on {plural(known.lists.length, 'threat list')}.</span></>}
    </p>
  )
}

export function Section({ title, note, link, children }: { title: string; note: string; link: { text: string; to: string }; children: ComponentChildren }) {
  return (
    <section class="section" aria-label={title}>
      <div><h2>{title}</h2>{note !== '' && <p class="small mut">{note}</p>}<a class="link small" href={link.to}>{link.text}</a></div>
      <div class="section-body">{children}</div>
    </section>
  )
}
