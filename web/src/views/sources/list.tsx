import { listSources, newestOf, type Source } from '../../api/sources'
import { readHealth, type Clock } from '../../api/status'
import { Known, Nothing } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { useAsk, useEvery } from '../../state/ask'
import { age, dayAndClock, duration, useZone, zoneName } from '../../state/time'
import { count, oneLine, plural } from '../../state/text'

interface Row extends Source {
  /** The host whose events are furthest behind their arrival. */
  clock: Clock | undefined
}

const cells: Cell<Row>[] = [
  { title: 'Source', cell: (s) => <b class="hi">{oneLine(s.name, 120) || 'none said'}</b> },
  { title: 'Last event', cell: (s) => <Newest of={s} /> },
  { title: 'An hour', number: true, cell: (s) => <span class={s.hour === 0 ? 'medium' : ''}>{s.hour === 0 ? 'none' : count(s.hour)}</span> },
  { title: '24 hours', number: true, minor: true, cell: (s) => count(s.events) },
  { title: 'Course', minor: true, cell: (s) => <Course of={s} /> },
  { title: 'No pipeline', number: true, cell: (s) => <Unread of={s} /> },
  { title: 'Clock', minor: true, cell: (s) => <ClockOf clock={s.clock} /> },
]

/** SourceList is what wrote events of the last day; first what has gone quiet, and what nobody can read. */
export function SourceList() {
  const sources = useAsk('sources', listSources, 'keep')
  const health = useAsk('health', readHealth, 'keep')
  useEvery(10_000, () => (sources.again(), health.again()))
  return (
    <Known of={sources}>
      {({ all, total, distinct, partial }) => all.length === 0 ? <NoSources /> : (
        <>
          <p class="place-lead">{plural(total, 'event')} of {plural(distinct, 'source')} in 24 hours{partial && ', counted in part'}.{all.some((s) => s.hour === 0) && ` ${plural(all.filter((s) => s.hour === 0).length, 'source')} sent nothing in the last hour.`}</p>
          <Listing name="Sources" cells={cells} rows={inNeed(all, health.value?.clocks ?? [])} keyOf={(s) => s.name} />
          <p class="small mut">An hour and 24 hours: events that happened then. No pipeline: the share whose fields nobody reads out of their text.</p>
          {distinct > all.length && <p class="small mut">The {count(all.length)} with the most events, of {count(distinct)}.</p>}
          {(health.value?.unreadableTimes ?? []).map((u) => <p key={u.source} class="small high">{plural(u.events, 'event')} of {oneLine(u.source, 80)} had a time that can’t be read: they happened when they arrived.</p>)}
        </>
      )}
    </Known>
  )
}

/** What nightjar and its agents write needs no pipeline. */
const own = new Set(['nightjar', 'nightjar-audit', 'runtime-security-agent'])
const share = (s: Source): number => (s.events === 0 || own.has(s.name) ? 0 : s.unread / s.events)

function inNeed(all: Source[], clocks: Clock[]): Row[] {
  const furthest = (name: string) => clocks.filter((c) => c.source === name).sort((a, b) => Math.abs(b.behind) - Math.abs(a.behind))[0]
  return all.map((s) => ({ ...s, clock: furthest(s.name) })).sort((a, b) => Number(a.hour > 0) - Number(b.hour > 0) || share(b) - share(a) || b.events - a.events)
}

/** Newest asks anew when a source has more events than before. */
function Newest({ of: s }: { of: Source }) {
  const newest = useAsk(`newest ${s.name} ${s.events}`, (stop) => newestOf(s.name, stop), 'keep')
  const zone = useZone()
  if (newest.value === undefined) return <span class="mut">{newest.error ? 'no answer' : newest.asking ? '' : 'none'}</span>
  return <span class="sure" title={`${dayAndClock(newest.value.at, zone)} ${zoneName(zone)}`}>{age(newest.value.at)} ago</span>
}

function Unread({ of: s }: { of: Source }) {
  if (own.has(s.name)) return <span class="mut" title="nightjar writes it, with its fields">needs none</span>
  if (s.unread === 0) return <span class="mut">0 %</span>
  const percent = 100 * share(s)
  return <span title={plural(s.unread, 'event')}>{percent < 1 ? '< 1' : Math.round(percent)} %</span>
}

function ClockOf({ clock: c }: { clock: Clock | undefined }) {
  if (!c) return <span class="mut">in step</span>
  const by = duration(Math.abs(c.behind) * 1000)
  return <span class="medium">{oneLine(c.host, 60)} {c.behind < 0 ? `ahead by ${by}` : `behind by ${by}`}{c.notEvaluated > 0 && <span class="critical">; no rule saw {plural(c.notEvaluated, 'event')}</span>}</span>
}

function Course({ of: s }: { of: Source }) {
  const most = Math.max(1, ...s.course)
  const n = Math.max(1, s.course.length)
  return (
    <svg class="spark" viewBox={`0 0 ${n} 20`} preserveAspectRatio="none" role="img" aria-label={`Events of 24 hours, at most ${count(most)} in a stretch`}>
      {s.course.map((v, i) => v > 0 && <rect key={i} x={i + 0.1} width={0.8} y={20 - Math.max(1, (20 * v) / most)} height={Math.max(1, (20 * v) / most)} />)}
    </svg>
  )
}

function NoSources() {
  return (
    <Nothing title="No event happened in the last 24 hours">
      <p>What is connected shows here with its rate, its last event and the share that no pipeline read.</p>
      <p class="keep-actions"><a class="button main" href="/sources/connect">Connect a source</a></p>
    </Nothing>
  )
}
