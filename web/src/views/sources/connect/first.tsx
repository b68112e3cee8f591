import { useEffect, useState } from 'preact/hooks'
import { readEvent } from '../../../api/events'
import { pipelinesOf } from '../../../api/pipelines'
import { listSources, type Source, type Sources } from '../../../api/sources'
import { Facts } from '../../../parts/keep'
import { pathOf } from '../../../state/address'
import { useAsk, useEvery } from '../../../state/ask'
import { useMay } from '../../../state/session'
import { age, dayAndClock, useZone, zoneName } from '../../../state/time'
import { count, oneLine, plural } from '../../../state/text'
import { Skew } from './skew'
import { PipelineSteps } from '../steps'
import { Troubles } from './troubles'

/** What the engine writes itself is no source that somebody connects. */
const own = new Set(['nightjar', 'nightjar-audit'])

/** First waits for an event that arrives after the page was opened, and shows it. */
export function First({ speaksSyslog }: { speaksSyslog: boolean }) {
  const sources = useAsk('first', listSources, 'keep')
  const [before, setBefore] = useState<Sources | undefined>()
  useEvery(2000, sources.refresh)
  useEffect(() => {
    if (sources.value && !before) setBefore(sources.value)
  }, [sources.value])
  const came = before && sources.value ? newcomer(before, sources.value) : undefined
  return (
    <div class="first-event" role="status" data-asked={before ? true : undefined}>
      {sources.error ? <p class="critical">{sources.error.message} Asking again.</p>
        : came === undefined ? <><p><i class="dot wait" />Waiting for the first event. It shows here within seconds of its arrival.</p><Troubles speaksSyslog={speaksSyslog} /></>
          : <Came source={came.source} more={came.more} />}
    </div>
  )
}

/** newcomer is the source that has grown; of several one that was not there before, or the one that grew most. */
function newcomer(before: Sources, now: Sources): { source: Source; more: number } | undefined {
  const old = new Map(before.all.map((s) => [s.name, s]))
  const grown = now.all.filter((s) => !own.has(s.name) && s.arrived > (old.get(s.name)?.arrived ?? 0) && s.eventID !== old.get(s.name)?.eventID)
    .map((source) => ({ source, isNew: !old.has(source.name), more: Math.max(1, source.events - (old.get(source.name)?.events ?? 0)) }))
  return grown.sort((a, b) => Number(b.isNew) - Number(a.isNew) || b.more - a.more)[0]
}

function Came({ source, more }: { source: Source; more: number }) {
  const newest = useAsk(source.eventID, (stop) => readEvent(source.eventID, stop), 'keep')
  const zone = useZone()
  const e = newest.value
  return (
    <>
      <p><i class="dot" /><b class="hi">It arrives.</b> {plural(more, 'event')} since this page was opened. The newest of {oneLine(source.name, 80) || 'no source'}:</p>
      {newest.error && <p class="critical">It can’t be shown: {newest.error.message}</p>}
      {e && <>
        <Facts of={[
          ['Happened', `${dayAndClock(e.at, zone)} ${zoneName(zone)}, ${age(e.at)} ago`],
          ['Host', oneLine(e.host, 120) || <span class="mut">none</span>],
          ['Source', oneLine(e.source, 120) || <span class="mut">none: rules and pipelines that ask for one don’t see it</span>],
          ['Service', oneLine(e.service, 120) || <span class="mut">none</span>],
          ['Status', oneLine(e.status, 40)],
          ['Message', <code>{oneLine(e.message, 600)}</code>],
          ['Fields', count(Object.keys(e.attributes).filter((k) => k !== 'nightjar').length)],
        ]} />
        <Skew at={e.at} host={e.host} source={source} />
        <Read id={e.id} source={source} />
      </>}
    </>
  )
}

/** Read is what the pipelines made of the event, or the way to one. */
function Read({ id, source }: { id: string; source: Source }) {
  const read = useAsk(id, (stop) => pipelinesOf(id, stop), 'keep')
  const lacks = useMay('configure')
  const write = pathOf(['sources', 'pipelines', 'new'], { source: source.name, samples: source.unreadQuery })
  return (
    <>
      {read.error && <p class="critical">What reads it can’t be shown: {read.error.message}</p>}
      {read.value?.length === 0 && <p>No pipeline reads it: its fields are those that it came with.</p>}
      {read.value?.map((p) => (
        <div key={p.id} class="first-read">
          <h2>Read by {oneLine(p.name, 120)} <small class="mut">{oneLine(p.id, 60)} v{p.version}</small></h2>
          <PipelineSteps steps={p.steps} />
        </div>
      ))}
      <p class="keep-actions">
        <a class="button main" href={pathOf(['sources'], { source: source.name || '-' })}>See the source</a>
        <a class="button" href={pathOf(['search'], { query: source.query, event: id })}>See the event</a>
        {read.value?.length === 0 && (lacks === '' ? <a class="button" href={write}>Write a pipeline for it</a> : <button class="button" disabled title={lacks}>Write a pipeline for it</button>)}
      </p>
    </>
  )
}
