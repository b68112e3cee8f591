import { mostOfAJob } from '../../api/triage-jobs'
import { Asking } from '../../parts/asking'
import { Key } from '../../parts/key'
import { useLate } from '../../state/ask'
import { rangeName } from '../../state/time'
import { count, plural } from '../../state/text'
import type { Doing } from './actions'
import { useNarrow } from '../../state/size'
import { ColumnsMenu, Grouping, SortMenu } from './columns-menu'
import { defaultRange, lookAt, type ListState } from './filter'
import type { Queue } from './use-queue'
import type { Selection } from './use-selection'

interface CountBarProps {
  queue: Queue
  selection: Selection
  begin: (what: Doing) => void
  state: ListState
}

/** CountBar says how many there are; of what is ticked, what can be done with it. */
export function CountBar({ queue, selection, begin, state }: CountBarProps) {
  const late = useLate(queue.asks.asking, 1000)
  const narrow = useNarrow()
  if (selection.ticked.size > 0) return <TickedBar selection={selection} total={queue.total.value?.total} begin={begin} />
  const { list, total, counts } = queue
  const n = total.value?.total
  const all = counts.value?.total
  const zoomed = /^\d+$/.test(state.from.from)
  const cutShort = list.cancelled || total.error?.message === 'Cancelled.'
  return (
    <div class="bar">
      <span class="strong">{n === undefined ? 'Signals' : n === 0 ? 'No signals' : `${total.value?.partial ? 'At least ' : ''}${plural(n, 'signal')}`}</span>
      {n !== undefined && all !== undefined && all > n && <span class="mut cut">of {count(all)}{counts.value?.partial && ' or more'}, the others archived</span>}
      {zoomed && <button class="link" onClick={() => lookAt(defaultRange)}>Back to {rangeName(defaultRange).replace('Last ', '')}</button>}
      {late ? <Asking of={queue.asks} />
        : cutShort && <span class="mut" role="status">Cancelled; {list.old && list.rows.length > 0 ? 'you see what was asked before.' : list.rows.length > 0 ? `${plural(list.rows.length, 'row')} came.` : 'no row came.'} <button class="link" onClick={list.again}>Ask again</button></span>}
      <span class="grow" />
      <Grouping group={state.group} />
      {narrow ? <SortMenu sort={state.sort} /> : <ColumnsMenu shown={state.columns} />}
    </div>
  )
}

function TickedBar({ selection, total, begin }: { selection: Selection; total: number | undefined; begin: (what: Doing) => void }) {
  const n = selection.everything ? (total ?? selection.ticked.size) : selection.ticked.size
  const more = !selection.everything && total !== undefined && total > selection.ticked.size
  return (
    <div class="bar ticked-bar" role="toolbar" aria-label="Selected signals">
      <span class="strong" role="status">{selection.everything && 'All '}{count(n)} selected</span>
      <button class="button quiet" onClick={() => begin('triage')}>Triage <Key>e</Key></button>
      <button class="button quiet" onClick={() => begin('assign')}>Assign <Key>a</Key></button>
      {!selection.everything && <button class="button quiet" onClick={() => begin('suppress')}>Suppress <Key>s</Key></button>}
      {more && (total > mostOfAJob
        ? <span class="mut">{count(total)} are more than the {count(mostOfAJob)} that are changed at once</span>
        : <button class="link" onClick={selection.all}>Select all {count(total)}</button>)}
      <span class="grow" />
      <button class="button quiet" onClick={selection.clear}>Clear <Key>Esc</Key></button>
    </div>
  )
}
