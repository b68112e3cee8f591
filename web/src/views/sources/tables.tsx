import { listTables, type ReferenceTable } from '../../api/tables'
import { Known, Nothing, Snippet } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { useAsk } from '../../state/ask'
import { age } from '../../state/time'
import { count, oneLine, plural } from '../../state/text'

const cells: Cell<ReferenceTable>[] = [
  { title: 'Table', cell: (t) => <><b class="hi">{oneLine(t.name, 120)}</b>{t.description !== '' && <span class="small mut"> {oneLine(t.description, 200)}</span>}</> },
  { title: 'State', cell: (t) => <span class={t.status === 'ERROR' ? 'critical' : t.status === 'DONE' ? 'good' : 'medium'}>{t.status.toLowerCase()}{t.error !== '' && `: ${oneLine(t.error, 300)}`}</span> },
  { title: 'Rows', number: true, cell: (t) => count(t.rows) },
  { title: 'Looked up by', minor: true, cell: (t) => <code>{oneLine(t.key, 120)}</code> },
  { title: 'Columns', minor: true, cell: (t) => <code>{oneLine(t.fields.map((f) => f.name).join(', '), 200)}</code> },
  { title: 'Changed', number: true, cell: (t) => (t.updated === 0 ? <span class="mut">not known</span> : <span class="sure" title={oneLine(t.by, 120)}>{age(t.updated)} ago</span>) },
]

/** Tables are what rules look values up in; first those that could not be read. */
export function Tables() {
  const tables = useAsk('tables', listTables, 'keep')
  return (
    <Known of={tables}>
      {(all) => all.length === 0 ? (
        <Nothing title="There is no reference table yet">
          <p>A rule compares values with its rows: users who left, addresses of the office, hosts that matter. A file of CSV makes one:</p>
          <Snippet text="nightjar tables import office office.csv --columns address" />
        </Nothing>
      ) : (
        <>
          <p class="place-lead">{plural(all.length, 'table')}, {plural(all.reduce((n, t) => n + t.rows, 0), 'row')}.</p>
          <Listing name="Reference tables" cells={cells} rows={[...all].sort((a, b) => Number(b.status === 'ERROR') - Number(a.status === 'ERROR') || a.name.localeCompare(b.name))} keyOf={(t) => t.id} />
        </>
      )}
    </Known>
  )
}
