import { useMemo, useRef, useState } from 'preact/hooks'
import { UnreachableError } from '../../api/client'
import { searchAhead, searchEvents, type Event } from '../../api/events'
import { hintSearch, type Mistake } from '../../api/search'
import type { Filter } from '../../api/signals'
import { together } from '../../parts/asking'
import { Histogram, type Layers } from '../../parts/histogram'
import { Problem } from '../../parts/problem'
import { QueryBox } from '../../parts/query-box'
import { Table } from '../../parts/table'
import { TimeRange } from '../../parts/time-range'
import { useChecked } from '../../parts/use-checked'
import { change } from '../../state/address'
import { useAsk, useWaiting } from '../../state/ask'
import { useKeys } from '../../state/keys'
import { usePages } from '../../state/pages'
import { useRowHeight } from '../../state/size'
import { clock, useZone, zoneName } from '../../state/time'
import { CountBar } from './count-bar'
import { useOverTime } from './counts'
import { columnsOf, rawColumns } from './columns'
import { EachClause } from './each-clause'
import { Empty } from './empty'
import { EventPanel } from './event-panel'
import { Facets } from './facets'
import { askFor, lookAt, useSearchState } from './filter'
import { MakeRule } from './make-rule'
import { CutShort, useSearched } from './searched'
import { useWeekBefore, week } from './week-before'
import { Patterns } from './patterns'
import { TailButton, TailStrip } from './tail-bar'
import { useTail } from './tail'

const pageSize = 200

/** patience is after how many milliseconds the rows that are found are shown, the newest first, while more are looked for. */
const patience = 1000

/** sinceOf is where a search begins: where nothing is said, with the first event. */
const sinceOf = (f: Filter): string => (f.from === '' ? '0' : f.from)

