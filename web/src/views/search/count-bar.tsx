import type { Event } from '../../api/events'
import type { Histogram } from '../../api/facets'
import type { Filter } from '../../api/signals'
import { Menu, MenuItem } from '../../parts/menu'
import { change } from '../../state/address'
import { Late, type Asks } from '../../parts/asking'
import type { Pages } from '../../state/pages'
import { dayAndMinutes, rangeName, useZone, zoneName } from '../../state/time'
import { oneLine, plural } from '../../state/text'
import { fieldsIn } from './columns'
import { WeekBefore } from './week-before'
import { Share } from './share'
import { ExportMenu } from './export-menu'
import { showColumns, toggleColumn } from '../../state/columns'
import { defaultRange, lookAt, type Form, type SearchState } from './filter'

interface CountBarProps {
  state: SearchState
  list: Pages<Event>
  /** What is asked for the list, and counted. */
  asks: Asks
  filter: Filter
  /** What was there a week before; undefined: it is not asked, or not known. */
  before: Histogram | undefined
  total: { total: number; partial: boolean; counted: number } | undefined
  /** again counts all. */
  again: () => void
  elapsed: number | undefined
}

/** CountBar says how many events there are, how they are shown, and what can be made of them. */
export function CountBar({ state, list, asks, filter, before, total, again, elapsed }: CountBarProps) {
  const n = total?.total
  const zone = useZone()
  return (
    <div class="bar">
      <span class="strong">{n === undefined ? 'Events' : `${total?.partial ? 'At least ' : ''}${plural(n, 'event')}`}</span>
      {elapsed !== undefined && <span class="mut elapsed">counted in {elapsed} ms</span>}
      {/^\d+$/.test(state.range.from) && <button class="link" onClick={() => lookAt(defaultRange)}>Back to {rangeName(defaultRange).replace('Last ', '')}</button>}
      {filter.query !== '*' && n !== 0 && <button class="link" aria-pressed={state.clauses} onClick={() => change({ clauses: state.clauses ? undefined : '1' })}>Each clause</button>}
      <WeekBefore on={state.week} lacks={filter.from === '' ? 'All time has no week before' : ''} total={total?.partial ? undefined : n} before={before} />
      <Late of={asks} what="events" />
      {total?.partial && !asks.asking && <span class="mut">counted from {dayAndMinutes(total.counted, zone)} {zoneName(zone)} on <button class="link" onClick={again}>Count all</button></span>}
      <span class="grow" />
      <Forms form={state.form} />
      {state.form === 'table' && <Columns shown={state.columns} events={list.rows} />}
      <Share filter={filter} sort={state.sort} />
      <ExportMenu filter={filter} sort={state.sort} total={n} partial={total?.partial ?? false} columns={state.columns} />
    </div>
  )
}

const forms: [Form, string][] = [['table', 'Table'], ['raw', 'Raw'], ['patterns', 'Patterns'], ['sql', 'SQL']]

/** Forms are how events are shown; SQL asks in its own words. */
export function Forms({ form }: { form: Form }) {
  return (
    <div class="shown-as" role="group" aria-label="Shown as">
      {forms.map(([id, name]) => <button key={id} aria-pressed={form === id} onClick={() => change({ form: id === 'table' ? undefined : id })}>{name}</button>)}
    </div>
  )
}

const reserved = ['source', 'host', 'service', 'status', 'message']

function Columns({ shown, events }: { shown: string[]; events: Event[] }) {
  const found = fieldsIn(events).map((f) => f.field)
  const offered = [...new Set([...shown, ...reserved, ...found])].slice(0, 200)
  return (
    <Menu label={<>Columns <i class="down" /></>}>
      <MenuItem act={() => showColumns([])}>The usual ones</MenuItem>
      {offered.map((f) => <MenuItem key={f} checked={shown.includes(f)} act={() => toggleColumn(shown, f)}>{oneLine(f, 80)}</MenuItem>)}
    </Menu>
  )
}
