import type { ComponentChildren } from 'preact'
import type { Source, Sources } from '../../api/sources'
import { Facts, KeepPanel, Section } from '../../parts/keep'
import { change, pathOf } from '../../state/address'
import { useMay } from '../../state/session'
import { age, clockMinutes, dayAndClock, duration, useZone, zoneName } from '../../state/time'
import { count, plural } from '../../state/text'
import { Lag, rateOf } from './list'
import { isLate, isOwn, silentFor, sourceName, unreadShare } from './needs'

/** SourcePanel is a source in full, and what can be done about it. */
export function SourcePanel({ of: s, all }: { of: Source; all: Sources }) {
  const zone = useZone()
  const silent = silentFor(s)
  const facts: [string, ComponentChildren][] = [
    ['Last event', <><span class={silent > 0 ? 'high' : ''}>{silent > 0 ? `silent for ${duration(silent)}` : `${age(s.arrived)} ago`}</span>, {dayAndClock(s.arrived, zone)} {zoneName(zone)}</>],
    ['Its own time', `${dayAndClock(s.happened, zone)} ${zoneName(zone)}`],
    ['Rate', rateOf(s)],
    ['24 hours', plural(s.events, 'event')],
    ['Lag', <Lag of={s} />],
    ['No pipeline', isOwn(s) ? 'needs none: nightjar writes it, with its fields' : s.events === 0 ? 'none came' : `${count(s.unread)}, ${Math.round(100 * unreadShare(s))} %`],
    ['Failed', s.failed === 0 ? 'none' : <a class="link" href={pathOf(['search'], { query: s.failedQuery, from: 'now-24h' })}>{plural(s.failed, 'event')}, show them</a>],
  ]
  return (
    <KeepPanel name="Source" close={() => change({ source: undefined })}>
      <h1>{sourceName(s)}</h1>
      <Bars of={s} all={all} />
      <Facts of={facts} />
      <p class="keep-actions">
        <a class="button" href={pathOf(['search'], { query: s.query, from: silent > 0 ? 'now-7d' : 'now-24h' })}>Its events</a>
        <a class="button" href={pathOf(['signals'], { query: s.name === '' ? '-source:*' : s.query, from: 'now-7d' })}>Its signals</a>
      </p>
      {silent > 0 && <Silent />}
      {isLate(s) && <Late of={s} />}
      {s.unread > 0 && !isOwn(s) && <Unread of={s} />}
    </KeepPanel>
  )
}

function Silent() {
  return (
    <Section title="It is silent">
      <p>Nothing arrived for more than an hour. Is its sender up, and does its key still hold? Refused requests are in the audit log.</p>
      <p class="keep-actions"><a class="button" href="/operation/keys">Keys</a><a class="button" href="/operation/audit?outcome=refused">Refused requests</a><a class="button" href="/sources/connect">How senders are connected</a></p>
    </Section>
  )
}

function Late({ of: s }: { of: Source }) {
  const ahead = (s.lag?.half ?? 0) < 0
  return (
    <Section title={ahead ? 'Its clock is ahead' : 'It is late, or its clock is behind'}>
      <p>{ahead ? 'Its events say times that were yet to come when they arrived: they are kept as of when they arrived. Set the clock of its hosts, or the zone of its times.' : 'Its events arrive five minutes after their own time or more. A sender that waits to fill a batch does so, and so does one whose clock or zone is wrong. Rules see them at their own time, within the lateness that they allow.'}</p>
      <p class="keep-actions"><a class="button" href="/operation">Clocks that are wrong, by host</a></p>
    </Section>
  )
}

function Unread({ of: s }: { of: Source }) {
  const lacks = useMay('configure')
  const write = pathOf(['sources', 'pipelines', 'new'], { source: s.name, samples: s.unreadQuery })
  return (
    <Section title={`${plural(s.unread, 'event')} that no pipeline reads`}>
      <p>Rules that ask for fields such as <code>@usr.id</code> don’t see them, unless they came as fields.</p>
      <p class="keep-actions">
        {lacks === '' ? <a class="button main" href={write}>Write a pipeline for these</a> : <button class="button main" disabled title={lacks}>Write a pipeline for these</button>}
        <a class="button" href={pathOf(['search'], { query: s.unreadQuery, from: 'now-24h' })}>Show them</a>
        {lacks !== '' && <span class="small mut">Writing {lacks}.</span>}
      </p>
    </Section>
  )
}

/** Bars are the 24 hours with their times; a press shows the events of a stretch. */
function Bars({ of: s, all }: { of: Source; all: Sources }) {
  const zone = useZone()
  const most = Math.max(1, ...s.counts)
  const from = all.starts[0] ?? 0
  return (
    <figure class="source-bars">
      <svg viewBox={`0 0 ${s.counts.length} 50`} preserveAspectRatio="none" role="img" aria-label={`Arrivals of 24 hours: at most ${count(Math.max(0, ...s.counts))} in ${duration(((all.end - from) / Math.max(1, s.counts.length)))}`}>
        {s.counts.map((v, i) => v > 0 && <rect key={i} x={i + 0.1} width={0.8} y={50 - Math.max(1, (50 * v) / most)} height={Math.max(1, (50 * v) / most)}><title>{count(v)} from {clockMinutes(all.starts[i] ?? 0, zone)}</title></rect>)}
      </svg>
      <figcaption class="small mut"><span>{clockMinutes(from, zone)}</span><span>at most {count(Math.max(0, ...s.counts))} in {duration(Math.round((all.end - from) / Math.max(1, s.counts.length)))}</span><span>{clockMinutes(all.end, zone)} {zoneName(zone)}</span></figcaption>
    </figure>
  )
}
