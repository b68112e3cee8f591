import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Signal } from '../../api/signals'
import type { Change } from '../../api/triage'
import { QueryBox } from '../../parts/query-box'
import { TimeRange } from '../../parts/time-range'
import { change } from '../../state/address'
import { cameFrom } from '../../state/around'
import { useKeys } from '../../state/keys'
import { later, useLater } from '../../state/later'
import { useNarrow } from '../../state/size'
import { count } from '../../state/text'
import { useActions, type Subject } from './actions'
import { Facets } from './facets'
import { askFor, lookAt, useListState } from './filter'
import { filterOfGroup } from './items'
import { LiveButton } from './live'
import { Rows } from './rows'
import { replaced, useQueue } from './use-queue'
import { useSelection } from './use-selection'
import { useSteps } from './use-steps'

const panels = later(() => import('./panel'))
const pages = later(() => import('./page'))

/** SignalList is the triage queue: query, facets, histogram, rows, and a signal in a panel. */
export function SignalList({ onNothing }: { onNothing: (rules: number) => void }) {
  const state = useListState()
  const { open } = state
  const queue = useQueue(state)
  const { list, live, checked, filter } = queue
  const narrow = useNarrow()
  const selection = useSelection(list.rows, JSON.stringify([filter, state.group]))
  const [read, setRead] = useState<Signal>()
  const [filtering, setFiltering] = useState(false)
  const at = list.rows.findIndex((r) => r.id === open)
  const row = list.rows[at]
  const opened = row ?? (read?.id === open ? read : undefined)
  const steps = useSteps(queue, open, opened, selection, narrow)

  const put = (now: Signal[]) => {
    list.unhide(now)
    list.put(replaced(now))
    setRead((r) => (r ? replaced(now)(r) : r))
  }
  // What was archived leaves at once, and the next one is open.
  const onDone = (c: Change) => {
    selection.clear()
    if (c.state !== 'archived' || queue.states.includes('archived') || queue.states.length === 0) return
    const gone = new Set(subject.signals.map((s) => s.id))
    const next = list.rows.slice(at + 1).find((r) => !gone.has(r.id)) ?? list.rows.slice(0, Math.max(0, at)).reverse().find((r) => !gone.has(r.id))
    if (gone.has(open)) change({ signal: next?.id }, 'replace')
    list.hide(gone)
  }
  useEffect(() => cameFrom({ ids: list.rows.map((r) => r.id), address: location.pathname + location.search, total: queue.size }), [list.rows, open, queue.size])
  const ticked = useMemo(() => list.rows.filter((r) => selection.ticked.has(r.id)), [list.rows, selection.ticked])
  const subject: Subject =
    selection.everything ? { signals: ticked, all: { filter, total: queue.total.value?.total } }
    : ticked.length > 0 ? { signals: ticked }
    : steps.group ? { signals: steps.group.rows, all: { filter: filterOfGroup(filter, steps.group), total: steps.group.count } }
    : { signals: opened ? [opened] : [] }
  const { begin, form } = useActions({
    subject, onDone, again: list.again, shown: { put }, waits: queue.stale ? 'waits for the engine' : '',
    known: [...new Set(list.rows.map((r) => r.assignee).filter((a) => a !== ''))],
  })
  useKeys([{ keys: 'f', does: 'filters', act: () => (setFiltering(true), setTimeout(() => document.querySelector<HTMLElement>('.facets button')?.focus())) }])
  const panel = useLater(panels, open !== '' && !narrow)
  const page = useLater(pages, open !== '' && narrow)
  const close = () => change({ signal: undefined })
  if (open !== '' && narrow) return page ? <page.SignalPage id={open} back={close} /> : <main class="signal" aria-busy="true" />
  return (
    <main class={`list-view ${open !== '' ? 'with-panel' : ''} ${filtering ? 'filtering' : ''}`}>
      <h1 class="unseen">Signals</h1>
      <div class="asking">
        <QueryBox filter={state.filter} over="signals" onAsk={askFor} checked={checked} name="Query of signals" />
        <button class="button filters-button" aria-expanded={filtering} onClick={() => setFiltering(!filtering)}>Filters</button>
        <TimeRange range={state.from} onChange={lookAt} />
        <LiveButton live={live} />
      </div>
      <div class="columns">
        {checked.filter ? <Facets filter={filter} settled={queue.settled} counts={queue.counts} /> : <nav class="facets" aria-label="Filters" />}
        <Rows state={state} queue={queue} steps={steps} selection={selection} begin={begin} onNothing={onNothing} narrow={narrow} />
        {open !== '' && (panel
          ? <panel.Panel id={open} row={row} place={at < 0 ? '' : `${count(at + 1)} of ${count(queue.size)}`} onDo={begin} onRead={setRead} close={close} />
          : <aside class="panel" aria-label="Signal" aria-busy="true" />)}
      </div>
      {form}
    </main>
  )
}
