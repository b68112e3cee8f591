import { useState } from 'preact/hooks'
import { replaceRows, type ReferenceTable } from '../../../api/tables'
import { SentForm } from '../../../parts/sent-form'
import type { Done } from '../../../state/done'
import { oneLine, plural } from '../../../state/text'
import { FileField, FileSaid, useCheckedFile, type Given } from './file'

/** Replace makes the rows of a table those of a file. */
export function Replace({ of: t, close, onDone }: { of: ReferenceTable; close: () => void; onDone: () => void }) {
  const [given, setGiven] = useState<Given | undefined>()
  const check = useCheckedFile(given, { table: t.id })
  const checked = given ? check.value : undefined
  const send = async (): Promise<Done> => {
    if (!given) throw new Error('There is no file yet.')
    await replaceRows(t, given.file)
    onDone()
    return { text: `The rows of ${oneLine(t.name, 80)} are those of the file.` }
  }
  return (
    <SentForm name="Replace the rows" verb={`Replace ${plural(t.rows, 'row')}`} blocked={!checked || checked.mistakes > 0 || check.asking} send={send} close={close}>
      {() => <>
      <p>Rows that the file lacks go; it has the columns <code>{oneLine(t.fields.map((f) => f.name).join(', '), 300)}</code>, in any order.</p>
      <FileField given={given} onGiven={setGiven} label="A file of CSV" />
      <FileSaid checked={checked} error={given ? check.error : undefined} />
      </>}
    </SentForm>
  )
}
