import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { countOverTime } from '../../../api/facets'
import type { Health, Intake } from '../../../api/status'
import { Facts, Section } from '../../../parts/keep'
import { pathOf } from '../../../state/address'
import { useAsk, useEvery } from '../../../state/ask'
import { zoneOf, useZone } from '../../../state/time'
import { count, plural } from '../../../state/text'
import { bytes } from '../size'

/** Incoming is what came of all that was sent: how much a second, and each count with where to look. */
export function Incoming({ of: h }: { of: Health }) {
  const n = h.intake
  return (
    <Section title="What came in" note="counts since the engine started">
      <Facts of={[
        ['Rate', <Rate of={h} />],
        ['Last hour', <LastHour />],
        ['Accepted', `${plural(n.acknowledged, 'event')} on disk, ${count(n.stored)} of them stored; ${count(h.eventsReceived)} since the first start`],
        ['Waiting', n.waiting === 0 ? 'none' : <span class="medium">{plural(n.waiting, 'event')} are on disk and not stored yet, in {bytes(n.logBytes)}</span>],
        ...refusals(n), ...oddities(n, h),
      ]} />
    </Section>
  )
}

/** Rate is of the time between the last two answers. */
function Rate({ of: h }: { of: Health }) {
  const [seen, setSeen] = useState({ last: h, rate: undefined as number | undefined })
  useEffect(() => {
    setSeen((s) => (h.at === s.last.at ? s : { last: h, rate: Math.max(0, ((h.eventsReceived - s.last.eventsReceived) * 1000) / (h.at - s.last.at)) }))
  }, [h.at])
  if (seen.rate === undefined) return <span class="mut">measured over the next 5 s</span>
  return <>{seen.rate > 0 && seen.rate < 10 ? seen.rate.toFixed(1) : count(Math.round(seen.rate))} events a second</>
}

/** LastHour are the events that happened in each minute of it. */
function LastHour() {
  const zone = useZone()
  const hour = useAsk('events of the last hour', (stop) => countOverTime({ query: '', from: 'now-1h', to: '' }, [], 60, zoneOf(zone), stop, 'events'), 'keep')
  useEvery(30_000, hour.refresh)
  if (hour.value === undefined) return <span class="mut">{hour.error ? hour.error.message : ''}</span>
  const counts = hour.value.starts.map((_, i) => hour.value?.series.reduce((sum, s) => sum + (s.counts[i] ?? 0), 0) ?? 0)
  const most = Math.max(1, ...counts)
  return (
    <span class="ops-course">
      <svg class="spark" viewBox={`0 0 ${Math.max(1, counts.length)} 20`} preserveAspectRatio="none" role="img" aria-label={`Events of each minute, at most ${count(most)}`}>
        {counts.map((v, i) => v > 0 && <rect key={i} x={i + 0.1} width={0.8} y={20 - Math.max(1, (20 * v) / most)} height={Math.max(1, (20 * v) / most)} />)}
      </svg>
      {plural(hour.value.total, 'event')} happened
    </span>
  )
}

const reasons: Record<string, string> = {
  backpressure: 'senders were told to wait, and come again: --intake-quota and --intake-memory bound what waits',
  disk: 'the disk took nothing; senders come again: see the log, and free room on it',
  too_large: 'larger than --max-request: their senders split them, or it is raised',
  other: 'unreadable, or not meant: the log says which',
}

function refusals(n: Intake): [string, ComponentChildren][] {
  const all = Object.entries(n.refused).filter(([, times]) => times > 0)
  if (all.length === 0) return [['Refused', 'none']]
  return all.map(([reason, times]) => ['Refused', <><span class="high">{plural(times, 'request')}</span> {reasons[reason] ?? reason}</>])
}

const found = (query: string) => <a class="link" href={pathOf(['search'], { query, from: 'now-7d' })}>look at them</a>

function oddities(n: Intake, h: Health): [string, ComponentChildren][] {
  const rows: [string, number, ComponentChildren, string][] = [
    ['Late', n.late, <>stored, and seen by no rule: their time is further back than --lateness. <a class="link" href="/sources">Clocks of sources</a></>, 'high'],
    ['Dropped', h.storage.dropped, <>by retention or quota: <a class="link" href="/operation/storage">what, and when</a></>, h.storage.droppedUnseen > 0 ? 'critical' : ''],
    ['Refused for good', n.deadLettered, <>by ClickHouse: they are in dead-letters.jsonl of the data folder</>, 'critical'],
    ['Known before', n.known + n.duplicateBatches, <>events and batches that were sent again, and left out</>, ''],
    ['Times', n.future + n.untimed + n.unreadableTimes, <>happened when they arrived: {count(n.untimed)} say no time, of {count(n.unreadableTimes)} it can’t be read, of {count(n.future)} it is ahead of the clock. {found('@nightjar.original_timestamp:*')}</>, ''],
    ['Cut', n.cut, <>stored without what was too large or too deep. {found('@nightjar.cut:*')}</>, ''],
  ]
  return rows.map(([name, times, where, look]) => [name, times === 0 ? 'none' : <><span class={look}>{count(times)}</span> {where}</>])
}
