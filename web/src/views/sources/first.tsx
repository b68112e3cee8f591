import { useEffect, useState } from 'preact/hooks'
import type { Event } from '../../api/events'
import { newestOf, readArrived, type Arrived } from '../../api/sources'
import { Facts } from '../../parts/keep'
import { useAsk, useEvery } from '../../state/ask'
import { age, dayAndClock, useZone, zoneName } from '../../state/time'
import { count, oneLine, plural } from '../../state/text'

/** What the engine writes itself is no source that somebody connects. */
const own = new Set(['nightjar', 'nightjar-audit'])

/** First waits for an event of a source that had fewer when the page was opened, and shows it. */
export function First() {
  const arrived = useAsk('arrived', readArrived, 'keep')
  const [before, setBefore] = useState<Arrived | undefined>()
  useEvery(2000, arrived.again)
  useEffect(() => {
    if (arrived.value && !before) setBefore(arrived.value)
  }, [arrived.value])
  const grown = before && arrived.value ? growth(before, arrived.value) : []
  const source = grown[0]?.name
  return (
    <div class="first-event" role="status" data-asked={before ? true : undefined}>
      {arrived.error ? <p class="critical">{arrived.error.message} Asking again.</p>
        : source === undefined ? <p><i class="dot wait" />Waiting for the first event. It shows here within seconds of its arrival, if it happened in the last 24 hours.</p>
          : <Came name={source} more={grown.reduce((n, g) => n + g.by, 0)} />}
    </div>
  )
}

interface Growth {
  name: string
  by: number
}

function growth(before: Arrived, now: Arrived): Growth[] {
  const all = [...now.counts].map(([name, n]) => ({ name, by: n - (before.counts.get(name) ?? 0), isNew: !before.counts.has(name) }))
  return all.filter((g) => g.by > 0 && !own.has(g.name)).sort((a, b) => Number(b.isNew) - Number(a.isNew) || b.by - a.by)
}

function Came({ name, more }: { name: string; more: number }) {
  const newest = useAsk<Event | undefined>('first of ' + name, (stop) => newestOf(name, stop), 'keep')
  useEvery(5000, newest.again)
  const zone = useZone()
  const e = newest.value
  return (
    <>
      <p><i class="dot" /><b class="hi">It arrives.</b> {plural(more, 'event')} since this page was opened. The newest of {oneLine(name, 80) || 'no source'}:</p>
      {e && <>
        <Facts of={[
          ['Happened', `${dayAndClock(e.at, zone)} ${zoneName(zone)}, ${age(e.at)} ago`],
          ['Host', oneLine(e.host, 120) || <span class="mut">none</span>],
          ['Source', oneLine(e.source, 120) || <span class="mut">none: rules and pipelines that ask for one don’t see it</span>],
          ['Service', oneLine(e.service, 120) || <span class="mut">none</span>],
          ['Status', oneLine(e.status, 40)],
          ['Message', <code>{oneLine(e.message, 600)}</code>],
          ['Fields', count(Object.keys(e.attributes).filter((k) => k !== 'nightjar').length)],
          ['Read by', readBy(e)],
        ]} />
        <p class="keep-actions"><a class="button" href="/sources">See all sources</a></p>
      </>}
    </>
  )
}

function readBy(e: Event) {
  const own = e.attributes['nightjar']
  const pipelines = typeof own === 'object' && own !== null && 'pipelines' in own && Array.isArray(own.pipelines) ? own.pipelines.map(String) : []
  return pipelines.length > 0 ? <code>{oneLine(pipelines.join(', '), 300)}</code> : <span class="mut">no pipeline</span>
}
