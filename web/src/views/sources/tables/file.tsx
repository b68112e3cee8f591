import { useState } from 'preact/hooks'
import { checkFile, type CheckedFile } from '../../../api/tables'
import { Problem } from '../../../parts/problem'
import { useAsk } from '../../../state/ask'
import { count, oneLine, plural } from '../../../state/text'

/** Given is a file that was chosen or typed, and its beginning as text. */
export interface Given {
  name: string
  file: Blob
  text: string
  /** The text is only its beginning. */
  cut: boolean
}

/** As much of a file as is checked before it is sent; all of it is, when it is read. */
const most = 1 << 20

async function givenOf(file: File): Promise<Given> {
  const text = await file.slice(0, most).text()
  const cut = file.size > most
  return { name: file.name, file, text: cut ? text.slice(0, text.lastIndexOf('\n') + 1) : text, cut }
}

/** FileField takes a file of CSV, or lines that are typed. */
export function FileField({ given, onGiven, label }: { given: Given | undefined; onGiven: (g: Given | undefined) => void; label: string }) {
  const [typed, setTyped] = useState('')
  const type = (text: string) => {
    setTyped(text)
    onGiven(text.trim() === '' ? undefined : { name: 'typed', file: new Blob([text]), text, cut: false })
  }
  return (
    <>
      <label class="pipeline-label">{label}
        <input type="file" class="field" accept=".csv,.txt,text/csv,text/plain" onChange={(e) => { const f = e.currentTarget.files?.[0]; if (f) void givenOf(f).then((g) => (setTyped(''), onGiven(g))) }} />
      </label>
      <label class="pipeline-label">Or lines: the first names the columns <textarea class="field mono" rows={5} value={typed} spellcheck={false} placeholder={'address,place\n192.0.2.0/24,Berlin'} onInput={(e) => type(e.currentTarget.value)} /></label>
      {given?.cut && <p class="small mut">The first {count(given.text.split('\n').length - 1)} lines are checked here; all are when it is read.</p>}
    </>
  )
}

/** useCheckedFile is what the engine says of a file before it is sent. */
export function useCheckedFile(given: Given | undefined, as: { table: string } | { key: string }) {
  return useAsk(given ? JSON.stringify([given.name, given.file.size, given.text.length < 20_000 ? given.text : given.text.slice(0, 20_000), as]) : null, (stop) => checkFile(given?.text ?? '', as, stop), 'keep')
}

/** FileSaid is what a file has: its columns, its first rows, and what is wrong with it by line. */
export function FileSaid({ checked, error }: { checked: CheckedFile | undefined; error: Error | undefined }) {
  if (error) return <Problem error={error} />
  if (!checked) return null
  return (
    <div class="file-said" role="status">
      {checked.mistakes > 0 ? (
        <>
          <p class="critical">{checked.readThrough > 0 && 'At least '}{plural(checked.mistakes, 'mistake')}: a file with one is not taken.{checked.readThrough > 0 && ` It was read up to line ${count(checked.readThrough)}.`}</p>
          <ul class="file-mistakes" aria-label="Mistakes">{checked.problems.map((p, i) => <li key={i}><code>{p.line > 0 ? `line ${p.line}` : 'file'}</code> {oneLine(p.message, 400)}</li>)}</ul>
          {checked.mistakes > checked.problems.length && <p class="small mut">The first {count(checked.problems.length)} are shown.</p>}
        </>
      ) : <p>{plural(checked.rows - checked.replaced, 'row')}{checked.replaced > 0 && `, ${plural(checked.replaced, 'line')} of a key that a later one has too: the last counts`}.{!checked.header && ' The first line is taken for a row.'}</p>}
      {checked.first.length > 0 && (
        <div class="file-first" tabIndex={0} role="region" aria-label="The first rows">
          <table class="listing">
            <thead><tr>{checked.fields.map((f) => <th key={f.name} scope="col">{oneLine(f.name, 60)}{f.match !== '' && <span class="mut"> {f.match}</span>}</th>)}</tr></thead>
            <tbody>{checked.first.map((r, i) => <tr key={i}>{r.map((v, n) => <td key={n} class="mono">{oneLine(v, 120)}</td>)}</tr>)}</tbody>
          </table>
        </div>
      )}
    </div>
  )
}
