import { useMemo } from 'preact/hooks'
import { severities } from '../../api/signals'
import { Histogram, type Layers } from '../../parts/histogram'
import { Key } from '../../parts/key'
import { Problem } from '../../parts/problem'
import { Table } from '../../parts/table'
import { change } from '../../state/address'
import { useWaiting } from '../../state/ask'
import { useRowHeight } from '../../state/size'
import { plural } from '../../state/text'
import type { Doing } from './actions'
import { allColumns } from './columns'
import { CountBar } from './count-bar'
import { Empty } from './empty'
import { defaultSort, lookAt, type ListState } from './filter'
import { columnsOf, spanOf, type Item } from './items'
import { StaleBar } from './live'
import type { Queue } from './use-queue'
import type { Selection } from './use-selection'
import type { Steps } from './use-steps'

interface RowsProps {
  state: ListState
  queue: Queue
  steps: Steps
  selection: Selection
  begin: (what: Doing) => void
  onNothing: (rules: number) => void
  narrow: boolean
}

/** Rows are when, how many, and the signals themselves: each a part that can fail by itself. */
export function Rows({ state, queue, steps, selection, begin, onNothing, narrow }: RowsProps) {
  const { list, checked, counts, total, live } = queue
  const rowHeight = useRowHeight()
  const columns = useMemo(() => columnsOf(state.columns.flatMap((id) => allColumns.find((c) => c.id === id) ?? [])), [state.columns.join(), narrow])
  const came = list.at > 0
  const waiting = useWaiting(list, checked)
  const isEmpty = queue.items.length === 0 && came && !list.asking
  return (
    <section class={`queue ${selection.ticked.size > 0 ? 'ticking' : ''} ${waiting ? 'waiting' : ''}`} aria-label="Signals" aria-busy={list.asking}>
      {counts.error ? <div class="histogram"><Problem error={counts.error} again={counts.again} /></div>
        : <Histogram counts={counts.value} layers={layersOf(queue.states)} onZoom={(a, b) => lookAt({ from: String(a), to: String(b) })} />}
      {queue.stale && came ? <StaleBar at={list.at} live={live} again={() => (live.again(), list.again())} />
        : <CountBar queue={queue} selection={selection} begin={begin} state={state} />}
      {checked.wrong && <div class="bar stale" role="status">{checked.filter ? 'These are of the last query that could be read.' : 'The query can’t be read, so nothing was asked.'}</div>}
      {checked.error && <div class="bar"><Problem error={checked.error} /></div>}
      {list.error && !(queue.stale && came) && <div class="bar"><Problem error={list.error} again={list.again} /></div>}
      {list.cancelled && !came ? <Cancelled again={list.again} />
        : isEmpty ? <Empty filter={queue.filter} range={state.from} onNothing={onNothing} archived={(counts.value?.total ?? 0) - (total.value?.total ?? 0)} />
        : (
          <Table<Item>
            name="Signals" columns={columns} rows={queue.items} total={state.group === '' ? total.value?.total : queue.items.length}
            keyOf={(i) => i.key} rowHeight={rowHeight} current={steps.at} ticked={selection.ticked} sort={state.sort}
            loading={list.asking && queue.items.length === 0} onSort={(s) => change({ sort: s === defaultSort ? undefined : s })} onOpen={steps.press} onEnd={list.next}
            onTick={(i, how) => i.kind === 'signal' && (how === 'one' ? selection.toggle(i.signal.id) : selection.extend(i.signal.id))}
            rowClass={(i) => (i.kind === 'signal' && i.signal.state === 'open' ? 'fresh' : '')}
            {...(state.group === '' ? {} : { span: (i: Item) => spanOf(i, state.group, queue.toggle) })}
            strip={live.newer > 0 && !queue.stale && <button class="newer" onClick={list.again}><span class="grow">{plural(live.newer, 'newer signal')}</span><span class="mut">show <Key>.</Key></span></button>}
          />
        )}
    </section>
  )
}

function Cancelled({ again }: { again: () => void }) {
  return (
    <div class="empty">
      <h2 class="empty-head">Cancelled before anything came</h2>
      <p>A shorter time, or a query that says more, is answered sooner.</p>
      <p class="actions"><button class="button" onClick={again}>Ask again</button></p>
    </div>
  )
}

/** layersOf are the severities, critical at the base line; what is in no shown state stands behind. */
function layersOf(states: string[]): Layers {
  const isShown = (state: string) => (states.length === 0 ? state !== 'archived' : states.includes(state))
  return { names: [...severities, 'behind'], of: (by) => (isShown(by['state'] ?? '') ? (by['severity'] ?? '') : 'behind'), one: 'signal', called: { behind: 'others' }, field: 'severity' }
}
