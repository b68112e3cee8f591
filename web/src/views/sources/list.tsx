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

/** What nightjar and its agents write needs no pipeline. */
const own = new Set(['nightjar', 'nightjar-audit', 'runtime-security-agent'])
export const isOwn = (s: Source): boolean => own.has(s.name)

const quiet = 3600_000
/** silentFor is for how long a source has sent nothing, once that is an hour; 0: it sends. */
export const silentFor = (s: Source, now = Date.now()): number => (isOwn(s) || now - s.arrived < quiet ? 0 : now - s.arrived)

export const unreadShare = (s: Source): number => (s.events === 0 || isOwn(s) ? 0 : s.unread / s.events)
export const sourceName = (s: Source): string => oneLine(s.name, 120) || 'none said'

const cells: Cell<Source>[] = [
  { title: 'Source', cell: sourceName },
  { title: 'Last event', cell: (s) => <Last of={s} /> },
  { title: 'Rate', number: true, minor: true, cell: (s) => <span class="sure">{rateOf(s)}</span> },
  { title: '24 hours', number: true, minor: true, cell: (s) => count(s.events) },
  { title: 'Course', minor: true, cell: (s) => <Course of={s} /> },
  { title: 'Lag', number: true, cell: (s) => <Lag of={s} /> },
  { title: 'No pipeline', number: true, cell: (s) => <Unread of={s} /> },
]

/** SourceList is what sent events; first what is silent, then what nobody reads. */
export function SourceList({ sources }: { sources: Asked<Sources> }) {
  const { query } = useAddress()
  const health = useAsk('health', readHealth, 'keep')
  useEvery(10_000, () => (sources.refresh(), health.refresh()))
  return (
    <Known of={sources}>
      {({ all, total, distinct, partial }) => all.length === 0 ? <NoSources onLoaded={sources.again} /> : (
        <>
          <DemoData onRemoved={sources.again} />
          <Lead all={all} total={total} distinct={distinct} partial={partial} />
          <Listing name="Sources" cells={cells} rows={[...all].sort(inNeed)} keyOf={(s) => s.name || '-'} current={query.get('source') ?? undefined} onOpen={(source) => change({ source })} />
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
  const silent = all.filter((s) => silentFor(s) > 0)
  const unread = all.reduce((n, s) => n + (isOwn(s) ? 0 : s.unread), 0)
  return (
    <p class="place-lead">
      {silent.length > 0 && <><b class="high">{silent.length === 1 && silent[0] ? `${sourceName(silent[0])} is silent.` : `${count(silent.length)} sources are silent.`}</b> </>}
      {plural(total, 'event')} of {plural(distinct, 'source')} in 24 hours{partial && ', counted in part'}.{unread > 0 && ` No pipeline reads ${count(unread)} of them.`}
    </p>
  )
}

/** inNeed puts what is silent first, the longest last: that may be meant; then what is least read. */
function inNeed(a: Source, b: Source): number {
  const [x, y] = [silentFor(a), silentFor(b)]
  if (x > 0 || y > 0) return Number(y > 0) - Number(x > 0) || x - y
  return unreadShare(b) - unreadShare(a) || b.events - a.events
}

export function rateOf(s: Source): string {
  if (s.hour === 0) return 'none'
  return s.hour >= 3600 ? `${count(Math.round(s.hour / 3600))}/s` : s.hour >= 120 ? `${count(Math.round(s.hour / 60))}/min` : `${count(s.hour)}/h`
}

function Last({ of: s }: { of: Source }) {
  const zone = useZone()
  const silent = silentFor(s)
  return <span class={'sure ' + (silent > 0 ? 'high' : '')} title={`arrived ${dayAndClock(s.arrived, zone)} ${zoneName(zone)}`}>{silent > 0 ? `silent for ${duration(silent)}` : `${age(s.arrived)} ago`}</span>
}

const late = 300_000

/** Lag is the median and the 95th percentile. */
export function Lag({ of: s }: { of: Source }) {
  if (!s.lag) return <span class="mut">none</span>
  const bad = Math.abs(s.lag.half) >= late || Math.abs(s.lag.most) >= late
  return <span class={'sure ' + (bad ? 'medium' : '')}>{lagText(s.lag.half)} / {lagText(s.lag.most)}</span>
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
