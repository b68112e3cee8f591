import { Menu, MenuItem } from '../../parts/menu'
import { change } from '../../state/address'
import { useCommands } from '../../state/commands'
import { allColumns } from './columns'
import { defaultSort, groupBy, groupings, showColumns } from './filter'

/** Grouping chooses what the list is grouped by. */
export function Grouping({ group }: { group: string }) {
  const name = groupings.find(([field]) => field === group)?.[1] ?? 'none'
  useCommands([['', 'none'], ...groupings].map(([field, title]) => ({ name: `Group by ${title}`, of: 'list of signals', act: () => groupBy(field ?? '') })))
  return (
    <Menu class="button quiet small" label={<>Group by {name} <i class="down" /></>}>
      <MenuItem checked={group === ''} act={() => groupBy('')}>None</MenuItem>
      {groupings.map(([field, title]) => <MenuItem key={field} checked={field === group} act={() => groupBy(field)}>{title.charAt(0).toUpperCase() + title.slice(1)}</MenuItem>)}
    </Menu>
  )
}

const orders: [string, string][] = [['-severity', 'Worst'], ['-last_seen', 'Last seen'], ['-timestamp', 'First seen'], ['-events', 'Most events']]

/** SortMenu chooses the order where rows have two lines, and no heads of columns to press. */
export function SortMenu({ sort }: { sort: string }) {
  const name = orders.find(([s]) => s === sort)?.[1] ?? 'another order'
  return (
    <Menu class="button quiet small" label={<>{name} first <i class="down" /></>}>
      {orders.map(([s, title]) => <MenuItem key={s} checked={s === sort} act={() => change({ sort: s === defaultSort ? undefined : s })}>{title} first</MenuItem>)}
      <p class="menu-head">A row has two lines on a narrow screen, and shows severity, signal, entity, last and state. A wider one has columns to choose.</p>
    </Menu>
  )
}

/** ColumnsMenu chooses the columns and their order; the address keeps both. */
export function ColumnsMenu({ shown }: { shown: string[] }) {
  const title = (id: string) => allColumns.find((c) => c.id === id)?.title ?? id
  const move = (id: string, by: number) => {
    const next = shown.filter((c) => c !== id)
    next.splice(shown.indexOf(id) + by, 0, id)
    showColumns(next)
  }
  return (
    <Menu class="button quiet small" label={<>Columns <i class="down" /></>}>
      {shown.map((id, i) => (
        <div key={id} class="column-choice" role="none">
          <MenuItem stays checked act={() => showColumns(shown.filter((c) => c !== id))}>{title(id)}</MenuItem>
          <MenuItem stays name={`${title(id)} further left`} lacks={i === 0 ? ' ' : ''} act={() => move(id, -1)}>↑</MenuItem>
          <MenuItem stays name={`${title(id)} further right`} lacks={i === shown.length - 1 ? ' ' : ''} act={() => move(id, 1)}>↓</MenuItem>
        </div>
      ))}
      {allColumns.filter((c) => !shown.includes(c.id)).map((c) => <MenuItem key={c.id} stays checked={false} act={() => showColumns([...shown, c.id])}>{c.title}</MenuItem>)}
      <MenuItem act={() => showColumns([])}>The usual ones</MenuItem>
    </Menu>
  )
}
