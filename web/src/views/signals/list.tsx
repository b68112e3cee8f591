import { useEffect, useMemo, useState } from 'preact/hooks'
import { UnreachableError } from '../../api/client'
import { countFacets, countOverTime } from '../../api/facets'
import { severities, type Filter, type Signal } from '../../api/signals'
import type { Change } from '../../api/triage'
import { Histogram, type Layers } from '../../parts/histogram'
import { Key } from '../../parts/key'
import { Problem } from '../../parts/problem'
import { QueryBox } from '../../parts/query-box'
import { Table } from '../../parts/table'
import { TimeRange } from '../../parts/time-range'
import { useChecked } from '../../parts/use-checked'
import { change, go, pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useKeys } from '../../state/keys'
import { usePreferences } from '../../state/preferences'
import { valuesOf, without } from '../../state/query'
import { clock, useZone, zoneName, zoneOf } from '../../state/time'
import { count, plural } from '../../state/text'
import { useActions } from './actions'
import { allColumns, usualColumns } from './columns'
import { cameFrom } from './around'
import { CountBar } from './count-bar'
import { Empty } from './empty'
import { Facets } from './facets'
import { askFor, defaultSort, lookAt, triageQuery, useListState } from './filter'
import { LiveButton, useLive } from './live'
import { Panel } from './panel'
import { useList } from './use-list'
import { useSelection } from './use-selection'
import { rowHeight, useNarrow } from '../../state/size'

