import { useEffect, useState } from 'preact/hooks'
import { putRow, type ReferenceTable, type Row } from '../../../api/tables'
import { faultsOf, type Fault } from '../../../parts/form-row'
import { tell } from '../../../state/done'
import { oneLine } from '../../../state/text'

interface RowFormProps {
  table: ReferenceTable
  /** Undefined: a new row. */
  rowKey: string | undefined
  read: (key: string) => Promise<Row | undefined>
  close: () => void
  onDone: () => void
}

/** RowForm adds a row, or changes one; the key tells which it is. */
export function RowForm({ table: t, rowKey, read, close, onDone }: RowFormProps) {
  const [values, setValues] = useState<Record<string, string>>({})
  const [before, setBefore] = useState<Row | undefined>()
  const [faults, setFaults] = useState<Fault[]>([])
  const [sending, setSending] = useState(false)
  useEffect(() => {
    if (rowKey === undefined) return
    setValues({ [t.key]: rowKey })
    void read(rowKey).then((r) => r && (setBefore(r), setValues({ ...r.values, [t.key]: r.id })), (e: Error) => setFaults([{ target: '', message: e.message }]))
  }, [rowKey])
  const id = (values[t.key] ?? '').trim()
  const send = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    setFaults([])
    try {
      const { [t.key]: _, ...rest } = values
      await putRow(t.id, { id, values: rest })
      tell({ text: `${oneLine(id, 80)} is ${before ? 'changed' : 'in the table'}.` })
      onDone()
      close()
    } catch (err) {
      setFaults(faultsOf(err))
    }
    setSending(false)
  }
  return (
    <form class="table-form table-row" aria-label={before ? 'Change a row' : 'Add a row'} onSubmit={(e) => void send(e)}>
      <div class="keep-form">
        {[t.key, ...t.fields.map((f) => f.name).filter((n) => n !== t.key)].map((name) => (
          <label key={name}>{oneLine(name, 80)}{name === t.key && ' (its key)'}{t.fields.find((f) => f.name === name)?.type === 'INT32' && ', a whole number'}
            <input class="field mono" required={name === t.key} readOnly={name === t.key && before !== undefined} value={values[name] ?? ''} onInput={(e) => setValues({ ...values, [name]: e.currentTarget.value })} />
          </label>
        ))}
      </div>
      {faults.map((f) => <p key={f.message} class="critical" role="alert">{oneLine(f.message, 400)}</p>)}
      <p class="keep-actions"><button class="button main" disabled={sending || id === ''}>{before ? 'Change the row' : 'Add the row'}</button><button type="button" class="button quiet" onClick={close}>Leave it</button></p>
    </form>
  )
}