/** EventList is a search: query, facets, histogram, events, and one of them in a panel. */
export function EventList() {
  const state = useSearchState()
  const { filter: wanted, range, sort, open } = state
  const checked = useChecked(wanted, 'events', '*', (f) => searchAhead(f.query, sinceOf(f), f.to, pageSize, sort, patience))
  const filter = checked.filter ?? waiting
  const asked = JSON.stringify([filter, sort])
  const { searched, note } = useSearched(asked)
  const list = usePages<Event>(checked.filter ? asked : null, async (cursor, stop) => {
    const until = cursor?.startsWith(below) ? cursor.slice(below.length) : undefined
    const page = await searchEvents(filter.query, sinceOf(filter), until ?? filter.to, until === undefined ? cursor : undefined, pageSize, stop, sort, patience)
    if (!stop.aborted) note(page, cursor === undefined)
    return { rows: page.events, next: page.next, short: page.partial }
  }, (last) => below + (last.at + 1))
  const zone = useZone()
  const rowHeight = useRowHeight()
  const [filtering, setFiltering] = useState(false)
  const [scrolled, setScrolled] = useState(false)
  const main = useRef<HTMLElement>(null)
  const tail = useTail({ filter: checked.filter && sort === '-timestamp' && filter.to === '' ? filter : undefined, rows: list.rows, reading: scrolled || open !== '', put: list.put })
  const came = list.old ? 0 : list.at // the rows come first, then their number, once
  const key = came > 0 ? JSON.stringify([filter, zone, came]) : null
  const counts = useOverTime(key, filter, zone)
  const total = counts.error && counts.old && key !== null ? undefined : counts.value // the number of another question is none

  const before = useWeekBefore(filter, came, state.week)
  const isWaiting = useWaiting(list, checked)
  const asks = together(list, { ...counts, asking: counts.asking && key !== null })
  const hints = useAsk(list.rows.length > 0 && filter.query !== '*' ? asked : null, (stop) => hintsOf(filter, stop))

  const at = list.rows.findIndex((e) => e.id === open)
  const openRow = (e: Event | undefined) => e && change({ event: e.id }, open === '' ? 'push' : 'replace')
  const step = (by: number) => openRow(list.rows[at < 0 ? 0 : Math.max(0, Math.min(list.rows.length - 1, at + by))])
  const close = () => change({ event: undefined })
  useKeys([
    { keys: 'j', does: 'move', act: () => step(1) },
    { keys: 'k', does: 'move up', act: () => step(-1) },
    { keys: 'ArrowDown', does: '', act: () => step(1) },
    { keys: 'ArrowUp', does: '', act: () => step(-1) },
    { keys: 'Escape', does: 'close the event', act: close },
    { keys: 't', does: 'tail', act: tail.toggle },
    { keys: '.', does: 'show what waits', act: () => (tail.on ? tail.show() : list.again()) },
    { keys: 'f', does: 'find a field', act: () => (setFiltering(true), setTimeout(() => main.current?.querySelector<HTMLElement>('.find-field input')?.focus())) },
  ])
  const columns = useMemo(() => (state.form === 'raw' ? rawColumns(range, zone) : columnsOf(state.columns, range, zone)), [state.form, state.columns.join(), range.from, range.to, zone])
  const isNothing = list.rows.length === 0 && came > 0 && !list.asking && !list.error && !list.cancelled
  const stale = list.error instanceof UnreachableError || tail.error instanceof UnreachableError
  return (
    <main ref={main} class={`list-view search-view ${open !== '' ? 'with-panel' : ''} ${filtering ? 'filtering' : ''}`}>
      <h1 class="unseen">Search</h1>
      <div class="asking">
        <QueryBox filter={wanted} over="events" onAsk={askFor} checked={checked} hints={hints.value} name="Query of events" />
        <button class="button filters-button" aria-expanded={filtering} onClick={() => setFiltering(!filtering)}>Filters</button>
        <TimeRange range={range} onChange={lookAt} />
        <TailButton tail={tail} lacks={filter.to !== '' ? 'The range has an end' : sort !== '-timestamp' ? 'The newest stand last' : ''} />
        <MakeRule query={wanted.query} wrong={checked.wrong !== undefined} />
      </div>
      <div class="columns">
        {checked.filter ? <Facets filter={filter} events={list.rows} at={came} /> : <nav class="facets" aria-label="Filters" />}
        <section class={'queue' + (isWaiting ? ' waiting' : '')} aria-label="Events" aria-busy={list.asking}>
          {counts.error ? <div class="histogram"><Problem error={counts.error} again={counts.again} /></div>
            : <Histogram counts={counts.value} layers={layers} beside={state.week && before.value ? { counts: before.value, by: week, name: 'a week before' } : undefined} onZoom={(a, b) => lookAt({ from: String(a), to: String(b) })} />}
          {stale && list.at > 0
            ? <div class="bar stale" role="status">Not live since {clock(list.at, zone)} {zoneName(zone)}. You see what was there then. <button class="link" onClick={list.again}>Try again</button></div>
            : <CountBar state={state} list={list} asks={asks} before={before.value} filter={filter} total={total} again={counts.again} elapsed={total?.elapsed} />}
          {checked.wrong && <div class="bar stale" role="status">{checked.filter ? <>Shown: your last valid query. <code class="cut">{filter.query}</code></> : 'The query can’t be read, so nothing was asked.'}</div>}
          {checked.error && <div class="bar"><Problem error={checked.error} /></div>}
          {state.clauses && checked.filter && filter.query !== '*' && !isNothing && <EachClause filter={filter} />}
          <CutShort list={list} searched={searched} range={range} />
          {list.error && !stale && <div class="bar"><Problem error={list.error} again={list.again} /></div>}
          {isNothing
            ? <Empty filter={filter} range={range} />
            : state.form === 'patterns' ? <Patterns filter={filter} at={came} total={total && !total.partial ? total.total : undefined} />
            : (
              <Table
                name="Events" columns={columns} rows={list.rows} total={total && !total.partial ? Math.max(total.total, list.rows.length) : undefined}
                keyOf={(e) => e.id} rowHeight={rowHeight} current={open || undefined} sort={sort}
                loading={list.asking && list.rows.length === 0} onSort={(s) => change({ sort: s === 'timestamp' ? s : undefined })} onOpen={openRow}
                onEnd={list.next} onScrolled={(top) => setScrolled(top > 8)}
                strip={<TailStrip tail={tail} full={list.rows.length} />}
              />
            )}
        </section>
        {open !== '' && <EventPanel id={open} row={list.rows[at]} query={filter.query} columns={state.columns} close={close} />}
      </div>
    </main>
  )
}

/** hintsOf are what the query names and no event has; where there may be something, events are looked at to say how many have what instead. */
async function hintsOf(filter: Filter, stop: AbortSignal): Promise<Mistake[]> {
  const known = await hintSearch(filter, 'fields', stop)
  return known.length > 0 || /(^|[\s(])(-|NOT\s+)@/.test(filter.query) ? hintSearch(filter, 'values too', stop) : known
}

/** below begins a cursor that is a time: the tail cut off the rows before it. */
const below = 'below '

/** waiting stands where no query could be read yet: it is not asked. */
const waiting: Filter = { query: '*', from: '', to: '' }

/** layers are what events say of themselves: errors at the base line. */
const layers: Layers = {
  names: ['critical', 'medium', 'event'], one: 'event', called: { critical: 'errors', medium: 'warnings', event: 'others' },
  of: (by) => ({ error: 'critical', critical: 'critical', alert: 'critical', emergency: 'critical', emerg: 'critical', warn: 'medium', warning: 'medium' })[by['status'] ?? ''] ?? 'event',
}
