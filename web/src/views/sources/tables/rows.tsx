import { useState } from 'preact/hooks'
import { listRows, putRow, readRow, removeRows, type ReferenceTable, type Row } from '../../../api/tables'
import { Section } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { Problem } from '../../../parts/problem'
import { change, useAddress } from '../../../state/address'
import { usePages } from '../../../state/pages'
import { tell } from '../../../state/done'
import { count, oneLine } from '../../../state/text'
import { useSettled } from '../../../state/settled'
import { RowForm } from './row-form'

/** As many columns as are shown beside the key; the row's form has all. */
const shownColumns = 6

/** Rows are those of a table, page by page; one is added, changed and removed here. */
export function Rows({ of: t, lacks, onChanged }: { of: ReferenceTable; lacks: string; onChanged: () => void }) {
  const { query } = useAddress()
  const text = query.get('find') ?? ''
  const asked = useSettled(text, 300)
  const pages = usePages(`${t.id} ${asked} ${t.updated}`, async (token, stop) => listRows(t.id, asked, token, 100, stop))
  const [open, setOpen] = useState<Row | 'new' | undefined>()
  const wanted = query.get('row')
  const changed = () => (pages.again(), onChanged())
  const remove = async (r: Row) => {
    try {
      await removeRows(t.id, [r.id])
      tell({ text: `${oneLine(r.id, 80)} is removed.`, undo: () => void putRow(t.id, r).then(changed, (e: Error) => tell({ text: `Not brought back: ${e.message}`, failed: true })) })
      changed()
    } catch (e) {
      tell({ text: `It was not removed: ${(e as Error).message}`, failed: true })
    }
  }
  const others = t.fields.filter((f) => f.name !== t.key)
  const cells: Cell<Row>[] = [
    { title: oneLine(t.key, 60), cell: (r) => <code class="hi">{oneLine(r.id, 200)}</code> },
    ...others.slice(0, shownColumns).map((f, i): Cell<Row> => ({ title: oneLine(f.name, 60), minor: i > 0, number: f.type === 'INT32', cell: (r) => <span class="mono">{oneLine(r.values[f.name] ?? '', 200)}</span> })),
    {
      title: 'Do', cell: (r) => <span class="sure row-acts"><button class="link" disabled={lacks !== ''} title={lacks} onClick={() => setOpen(r)}>Change<span class="unseen"> {oneLine(r.id, 80)}</span></button> <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => void remove(r)}>Remove<span class="unseen"> {oneLine(r.id, 80)}</span></button></span>,
    },
  ]
  return (
    <Section title="Rows" note={count(t.rows)}>
      <div class="keep-form">
        <label>Find in the rows <input class="field" type="search" value={text} onInput={(e) => change({ find: e.currentTarget.value, row: undefined }, 'replace')} /></label>
        <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => setOpen('new')}>Add a row</button>
      </div>
      {(open ?? (wanted !== null && lacks === '' ? wanted : undefined)) !== undefined && (
        <Opened key={open === 'new' ? 'new' : typeof open === 'object' ? open.id : wanted} table={t} row={open} wanted={wanted} close={() => (setOpen(undefined), change({ row: undefined }, 'replace'))} onDone={changed} />
      )}
      {pages.error && <Problem error={pages.error} again={pages.again} />}
      {pages.at > 0 && pages.rows.length === 0 && <p class="keep-note">{asked === '' ? 'It has no row yet: add one, or replace the rows by a file.' : `No row has ${oneLine(asked, 80)} in it.`}</p>}
      {pages.rows.length > 0 && <Listing name="Rows" cells={cells} rows={pages.rows} keyOf={(r) => r.id} />}
      {others.length > shownColumns && <p class="small mut">{count(others.length - shownColumns)} more columns show when a row is changed.</p>}
      <More pages={pages} total={t.rows} />
    </Section>
  )
}

function More({ pages, total }: { pages: ReturnType<typeof usePages<Row>>; total: number }) {
  if (pages.rows.length === 0 || pages.rows.length % 100 !== 0 || pages.rows.length === total) return null
  return <p class="keep-actions"><button class="button" disabled={pages.asking} onClick={pages.next}>Show more</button><span class="small mut">{count(pages.rows.length)} are shown.</span></p>
}

/** Opened is the form of a row, read anew where only its key is known. */
function Opened({ table, row, wanted, close, onDone }: { table: ReferenceTable; row: Row | 'new' | undefined; wanted: string | null; close: () => void; onDone: () => void }) {
  const key = typeof row === 'object' ? row.id : row === 'new' ? undefined : (wanted ?? undefined)
  return <RowForm table={table} rowKey={key} read={(k) => readRow(table.id, k)} close={close} onDone={onDone} />
}