/** SignalList is the triage queue: query, facets, histogram, rows, and a signal in a panel. */
export function SignalList({ onNothing }: { onNothing: (rules: number) => void }) {
  const { filter: wanted, sort, open, from } = useListState()
  const checked = useChecked(wanted, 'signals', triageQuery)
  const filter = checked.filter ?? waiting
  const list = useList(checked.filter ? filter : undefined, sort)
  const zone = useZone()
  const { density } = usePreferences()
  const narrow = useNarrow()
  const selection = useSelection(list.rows, JSON.stringify([filter]))
  const [read, setRead] = useState<Signal>()
  const [filtering, setFiltering] = useState(false)
  const live = useLive(filter, list.since, list.rows)
  const total = useAsk(list.at > 0 ? JSON.stringify([filter, list.at]) : null, (stop) => countFacets(filter, ['severity'], 5, stop), 'keep')
  const shownStates = valuesOf(filter.query, '@nightjar.state')
  const all = { ...filter, query: without(filter.query, '@nightjar.state') || '*' }
  const counts = useAsk(list.at > 0 ? JSON.stringify([all, zone, list.at]) : null, (stop) => countOverTime(all, ['severity', 'state'], 48, zoneOf(zone), stop), 'keep')

  const at = list.rows.findIndex((r) => r.id === open)
  const row = list.rows[at]
  const opened = row ?? (read?.id === open ? read : undefined)
  const openRow = (s: Signal | undefined, how: 'panel' | 'page' = 'panel') => {
    if (!s) return
    if (how === 'page' || narrow) go(pathOf(['signals', s.id]))
    else change({ signal: s.id }, open === '' ? 'push' : 'replace')
  }
  const step = (by: number, extend = false) => {
    const next = list.rows[at < 0 ? 0 : Math.max(0, Math.min(list.rows.length - 1, at + by))]
    if (extend && next) {
      if (row && selection.ticked.size === 0) selection.toggle(row.id)
      selection.extend(next.id)
    }
    openRow(next)
  }
  const put = (now: Signal[]) => {
    const byID = new Map(now.map((s) => [s.id, s]))
    list.put((s) => byID.get(s.id) ?? s)
    setRead((r) => (r ? (byID.get(r.id) ?? r) : r))
  }
  // What was archived leaves at once, and the next one is open.
  const onDone = (c: Change) => {
    selection.clear()
    if (c.state !== 'archived' || shownStates.includes('archived') || shownStates.length === 0) return
    const gone = new Set(subject.signals.map((s) => s.id))
    const next = list.rows.slice(at + 1).find((r) => !gone.has(r.id)) ?? list.rows.slice(0, Math.max(0, at)).reverse().find((r) => !gone.has(r.id))
    if (gone.has(open)) change({ signal: next?.id }, 'replace')
    list.hide(gone)
  }
  useEffect(() => cameFrom({ ids: list.rows.map((r) => r.id), address: location.pathname + location.search, total: Math.max(total.value?.total ?? 0, list.rows.length) }), [list.rows, open, total.value])
  const ticked = useMemo(() => list.rows.filter((r) => selection.ticked.has(r.id)), [list.rows, selection.ticked])
  const subject = selection.everything ? { signals: ticked, all: { filter, total: total.value?.total } } : { signals: ticked.length > 0 ? ticked : opened ? [opened] : [] }
  const { begin, form } = useActions({
    subject, onDone, again: list.again, known: [...new Set(list.rows.map((r) => r.assignee).filter((a) => a !== ''))],
    shown: { put: (now) => (list.unhide(now), put(now)) },
  })
  useKeys([
    { keys: 'j', does: 'move', act: () => step(1) },
    { keys: 'k', does: 'move up', act: () => step(-1) },
    { keys: 'Shift+j', does: 'select further', act: () => step(1, true) },
    { keys: 'Shift+k', does: 'select further up', act: () => step(-1, true) },
    { keys: 'ArrowDown', does: '', act: () => step(1) },
    { keys: 'ArrowUp', does: '', act: () => step(-1) },
    { keys: 'x', does: 'select', act: () => opened && selection.toggle(opened.id) },
    { keys: 'Enter', does: 'full page', act: () => openRow(opened, 'page') },
    { keys: 'Escape', does: 'close, select nothing', act: () => (selection.ticked.size > 0 ? selection.clear() : change({ signal: undefined })) },
    { keys: '.', does: 'show newer', act: list.again },
    { keys: 'f', does: 'filters', act: () => (setFiltering(true), setTimeout(() => document.querySelector<HTMLElement>('.facets button')?.focus())) },
  ])
  const stale = list.error instanceof UnreachableError || live.error !== undefined
  const shown = usePreferences().columns['signals'] ?? usualColumns
  return (
    <main class={`list-view ${open !== '' && !narrow ? 'with-panel' : ''} ${filtering ? 'filtering' : ''}`}>
      <h1 class="unseen">Signals</h1>
      <div class="asking">
        <QueryBox filter={wanted} over="signals" onAsk={askFor} wrong={checked.wrong} reading={checked.reading} name="Query of signals" />
        <button class="button filters-button" aria-expanded={filtering} onClick={() => setFiltering(!filtering)}>Filters</button>
        <TimeRange range={from} onChange={lookAt} />
        <LiveButton live={live} />
      </div>
      <div class="columns">
        {checked.filter ? <Facets filter={filter} at={list.at} /> : <nav class="facets" aria-label="Filters" />}
        <section class={`queue ${selection.ticked.size > 0 ? 'ticking' : ''}`} aria-label="Signals">
          {counts.error ? <div class="histogram"><Problem error={counts.error} again={counts.again} /></div>
            : <Histogram counts={counts.value} layers={layersOf(shownStates)} onZoom={(a, b) => lookAt({ from: String(a), to: String(b) })} />}
          {stale && list.at > 0
            ? <div class="bar stale" role="status">Not live since {clock(list.at, zone)} {zoneName(zone)}. You see what was there then. <button class="link" onClick={list.again}>Try again</button></div>
            : <CountBar list={list} total={total.value} all={counts.value?.total} selection={selection} begin={begin} range={from} />}
          {checked.wrong && <div class="bar stale" role="status">{checked.filter ? 'These are of the last query that could be read.' : 'The query can’t be read, so nothing was asked.'}</div>}
          {checked.error && <div class="bar"><Problem error={checked.error} /></div>}
          {list.error && !stale && <div class="bar"><Problem error={list.error} again={list.again} /></div>}
          {list.rows.length === 0 && list.at > 0 && !list.asking
            ? <Empty filter={filter} range={from} onNothing={onNothing} archived={(counts.value?.total ?? 0) - (total.value?.total ?? 0)} />
            : (
              <Table
                name="Signals" columns={shown.flatMap((id) => allColumns.find((c) => c.id === id) ?? [])} rows={list.rows} total={total.value?.total}
                keyOf={(s) => s.id} rowHeight={rowHeight(density, narrow)} current={open || undefined} ticked={selection.ticked} sort={sort}
                loading={list.asking && list.rows.length === 0} onSort={(s) => change({ sort: s === defaultSort ? undefined : s })} onOpen={openRow} onEnd={list.next}
                onTick={(s, how) => (how === 'one' ? selection.toggle(s.id) : selection.extend(s.id))}
                rowClass={(s) => (s.state === 'open' ? 'fresh' : '')}
                strip={live.newer > 0 && <button class="newer" onClick={list.again}><span class="grow">{plural(live.newer, 'newer signal')}</span><span class="mut">show <Key>.</Key></span></button>}
              />
            )}
        </section>
        {open !== '' && !narrow && (
          <Panel id={open} row={row} place={at < 0 ? '' : `${count(at + 1)} of ${count(Math.max(total.value?.total ?? 0, list.rows.length))}`} onDo={begin} onRead={setRead} close={() => change({ signal: undefined })} />
        )}
      </div>
      {form}
    </main>
  )
}

/** waiting stands where no query could be read yet: it is not asked. */
const waiting: Filter = { query: '*', from: '', to: '' }

/** layersOf are the severities, critical at the base line; what is in no shown state stands behind. */
function layersOf(states: string[]): Layers {
  const isShown = (state: string) => (states.length === 0 ? state !== 'archived' : states.includes(state))
  return { names: [...severities, 'behind'], of: (by) => (isShown(by['state'] ?? '') ? (by['severity'] ?? '') : 'behind'), one: 'signal', called: { behind: 'others' } }
}
