import { useState } from 'preact/hooks'
import type { SQLResult } from '../../api/sql'
import { Table, type Column } from '../../parts/table'
import { usePreferences } from '../../state/preferences'
import { rowHeight } from '../../state/size'
import { oneLine, shown } from '../../state/text'

interface Row {
  id: string
  values: unknown[]
}

export const textOf = (v: unknown): string => (v === null || v === undefined ? '' : typeof v === 'object' ? JSON.stringify(v) : String(v))

/** Result is what a statement answered, as a table; a press on a row shows all of it. */
export function Result({ result }: { result: SQLResult }) {
  const { density } = usePreferences()
  const [open, setOpen] = useState<string>()
  const rows = result.rows.map((values, i): Row => ({ id: String(i), values }))
  const one = open === undefined ? undefined : rows[Number(open)]
  const columns = result.columns.map((c, i): Column<Row> => {
    const isNumber = /^(Nullable\()?(U?Int|Float|Decimal)/.test(c.type)
    return { id: 'sql', title: c.name, width: isNumber ? 'minmax(72px,140px)' : 'minmax(96px,1fr)', number: isNumber, cell: (r) => <span class="mono">{r.values[i] === null ? <span class="mut">null</span> : oneLine(textOf(r.values[i]), 500)}</span> }
  })
  if (rows.length === 0) return <p class="empty mut">The statement found no row.</p>
  return (
    <section class="queue" aria-label="Rows">
      <Table name="Rows" columns={columns} rows={rows} total={rows.length} keyOf={(r) => r.id} rowHeight={Math.min(32, rowHeight(density, false))} current={open} sort="" onSort={() => undefined} onOpen={(r) => setOpen(r.id === open ? undefined : r.id)} onEnd={() => undefined} />
      {one && (
        <dl class="event-fields sql-row" tabIndex={0} aria-label="Row">
          {result.columns.map((c, i) => <div key={i}><dt class="cut" title={c.type}>{c.name}</dt><dd class="mono hi">{shown(textOf(one.values[i]).slice(0, 20_000))}</dd></div>)}
        </dl>
      )}
    </section>
  )
}
