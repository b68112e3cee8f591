import { useState } from 'preact/hooks'
import { addValue, listTables, ofThreatList, removeRows, type ReferenceTable } from '../api/tables'
import { useAsk } from '../state/ask'
import { tell } from '../state/done'
import { oneLine, plural } from '../state/text'
import { Dialog } from './dialog'
import { Problem } from './problem'

/** AddToTable puts a value into a reference table, which rules look values up in. */
export function AddToTable({ value, close }: { value: string; close: () => void }) {
  const tables = useAsk('tables', listTables)
  const [error, setError] = useState<Error>()
  const [adding, setAdding] = useState('')
  const mine = (tables.value ?? []).filter((t) => !ofThreatList(t)) // those are fetched, not written
  const add = async (t: ReferenceTable) => {
    setAdding(t.id)
    setError(undefined)
    try {
      const became = await addValue(t.id, value)
      tell(became === 'added' ? { text: `Added to ${oneLine(t.name, 60)}.`, undo: () => void takeBack(t, value) } : { text: `${oneLine(t.name, 60)} has it already.` })
      close()
    } catch (e) {
      setError(e as Error)
      setAdding('')
    }
  }
  return (
    <Dialog title="Add to a reference table" close={close} class="assign">
      <p class="mono cut">{oneLine(value, 200)}</p>
      {tables.error && <Problem error={tables.error} again={tables.again} />}
      {!tables.value && !tables.error && <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /></div>}
      <ul class="tables-to-choose">
        {mine.map((t, i) => (
          <li key={t.id}>
            <button class="reason" autofocus={i === 0} disabled={adding !== ''} onClick={() => void add(t)}><span class="grow cut">{oneLine(t.name, 100)}</span><span class="mut small">{plural(t.rows, 'row')}{t.key !== '' && `, by ${oneLine(t.key, 40)}`}</span></button>
          </li>
        ))}
      </ul>
      {tables.value && mine.length === 0 && <p class="mut">There is no table yet. A rule looks values up in one once it is made.</p>}
      {error && <Problem error={error} />}
      <p class="small"><a class="link" href="/sources/tables/new" onClick={close}>Make a table</a></p>
    </Dialog>
  )
}

async function takeBack(t: ReferenceTable, value: string): Promise<void> {
  try {
    await removeRows(t.id, [value])
    tell({ text: `Taken out of ${oneLine(t.name, 60)} again.` })
  } catch (e) {
    tell({ text: `Not undone: ${(e as Error).message}`, failed: true })
  }
}
