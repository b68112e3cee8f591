import { useEffect, useState } from 'preact/hooks'
import { putRow, type ReferenceTable, type Row } from '../../../api/tables'
import { Problem } from '../../../parts/problem'
import { SentForm } from '../../../parts/sent-form'
import type { Done } from '../../../state/done'
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
  const [unread, setUnread] = useState<Error | undefined>()
  useEffect(() => {
    if (rowKey === undefined) return
    setValues({ [t.key]: rowKey })
    void read(rowKey).then((r) => r && (setBefore(r), setValues({ ...r.values, [t.key]: r.id })), setUnread)
  }, [rowKey])
  const id = (values[t.key] ?? '').trim()
  const send = async (): Promise<Done> => {
    const { [t.key]: _, ...rest } = values
    await putRow(t.id, { id, values: rest })
    onDone()
    return { text: `${oneLine(id, 80)} is ${before ? 'changed' : 'in the table'}.` }
  }
  return (
    <SentForm name={before ? 'Change a row' : 'Add a row'} verb={before ? 'Change the row' : 'Add the row'} blocked={id === ''} send={send} close={close}>
      {() => <>
      <div class="keep-form">
        {[t.key, ...t.fields.map((f) => f.name).filter((n) => n !== t.key)].map((name) => (
          <label key={name}>{oneLine(name, 80)}{name === t.key && ' (its key)'}{t.fields.find((f) => f.name === name)?.type === 'INT32' && ', a whole number'}
            <input class="field mono" required={name === t.key} readOnly={name === t.key && before !== undefined} value={values[name] ?? ''} onInput={(e) => setValues({ ...values, [name]: e.currentTarget.value })} />
          </label>
        ))}
      </div>
      {unread && <Problem error={unread} />}
      </>}
    </SentForm>
  )
}
