import { useRef, useState } from 'preact/hooks'
import { APIError } from '../../api/client'
import { askSQL } from '../../api/sql'
import { Key } from '../../parts/key'
import { Problem } from '../../parts/problem'
import { change, useAddress } from '../../state/address'
import { useAsk, useLate } from '../../state/ask'
import { useKeys } from '../../state/keys'
import { count, plural } from '../../state/text'
import { Forms } from './count-bar'
import { lineOf, save } from './export'
import { Result, textOf } from './sql-result'
import { SavedStatements } from './sql-saved'

const example = 'SELECT source, count() AS events\nFROM events\nWHERE timestamp > now() - INTERVAL 1 DAY\nGROUP BY source\nORDER BY events DESC'

/** SQL asks the stored events in SQL, read-only. What is asked stands in the address. */
export default function SQL() {
  const { query } = useAddress()
  const asked = query.get('sql') ?? ''
  const [text, setText] = useState(asked || example)
  const [round, setRound] = useState(0)
  const box = useRef<HTMLTextAreaElement>(null)
  const answer = useAsk(asked === '' ? null : JSON.stringify([asked, round]), (stop) => askSQL(asked, stop), 'keep')
  const asking = asked !== '' && answer.asking
  const late = useLate(asking, 300)
  useKeys([{ keys: '/', does: 'statement', act: () => box.current?.focus() }])
  const run = (statement = text) => {
    setText(statement)
    if (statement.trim() === '') return
    if (statement === asked) setRound(round + 1)
    else change({ sql: statement })
  }
  const error = asking ? undefined : answer.error
  const place = error instanceof APIError ? error.place : undefined
  const r = asked === '' ? undefined : answer.value
  const lines = text.split('\n')
  return (
    <main class="list-view sql-view">
      <h1 class="unseen">Search in SQL</h1>
      <div class="sql-asking">
        <textarea
          ref={box} class="field mono" aria-label="Statement" spellcheck={false} rows={Math.max(4, Math.min(16, lines.length + 1))} value={text} wrap="off"
          aria-invalid={error !== undefined} aria-describedby={error ? 'sql-error' : undefined} onInput={(e) => setText(e.currentTarget.value)}
          onKeyDown={(e) => {
            if (e.key === 'Enter' && (e.metaKey || e.ctrlKey)) run()
            else if (e.key === 'Escape') box.current?.blur()
            else return
            e.preventDefault()
          }}
        />
        <div class="sql-acts">
          <button class="button main" disabled={text.trim() === ''} onClick={() => run()}>Run <Key>⌘↵</Key></button>
          {late && <button class="button" onClick={answer.cancel}>Cancel</button>}
          <SavedStatements statement={text} onOpen={run} />
        </div>
      </div>
      {error && (
        <div class="sql-error" id="sql-error">
          {place && text === asked && <button class="link mono" onClick={() => goTo(box.current, lines, place)}>{place.line}:{place.column}</button>}
          {place && text === asked && <pre class="mut"><code>{lines[place.line - 1]}{'\n'}{' '.repeat(place.column - 1)}<span class="critical">^</span></code></pre>}
          <Problem error={error} again={error instanceof APIError && error.status === 400 ? undefined : answer.again} />
        </div>
      )}
      <div class="bar">
        <span class="strong" role="status">{asking ? 'Asking' : !r ? 'Rows' : `${r.truncated ? 'The first ' : ''}${plural(r.rows.length, 'row')}`}</span>
        {!asking && r && <span class="mut">in {count(r.elapsed)} ms{r.truncated && ', there are more: use LIMIT, or aggregate'}{error && ', of the last statement that could be run'}</span>}
        <span class="grow" />
        <Forms form="sql" />
        <button class="button quiet" disabled={!r || r.rows.length === 0} onClick={() => r && save(new Blob([lineOf(r.columns.map((c) => c.name)), ...r.rows.map((row) => lineOf(row.map(textOf)))], { type: 'text/csv' }), 'rows.csv')}>{r && r.rows.length > 0 ? `Export ${plural(r.rows.length, 'row')} as CSV` : 'Export'}</button>
      </div>
      {(r?.warnings ?? []).map((w) => <div key={w} class="bar stale">{w}</div>)}
      {r ? <Result result={r} /> : <p class="empty mut">Ask the table <code>events</code>: each event’s timestamp, source, host, service, status, message, tags and attributes. The statement reads and changes nothing.</p>}
    </main>
  )
}

/** goTo puts the cursor where the statement is wrong. */
function goTo(box: HTMLTextAreaElement | null, lines: string[], place: { line: number; column: number }): void {
  const at = lines.slice(0, place.line - 1).reduce((n, l) => n + l.length + 1, 0) + place.column - 1
  box?.focus()
  box?.setSelectionRange(at, at)
}
