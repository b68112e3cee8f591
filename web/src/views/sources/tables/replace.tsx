import { useState } from 'preact/hooks'
import { replaceRows, type ReferenceTable } from '../../../api/tables'
import { Problem } from '../../../parts/problem'
import { tell } from '../../../state/done'
import { oneLine, plural } from '../../../state/text'
import { FileField, FileSaid, useCheckedFile, type Given } from './file'

/** Replace makes the rows of a table those of a file. */
export function Replace({ of: t, close, onDone }: { of: ReferenceTable; close: () => void; onDone: () => void }) {
  const [given, setGiven] = useState<Given | undefined>()
  const [error, setError] = useState<Error | undefined>()
  const [sending, setSending] = useState(false)
  const check = useCheckedFile(given, { table: t.id })
  const checked = given ? check.value : undefined
  const send = async () => {
    if (!given) return
    setSending(true)
    setError(undefined)
    try {
      await replaceRows(t, given.file)
      tell({ text: `The rows of ${oneLine(t.name, 80)} are those of the file.` })
      onDone()
      close()
    } catch (e) {
      setError(e as Error)
    }
    setSending(false)
  }
  return (
    <section class="table-form" aria-label="Replace the rows">
      <p>Rows that the file lacks go; it has the columns <code>{oneLine(t.fields.map((f) => f.name).join(', '), 300)}</code>, in any order.</p>
      <FileField given={given} onGiven={setGiven} label="A file of CSV" />
      <FileSaid checked={checked} error={given ? check.error : undefined} />
      {error && <Problem error={error} />}
      <p class="keep-actions">
        <button class="button main" disabled={sending || !checked || checked.mistakes > 0 || check.asking} onClick={() => void send()}>Replace {plural(t.rows, 'row')}</button>
        <button class="button quiet" onClick={close}>Leave them</button>
      </p>
    </section>
  )
}
