import { useEffect, useMemo, useRef } from 'preact/hooks'
import { readEvent, signalsOfEvent, type Event } from '../../api/events'
import { pipelinesOf } from '../../api/pipelines'
import { Ladder, severityName } from '../../parts/marks'
import { Menu, MenuItem } from '../../parts/menu'
import { Problem } from '../../parts/problem'
import { Value, copy } from '../../parts/value'
import { WithValues } from '../../parts/with-values'
import { change } from '../../state/address'
import { useAsk } from '../../state/ask'
import { fieldsOf } from '../../state/field'
import { clockMillis, day, dayAndClock, useZone, zoneName } from '../../state/time'
import { oneLine, plural, term } from '../../state/text'
import { toggleColumn } from './filter'
import { Steps } from './steps'

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
  const read = useAsk(id, (stop) => readEvent(id, stop))
  const body = useRef<HTMLDivElement>(null)
  useEffect(() => void body.current?.scrollTo(0, 0), [id])
  const e = read.value ?? row
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
        {e && <Content event={e} columns={columns} />}
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

function Content({ event, columns }: { event: Event; columns: string[] }) {
  const raw = event.raw || event.message
  const values = useMemo(() => fieldsOf(event), [event])
  return (
    <>
      <section>
        <h2>Raw record <small>{raw === '' ? 'none: it came as fields' : plural(new TextEncoder().encode(raw).length, 'byte')}</small></h2>
        {raw !== '' && <pre class="event-raw"><WithValues text={raw} values={values} /></pre>}
        {event.raw !== '' && event.raw !== event.message && event.message !== '' && <><h3 class="mut small">Message</h3><pre class="event-raw"><WithValues text={event.message} values={values} /></pre></>}
      </section>
      <ReadBy event={event} />
      <Fields event={event} columns={columns} />
      <CountedBy id={event.id} />
    </>
  )
}

function ReadBy({ event }: { event: Event }) {
  const asked = useAsk(event.id, (stop) => pipelinesOf(event.id, stop))
  if (asked.error) return <section class="part"><h2>Read by</h2><Problem error={asked.error} again={asked.again} /></section>
  if (!asked.value) return <section class="part"><h2>Read by</h2><div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /></div></section>
  if (asked.value.length === 0) return <section class="part"><h2>Read by</h2><p class="mut">No pipeline that is in force reads it.</p></section>
  const at = (event.attributes['nightjar'] as { pipelines?: unknown } | undefined)?.pipelines
  const then = Array.isArray(at) ? at.map(String) : []
  return (
    <>
      {asked.value.map((p) => (
        <section class="part" key={p.id}>
          <h2>Read by {oneLine(p.name, 120)} <small>{oneLine(p.id, 60)} v{p.version}{then.length > 0 && !then.includes(`${p.id}@${p.version}`) && ', changed since it arrived'}</small></h2>
          <Steps steps={p.steps} />
        </section>
      ))}
    </>
  )
}

function Fields({ event, columns }: { event: Event; columns: string[] }) {
  const fields = fieldsOf(event)
  return (
    <section class="part">
      <h2>Fields <small>{fields.length}</small></h2>
      <dl class="event-fields">
        {fields.map(({ field, value }, i) => (
          <div key={i}>
            <dt class="cut" title={oneLine(field, 200)}>{oneLine(field, 200)}</dt>
            <dd>
              <Value field={field} value={value} text={value.length > 2048 ? value.slice(0, 2048) + '…' : value} />
              <button class="small mut as-column" aria-pressed={columns.includes(field)} aria-label={`Column ${oneLine(field, 80)}`} onClick={() => toggleColumn(columns, field)}>{columns.includes(field) ? '✓ column' : '+ column'}</button>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function CountedBy({ id }: { id: string }) {
  const zone = useZone()
  const asked = useAsk(id, (stop) => signalsOfEvent(id, stop))
  if (asked.error) return <section class="part"><h2>Counted by</h2><Problem error={asked.error} again={asked.again} /></section>
  return (
    <section class="part">
      <h2>Counted by {asked.value && <small>{plural(asked.value.length, 'signal')}</small>}</h2>
      {!asked.value && <div class="bones" aria-busy="true"><i class="bone" /></div>}
      <ul class="event-counted">
        {(asked.value ?? []).map((s) => (
          <li key={s.id}><a href={'/signals/' + s.id}><Ladder severity={s.severity} /><span class="unseen">{severityName(s.severity)}</span> <span class="cut">{oneLine(s.title, 200)}</span></a> <time class="mut small">{dayAndClock(s.at, zone)}</time></li>
        ))}
      </ul>
    </section>
  )
}
