import type { Source, Sources } from '../../api/sources'
import { readHealth, type Clock } from '../../api/status'
import { Ways } from '../../parts/begin'
import { Known, Nothing } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { change, pathOf, useAddress } from '../../state/address'
import { useAsk, useEvery, type Asked } from '../../state/ask'
import { age, dayAndClock, duration, useZone, zoneName } from '../../state/time'
import { count, oneLine, plural } from '../../state/text'
import { Course } from './course'
import { DemoData } from './demo'
import { chosen, isLate, isOwn, needs, orders, silentFor, sourceName, unreadOf, unreadShare, type Need } from './needs'

const cells: Cell<Source>[] = [
  { title: 'Source', cell: sourceName },
  { title: 'Last event', cell: (s) => <Last of={s} /> },
  { title: 'Rate', number: true, minor: true, cell: (s) => <span class="sure">{rateOf(s)}</span> },
  { title: '24 hours', number: true, minor: true, cell: (s) => count(s.events) },
  { title: 'Course', minor: true, cell: (s) => <Course of={s} /> },
  { title: 'Lag', number: true, cell: (s) => <Lag of={s} /> },
  { title: 'No pipeline', number: true, cell: (s) => <Unread of={s} /> },
]

/** SourceList is what sent events; first what needs attention, unless another order was chosen. */
export function SourceList({ sources }: { sources: Asked<Sources> }) {
  const { query } = useAddress()
  const health = useAsk('health', readHealth, 'keep')
  useEvery(10_000, () => (sources.refresh(), health.refresh()))
  const rows = (all: Source[]) => chosen(all, query.get('show') ?? '', query.get('find') ?? '', query.get('sort') ?? '')
  return (
    <Known of={sources}>
      {({ all, total, distinct, partial }) => all.length === 0 ? <NoSources onLoaded={sources.again} /> : (
        <>
          <DemoData onRemoved={sources.again} />
          <Lead all={all} total={total} distinct={distinct} partial={partial} />
          <Choice all={all} />
          {rows(all).length === 0 && <NoneSo />}
          {rows(all).length > 0 && <Listing name="Sources" cells={cells} rows={rows(all)} keyOf={(s) => s.name || '-'} current={query.get('source') ?? undefined} onOpen={(source) => change({ source })} />}
          <p class="small mut">Counted by arrival. Lag is how long after its own time an event arrives: half of them sooner than the first figure, 95 in 100 sooner than the second; with a minus, its clock is ahead. No pipeline: the share whose fields nobody reads out of their text.</p>
          {distinct > all.length && <p class="small mut">The {count(all.length)} with the most events, of {count(distinct)}.</p>}
          {(health.value?.clocks ?? []).map((c) => <WrongClock key={c.source + ' ' + c.host} of={c} />)}
          {(health.value?.unreadableTimes ?? []).map((u) => <p key={u.source} class="small high">{plural(u.events, 'event')} of {oneLine(u.source, 80)} had a time that can’t be read: they happened when they arrived.</p>)}
        </>
      )}
    </Known>
  )
}

function Lead({ all, total, distinct, partial }: { all: Source[]; total: number; distinct: number; partial: boolean }) {
  const unread = all.reduce((n, s) => n + unreadOf(s), 0)
  return (
    <p class="place-lead">
      <Needy all={all} need="silent" one="is silent" many="are silent" look="high" />
      <Needy all={all} need="failed" one="fails in a pipeline" many="fail in a pipeline" look="high" />
      <Needy all={all} need="late" one="is late, or its clock is wrong" many="are late, or their clocks are wrong" look="medium" />
      {plural(total, 'event')} of {plural(distinct, 'source')} in 24 hours{partial && ', counted in part'}.{unread > 0 && <> No pipeline reads <a class="link" href={pathOf(['sources'], { show: 'unread' })}>{count(unread)}</a> of them.</>}
    </p>
  )
}

/** Needy says how many sources have a need, and leads to them. */
function Needy({ all, need, one, many, look }: { all: Source[]; need: Need; one: string; many: string; look: string }) {
  const those = all.filter(needs[need].has)
  const [only] = those
  if (!only) return null
  return <><a class={'needy ' + look} href={pathOf(['sources'], { show: need })}>{those.length === 1 ? `${sourceName(only)} ${one}.` : `${count(those.length)} sources ${many}.`}</a> </>
}

