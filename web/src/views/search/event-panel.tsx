import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { countedBy, readStored, type Event } from '../../api/events'
import { traceEvent } from '../../api/pipelines'
import { Ladder, severityName } from '../../parts/marks'
import { Menu, MenuItem } from '../../parts/menu'
import { Problem } from '../../parts/problem'
import { microseconds, PipelineSteps } from '../../parts/pipeline-steps'
import { marksOf, RawRecord } from '../../parts/raw-record'
import { copy } from '../../parts/value'
import { WithValues } from '../../parts/with-values'
import { change, pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { fieldsOf } from '../../state/field'
import { clockMillis, day, dayAndClock, useZone, zoneName } from '../../state/time'
import { oneLine, plural, term } from '../../state/text'
import { EventFields } from './event-fields'

interface PanelProps {
  id: string
  /** As the list has it; undefined: the list does not have it. */
  row: Event | undefined
  query: string
  columns: string[]
  close: () => void
}

/** EventPanel is an event in full: painted from its row at once, then as it is stored. */
export function EventPanel({ id, row, query, columns, close }: PanelProps) {
  const zone = useZone()
  const read = useAsk(id, (stop) => readStored(id, stop))
  const body = useRef<HTMLDivElement>(null)
  useEffect(() => void body.current?.scrollTo(0, 0), [id])
  const e = read.value?.event ?? row
  return (
    <aside class="panel event" aria-label="Event">
      <div class="panel-head">
        {e && <><h1 class="mono hi">{day(e.at, zone)} {clockMillis(e.at, zone)}</h1><span class="mut">{zoneName(zone)}</span></>}
        <span class="grow" />
        {e && <Around event={e} query={query} />}
        {e && <button class="link" onClick={() => void copy(JSON.stringify(documentOf(e), null, 2))}>Copy JSON</button>}
        <button onClick={close} aria-label="Close">×</button>
      </div>
      <div class="panel-body" ref={body} tabIndex={0}>
        {read.error && <Problem error={read.error} again={read.again} />}
        {!e && !read.error && <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>}
        {e && <Content key={e.id} event={e} names={read.value?.names ?? nothing} columns={columns} />}
      </div>
    </aside>
  )
}

/** Around leads to what happened five minutes before and after, with the event still open. */
function Around({ event, query }: { event: Event; query: string }) {
  const look = (q: string) => change({ query: q === '*' ? undefined : q, from: String(event.at - 300_000), to: String(event.at + 300_000) })
  return (
    <Menu label="Around it ± 5 min" class="link">
      <MenuItem act={() => look('*')}>Everything</MenuItem>
      {event.host !== '' && <MenuItem act={() => look(term('host', event.host))}>On {oneLine(event.host, 60)}</MenuItem>}
      {query !== '*' && <MenuItem act={() => look(query)}>What this query finds</MenuItem>}
    </Menu>
  )
}

/** documentOf is an event as the API gives it. */
export function documentOf(e: Event): Record<string, unknown> {
  const { id, at, source, host, service, status, message, tags, attributes, raw } = e
  return { id, timestamp: new Date(at).toISOString(), source, host, service, status, message, tags, attributes, ...(raw === '' ? {} : { raw }) }
}

const nothing: ReadonlyMap<string, string> = new Map()

function Content({ event, names, columns }: { event: Event; names: ReadonlyMap<string, string>; columns: string[] }) {
  const raw = event.raw || event.message
  const fields = useMemo(() => fieldsOf(event), [event])
  const marks = useMemo(() => marksOf(raw, fields), [raw, fields])
  const [lit, setLit] = useState<number | undefined>()
  const light = (n: number) => setLit(n === lit ? undefined : n)
  return (
    <>
      <section>
        <h2>Raw record <small>{raw === '' ? 'none: it came as fields' : plural(new TextEncoder().encode(raw).length, 'byte')}</small></h2>
        {raw !== '' && <RawRecord raw={raw} marks={marks} lit={lit} onLight={light} />}
        {event.raw !== '' && event.raw !== event.message && event.message !== '' && <><h3 class="mut small">Message</h3><pre class="event-raw"><WithValues text={event.message.slice(0, 20_000)} values={fields} /></pre></>}
      </section>
      <ReadBy event={event} />
      <EventFields fields={fields} names={names} marks={marks} lit={lit} onLight={light} columns={columns} />
      <CountedBy id={event.id} />
    </>
  )
}

function ReadBy({ event }: { event: Event }) {
  const asked = useAsk(event.id, (stop) => traceEvent(event.id, stop))
  if (asked.error) return <section class="part"><h2>Read by</h2><Problem error={asked.error} again={asked.again} /></section>
  if (!asked.value) return <section class="part"><h2>Read by</h2><div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /></div></section>
  const { pipelines, changes, differs } = asked.value
  if (pipelines.length === 0) return <section class="part"><h2>Read by</h2><p class="mut">No pipeline that is in force reads it.</p></section>
  return (
    <>
      {pipelines.map((p) => (
        <section class="part" key={p.id}>
          <h2>Read by {oneLine(p.name, 120)} <small>{oneLine(p.id, 60)} v{p.version}{p.microseconds > 0 && `, ${microseconds(p.microseconds)}`}</small></h2>
          <PipelineSteps steps={p.steps} />
        </section>
      ))}
      {(changes.length > 0 || differs.length > 0) && (
        <p class="small medium">
          {changes.length > 0 && `Since it arrived: ${changes.map((c) => `${oneLine(c.name, 80)} ${c.change}`).join(', ')}. `}
          {differs.length > 0 && `Read today, it would differ in ${differs.slice(0, 12).map((d) => oneLine(d, 80)).join(', ')}${differs.length > 12 ? ` and ${differs.length - 12} more` : ''}.`}
        </p>
      )}
    </>
  )
}

function CountedBy({ id }: { id: string }) {
  const zone = useZone()
  const asked = useAsk(id, (stop) => countedBy(id, stop))
  if (asked.error) return <section class="part"><h2>Counted by</h2><Problem error={asked.error} again={asked.again} /></section>
  return (
    <section class="part">
      <h2>Counted by {asked.value && <small>{plural(asked.value.rules.length, 'rule')}, {plural(asked.value.signals.length, 'signal')}</small>}</h2>
      {!asked.value && <div class="bones" aria-busy="true"><i class="bone" /></div>}
      <ul class="event-counted">
        {(asked.value?.rules ?? []).map((r) => <li key={r.id}><a href={pathOf(['rules', r.id])}><span class="cut">{oneLine(r.name, 200)}</span></a> <span class="mut small">rule</span></li>)}
        {(asked.value?.signals ?? []).map((s) => (
          <li key={s.id}><a href={'/signals/' + s.id}><Ladder severity={s.severity} /><span class="unseen">{severityName(s.severity)}</span> <span class="cut">{oneLine(s.title, 200)}</span></a> <time class="mut small">{dayAndClock(s.at, zone)}</time></li>
        ))}
      </ul>
    </section>
  )
}
