import { useMemo, useState } from 'preact/hooks'
import type { SQLResult } from '../../api/sql'
import { Bars } from '../../parts/bars'
import { Plot, type PlotSeries } from '../../parts/plot'
import { Table, type Column } from '../../parts/table'
import { Value } from '../../parts/value'
import { change, useAddress } from '../../state/address'
import { useRowHeight } from '../../state/size'
import { oneLine, shown } from '../../state/text'
import { chartOf, isNumber } from './sql-chart'
import { ordered, textOf } from './sql-order'

interface Row {
  id: string
  values: unknown[]
}

/** seen is how much of a value is shown, in characters; all of it can be copied. */
const seen = 2048

/** fieldOfColumn is what a search calls a column; empty: it has no name for it. */
export function fieldOfColumn(name: string): string {
  if (/^(source|host|service|status)$/.test(name)) return name
  const path = /^attributes\.(.+)$/.exec(name)?.[1]
  return path === undefined ? '' : '@' + path.replace(/`/g, '').replace(/\.:\w+$/, '')
}

/** Result is what a statement answered, as a table; a press on a row shows all of it. */
export function Result({ result }: { result: SQLResult }) {
  const rowHeight = useRowHeight(1)
  const [open, setOpen] = useState<string>()
  const { query } = useAddress()
  const sort = query.get('by') ?? ''
  const rows = useMemo(() => ordered(result, sort).map((i): Row => ({ id: String(i), values: result.rows[i] ?? [] })), [result, sort])
  const columns = useMemo(() => columnsOf(result), [result])
  const one = open === undefined ? undefined : result.rows[Number(open)]
  if (rows.length === 0) return <p class="empty mut">The statement found no row.</p>
  return (
    <section class="queue" aria-label="Rows">
      <Table name="Rows" columns={columns} rows={rows} total={rows.length} keyOf={(r) => r.id} rowHeight={rowHeight} current={open} sort={sort} onSort={(s) => change({ by: s })} onOpen={(r) => setOpen(r.id === open ? undefined : r.id)} onEnd={() => undefined} />
      {one && (
        <dl class="event-fields sql-row" tabIndex={0} aria-label="Row">
          {result.columns.map((c, i) => <div key={i}><dt class="cut" title={c.type}>{c.name}</dt><dd class="mono hi"><Cell column={c.name} value={one[i]} most={20_000} /></dd></div>)}
        </dl>
      )}
    </section>
  )
}

const columnsOf = (result: SQLResult): Column<Row>[] =>
  result.columns.map((c, i) => {
    const number = isNumber(c.type)
    return { id: 'sql-' + i, title: c.name, sort: String(i), width: number ? 'minmax(72px,140px)' : 'minmax(96px,1fr)', number, cell: (r) => <Cell column={c.name} value={r.values[i]} most={500} /> }
  })

/** Cell is a value of a row; one of a field can be pressed. */
function Cell({ column, value, most }: { column: string; value: unknown; most: number }) {
  if (value === null || value === undefined) return <span class="mono mut">null</span>
  const text = textOf(value)
  const field = typeof value === 'object' || text === '' ? '' : fieldOfColumn(column)
  const bounded = most > seen ? shown(text.slice(0, most)) + (text.length > most ? '…' : '') : oneLine(text, most)
  return field === '' ? <span class="mono">{bounded}</span> : <Value field={field} value={text} text={bounded} />
}

/** ResultChart is the same as a drawing, where the columns suggest one. */
export function ResultChart({ result }: { result: SQLResult }) {
  const chart = useMemo(() => chartOf(result), [result])
  switch (chart.kind) {
    case 'none':
      return <p class="empty mut">{chart.why}</p>
    case 'lines':
      return <Lines times={chart.times} series={chart.series} />
    case 'bars': {
      const field = fieldOfColumn(chart.name)
      return <Bars name={chart.name} value={chart.value} bars={chart.bars} {...(field === '' ? {} : { show: (n: string) => (n === 'null' ? 'null' : <Value field={field} value={n} text={oneLine(n, 200)} />) })} />
    }
  }
}

/** Lines are numbers over time; what is dragged over is looked at nearer, of the rows that are there. */
function Lines({ times, series }: { times: number[]; series: PlotSeries[] }) {
  const [near, setNear] = useState<{ from: number; to: number } | undefined>()
  const part = useMemo(() => {
    const within = (_: unknown, i: number) => near === undefined || ((times[i] ?? 0) >= near.from && (times[i] ?? 0) <= near.to)
    return { times: times.filter(within), series: series.map((s) => ({ ...s, values: s.values.filter(within) })) }
  }, [times, series, near])
  return (
    <div class="sql-chart">
      <Plot name="Rows over time" times={part.times} series={part.series} kind={part.times.length < 2 ? 'bars' : 'line'} height={Math.max(240, Math.min(520, window.innerHeight - 420))} onZoom={(from, to) => setNear({ from, to })} />
      {near && <button class="link" onClick={() => setNear(undefined)}>Back to all of it</button>}
    </div>
  )
}