/** Choice is which sources are shown, and in which order; both are in the address. */
function Choice({ all }: { all: Source[] }) {
  const { query } = useAddress()
  const show = query.get('show') ?? ''
  return (
    <form class="keep-form source-choice" onSubmit={(e) => e.preventDefault()}>
      <label>Find a source <input class="field" type="search" value={query.get('find') ?? ''} onInput={(e) => change({ find: e.currentTarget.value || undefined }, 'replace')} /></label>
      <label>Show <select class="field" value={show} onChange={(e) => change({ show: e.currentTarget.value || undefined })}>
        <option value="">All, {count(all.length)}</option>
        {Object.entries(needs).map(([key, n]) => <option key={key} value={key}>{n.title}, {count(all.filter(n.has).length)}</option>)}
      </select></label>
      <label>First <select class="field" value={query.get('sort') ?? 'need'} onChange={(e) => change({ sort: e.currentTarget.value === 'need' ? undefined : e.currentTarget.value })}>
        {Object.entries(orders).map(([key, o]) => <option key={key} value={key}>{o.title}</option>)}
      </select></label>
    </form>
  )
}

function NoneSo() {
  return <Nothing title="No source is so"><p class="keep-actions"><button class="button" onClick={() => change({ show: undefined, find: undefined })}>Show all</button></p></Nothing>
}

export function rateOf(s: Source): string {
  if (s.hour === 0) return 'none'
  return s.hour >= 3600 ? `${count(Math.round(s.hour / 3600))}/s` : s.hour >= 120 ? `${count(Math.round(s.hour / 60))}/min` : `${count(s.hour)}/h`
}

/** whole is a time in whole hours, or days once it is one. */
const whole = (ms: number): number => { const unit = ms < 86_400_000 ? 3600_000 : 86_400_000; return Math.floor(ms / unit) * unit }

function Last({ of: s }: { of: Source }) {
  const zone = useZone()
  const silent = silentFor(s)
  return <span class={silent > 0 ? 'high' : 'sure'} title={`arrived ${dayAndClock(s.arrived, zone)} ${zoneName(zone)}`}>{silent > 0 ? `silent for ${duration(whole(silent))}` : `${age(s.arrived)} ago`}</span>
}

/** Lag is the median and the 95th percentile. */
export function Lag({ of: s }: { of: Source }) {
  if (!s.lag) return <span class="mut">none</span>
  return <span class={'sure ' + (isLate(s) ? 'medium' : '')}>{lagText(s.lag.half)} / {lagText(s.lag.most)}</span>
}

/** lagText is a lag in one unit; what is ahead of its arrival has a minus. */
function lagText(ms: number): string {
  if (Math.abs(ms) < 1000) return `${Math.max(0, Math.round(ms))} ms`
  return (ms < 0 ? '−' : '') + age(0, Math.abs(ms))
}

function Unread({ of: s }: { of: Source }) {
  if (isOwn(s)) return <span class="mut" title="nightjar writes it, with its fields">needs none</span>
  if (s.events === 0) return <span class="mut">none</span>
  if (s.unread === 0) return <span class="mut">0 %</span>
  const percent = 100 * unreadShare(s)
  return (
    <a class="link" href={pathOf(['search'], { query: s.unreadQuery, from: 'now-24h' })} title={`Show the ${plural(s.unread, 'event')}`}>
      {percent < 1 ? '< 1' : Math.round(percent)} %<span class="unseen"> of {sourceName(s)}: show them</span>
    </a>
  )
}

function WrongClock({ of: c }: { of: Clock }) {
  const by = duration(Math.abs(c.behind) * 1000)
  return <p class="small medium">Host {oneLine(c.host, 80)}, source {oneLine(c.source, 80)}: its clock is {c.behind < 0 ? 'ahead' : 'behind'} by {by}.{c.notEvaluated > 0 && <span class="critical"> No rule saw {plural(c.notEvaluated, 'event')} of it.</span>}</p>
}

function NoSources({ onLoaded }: { onLoaded: () => void }) {
  return (
    <Nothing title="Nothing arrived in the last 7 days">
      <p>What is connected shows here with its rate, its lag, its last event and the share that no pipeline read.</p>
      <Ways onLoaded={onLoaded} />
    </Nothing>
  )
}
