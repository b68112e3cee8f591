import type { Facets } from '../../api/facets'
import { Key } from '../../parts/key'
import { Menu, MenuItem } from '../../parts/menu'
import { prefer, usePreferences } from '../../state/preferences'
import { useLate } from '../../state/ask'
import { rangeName, type Range } from '../../state/time'
import { count, plural } from '../../state/text'
import { allColumns, usualColumns } from './columns'
import type { Doing } from './actions'
import type { List } from './use-list'
import type { Selection } from './use-selection'
import { defaultRange, lookAt } from './filter'

interface CountBarProps {
  list: List
  total: Facets | undefined
  /** How many there are whatever their state. */
  all: number | undefined
  selection: Selection
  begin: (what: Doing) => void
  range: Range
}

/** CountBar says how many there are; of what is ticked, what can be done with it. */
export function CountBar({ list, total, all, selection, begin, range }: CountBarProps) {
  const late = useLate(list.asking, 1000)
  if (selection.ticked.size > 0) return <TickedBar selection={selection} total={total?.total} begin={begin} />
  const n = total?.total
  const zoomed = /^\d+$/.test(range.from)
  return (
    <div class="bar">
      <span class="strong">{n === undefined ? 'Signals' : `${total?.partial ? 'At least ' : ''}${plural(n, 'signal')}`}</span>
      {n !== undefined && all !== undefined && all > n && <span class="mut">of {count(all)}, the others archived</span>}
      {zoomed && <button class="link" onClick={() => lookAt(defaultRange)}>Back to {rangeName(defaultRange).replace('Last ', '')}</button>}
      {late && <span class="mut" role="status">Asking <button class="link" onClick={list.cancel}>Cancel</button></span>}
      <span class="grow" />
      <Columns />
    </div>
  )
}

function TickedBar({ selection, total, begin }: { selection: Selection; total: number | undefined; begin: (what: Doing) => void }) {
  const n = selection.everything ? (total ?? selection.ticked.size) : selection.ticked.size
  return (
    <div class="bar ticked-bar" role="toolbar" aria-label="Selected signals">
      <span class="strong" role="status">{selection.everything && 'All '}{count(n)} selected</span>
      <button class="button quiet" onClick={() => begin('triage')}>Triage <Key>e</Key></button>
      <button class="button quiet" onClick={() => begin('assign')}>Assign <Key>a</Key></button>
      {!selection.everything && total !== undefined && total > selection.ticked.size && <button class="link" onClick={selection.all}>Select all {count(total)}</button>}
      <span class="grow" />
      <button class="button quiet" onClick={selection.clear}>Clear <Key>Esc</Key></button>
    </div>
  )
}

function Columns() {
  const shown = usePreferences().columns['signals'] ?? usualColumns
  const toggle = (id: string) => {
    const next = allColumns.map((c) => c.id).filter((c) => (c === id ? !shown.includes(id) : shown.includes(c)))
    prefer({ columns: { ...{}, signals: next.length === 0 ? usualColumns : next } })
  }
  return (
    <Menu label={<>Columns <i class="down" /></>}>
      {allColumns.map((c) => <MenuItem key={c.id} checked={shown.includes(c.id)} act={() => toggle(c.id)}>{c.title}</MenuItem>)}
      <MenuItem act={() => prefer({ columns: {} })}>The usual ones</MenuItem>
    </Menu>
  )
}
