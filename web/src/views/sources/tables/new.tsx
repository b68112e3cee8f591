import { useState } from 'preact/hooks'
import { createTable, type Column } from '../../../api/tables'
import { SentForm } from '../../../parts/sent-form'
import { go, pathOf, useAddress } from '../../../state/address'
import type { Done } from '../../../state/done'
import { useMay } from '../../../state/session'
import { oneLine } from '../../../state/text'
import { FileField, FileSaid, useCheckedFile, type Given } from './file'

const matches = ['', 'exact', 'cidr', 'prefix', 'wildcard']
const matchNames: Record<string, string> = { '': 'as its values are', exact: 'exactly', cidr: 'as networks', prefix: 'by its beginning', wildcard: 'with * and ?' }

/** NewTable makes a table of a file, with the column that tells its rows apart. */
export function NewTable() {
  const { query } = useAddress()
  const lacks = useMay('configure')
  const [name, setName] = useState(query.get('name') ?? '')
  const [description, setDescription] = useState('')
  const [given, setGiven] = useState<Given | undefined>()
  const [key, setKey] = useState('')
  const [said, setSaid] = useState<Record<string, Partial<Column>>>({})
  const check = useCheckedFile(given, { key })
  const checked = given ? check.value : undefined
  const fields = (checked?.fields ?? []).map((f) => ({ ...f, ...said[f.name] }))
  const ready = lacks === '' && name.trim() !== '' && given !== undefined && checked?.mistakes === 0 && !check.asking
  const make = async (): Promise<Done> => {
    if (!given || !checked) throw new Error('There is no file yet.')
    const t = await createTable({ name: name.trim(), description, fields, key: checked.key }, given.file)
    go(pathOf(['sources', 'tables', t.id]), 'replace')
    return t.error === '' ? { text: `${oneLine(t.name, 80)} is there.` } : { text: `${oneLine(t.name, 80)} is there without rows: ${oneLine(t.error, 300)}`, failed: true }
  }
  return (
    <SentForm verb="Make the table" blocked={lacks || !ready} send={make}>
      {() => <>
      <h2><a class="link" href="/sources/tables">Reference tables</a> / new</h2>
      <div class="keep-form">
        <label>Name, as rules say it <input class="field" required value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
        <label class="pipeline-wide">What it is <input class="field" value={description} onInput={(e) => setDescription(e.currentTarget.value)} /></label>
      </div>
      <FileField given={given} onGiven={setGiven} label="A file of CSV" />
      <FileSaid checked={checked} error={given ? check.error : undefined} />
      {fields.length > 0 && (
        <fieldset class="table-columns">
          <legend>Columns</legend>
          <label>Rows are told apart by <select class="field" value={checked?.key} onChange={(e) => setKey(e.currentTarget.value)}>{fields.map((f) => <option key={f.name}>{f.name}</option>)}</select></label>
          {fields.map((f) => (
            <div key={f.name} class="table-column">
              <code class="hi">{oneLine(f.name, 80)}</code>
              <select class="field" aria-label={`Type of ${oneLine(f.name, 80)}`} value={f.type} onChange={(e) => setSaid({ ...said, [f.name]: { ...said[f.name], type: e.currentTarget.value } })}><option value="STRING">text</option><option value="INT32">whole number</option></select>
              <select class="field" aria-label={`How ${oneLine(f.name, 80)} is compared`} value={f.match} onChange={(e) => setSaid({ ...said, [f.name]: { ...said[f.name], match: e.currentTarget.value } })}>{[...new Set([...matches, f.match])].map((m) => <option key={m} value={m}>{matchNames[m] ?? m}</option>)}</select>
            </div>
          ))}
        </fieldset>
      )}
      <p class="small mut">A table has 1 to 200 columns; a file up to 1,280 MB; a value up to 64 kB. Rules see the rows from the moment that it is there.</p>
      </>}
    </SentForm>
  )
}
