import { listTables, ofThreatList, type ReferenceTable } from '../../../api/tables'
import { Known, Nothing } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { go, pathOf } from '../../../state/address'
import { useAsk } from '../../../state/ask'
import { useMay } from '../../../state/session'
import { age } from '../../../state/time'
import { count, oneLine, plural } from '../../../state/text'

const cells: Cell<ReferenceTable>[] = [
  { title: 'Table', cell: (t) => oneLine(t.name, 120) },
  { title: 'What it is', minor: true, cell: (t) => <span class="small">{ofThreatList(t) ? <span class="mut">kept by a threat list</span> : oneLine(t.description, 200)}</span> },
  { title: 'State', cell: (t) => <TableState of={t} /> },
  { title: 'Rows', number: true, cell: (t) => count(t.rows) },
  { title: 'Looked up by', minor: true, cell: (t) => <code>{oneLine(t.key, 120)}</code> },
  { title: 'Columns', minor: true, cell: (t) => <code>{oneLine(t.fields.map((f) => f.name).join(', '), 200)}</code> },
  { title: 'Changed', number: true, cell: (t) => (t.updated === 0 ? <span class="mut">not known</span> : <span class="sure" title={oneLine(t.by, 120)}>{age(t.updated)} ago</span>) },
]

const states: Record<string, [string, string]> = { DONE: ['good', 'in force'], ERROR: ['critical', 'not read'], PROCESSING: ['medium', 'reading'], INITIALIZED: ['mut', 'no file yet'] }

export function TableState({ of: t }: { of: ReferenceTable }) {
  const [look, word] = states[t.status] ?? ['mut', t.status.toLowerCase()]
  return <span class={look}>{word}{t.error !== '' && `: ${oneLine(t.error, 300)}`}</span>
}

/** Tables are what rules look values up in; first those that could not be read. */
export function TableList() {
  const tables = useAsk('tables', listTables, 'keep')
  const lacks = useMay('configure')
  const make = lacks === '' ? <a class="button main" href="/sources/tables/new">New table</a> : <button class="button main" disabled title={lacks}>New table</button>
  return (
    <Known of={tables}>
      {(all) => all.length === 0 ? (
        <Nothing title="There is no reference table yet">
          <p>A rule compares values with its rows: users who left, addresses of the office, hosts that matter. A file of CSV makes one, or a list of values that you type.</p>
          <p class="keep-actions">{make}{lacks !== '' && <span class="small mut">Making one {lacks}.</span>}</p>
        </Nothing>
      ) : (
        <>
          <p class="place-lead">{plural(all.length, 'table')}, {plural(all.reduce((n, t) => n + t.rows, 0), 'row')}. Rules compare values of events with them.</p>
          <p class="keep-actions">{make}{lacks !== '' && <span class="small mut">Making one {lacks}.</span>}</p>
          <Listing name="Reference tables" cells={cells} rows={[...all].sort((a, b) => Number(b.status === 'ERROR') - Number(a.status === 'ERROR') || Number(ofThreatList(a)) - Number(ofThreatList(b)) || a.name.localeCompare(b.name))} keyOf={(t) => t.id} onOpen={(id) => go(pathOf(['sources', 'tables', id]))} />
        </>
      )}
    </Known>
  )
}
