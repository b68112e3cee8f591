import { useEffect, useRef, useState } from 'preact/hooks'
import { APIError } from '../../api/client'
import { askSQL, type SQLResult } from '../../api/sql'
import { Late } from '../../parts/asking'
import { CodeEditor, type CodeEditorProps } from '../../parts/code-editor'
import { Key } from '../../parts/key'
import { Problem } from '../../parts/problem'
import { change, useAddress } from '../../state/address'
import { useAsk, type Asked } from '../../state/ask'
import { remember } from '../../state/recent'
import { useKeys } from '../../state/keys'
import { count, oneLine, plural } from '../../state/text'
import { Forms } from './count-bar'
import { lineOf, save } from '../../state/file'
import { completeSQL } from './sql-complete'
import { mistakesOf } from './sql-mistake'
import { columnOf, ordered, textOf } from './sql-order'
import { Result, ResultChart } from './sql-result'
import { SavedStatements } from './sql-saved'

const example = 'SELECT source, count() AS events\nFROM events\nWHERE timestamp > now() - INTERVAL 1 DAY\nGROUP BY source\nORDER BY events DESC'

/** SQL asks the stored events in SQL, read-only. What is asked stands in the address. */
export default function SQL() {
  const { query } = useAddress()
  const asked = query.get('sql') ?? ''
  const [text, setText] = useState(asked || example)
  const [round, setRound] = useState(0)
  const editor: NonNullable<CodeEditorProps['handle']> = useRef(undefined)
  const answer = useAsk(asked === '' ? null : JSON.stringify([asked, round]), (stop) => askSQL(asked, stop), 'keep')
  useEffect(() => void (asked !== '' && setText(asked)), [asked])
  useKeys([{ keys: '/', does: 'statement', act: () => editor.current?.focus() }])
  const run = (statement = text) => {
    setText(statement)
    if (statement.trim() === '') return
    remember('sql', statement)
    if (statement === asked) setRound(round + 1)
    else change({ sql: statement, by: undefined })
  }
  const asking = asked !== '' && answer.asking
  const error = asking ? undefined : answer.error
  const mistakes = text === asked ? mistakesOf(error, asked) : []
  const r = asked === '' ? undefined : answer.value
  return (
    <main class="list-view sql-view">
      <h1 class="unseen">Search in SQL</h1>
      <div class="sql-asking">
        <CodeEditor label="Statement" language="sql" value={text} onChange={setText} problems={mistakes} complete={completeSQL} onRun={() => run()} lines={[4, 16]} handle={editor} />
        <div class="sql-acts">
          <button class="button main" disabled={text.trim() === ''} onClick={() => run()}>Run <Key>⌘↵</Key></button>
          <SavedStatements statement={text} onOpen={run} />
        </div>
      </div>
      {error && mistakes.length === 0 && <div class="sql-error"><Problem error={error} again={error instanceof APIError && error.status === 400 ? undefined : answer.again} /></div>}
      <Bar answer={asked === '' ? undefined : answer} error={error} result={r} shown={query.get('shown') === 'chart' ? 'chart' : 'table'} sort={query.get('by') ?? ''} />
      {(r?.warnings ?? []).map((w) => <div key={w} class="bar stale">{w}</div>)}
      {r ? (query.get('shown') === 'chart' ? <ResultChart result={r} /> : <Result result={r} />)
        : <p class="empty mut">Ask the table <code>events</code>: each event’s timestamp, source, host, service, status, message, tags and attributes. The statement reads and changes nothing.</p>}
    </main>
  )
}

interface BarProps {
  /** The question; undefined: none was asked. */
  answer: Asked<SQLResult> | undefined
  error: Error | undefined
  result: SQLResult | undefined
  shown: 'table' | 'chart'
  /** What the rows are ordered by here. */
  sort: string
}

/** Bar says how many rows there are, and how they are shown. */
function Bar({ answer, error, result: r, shown, sort }: BarProps) {
  const asking = answer?.asking ?? false
  const by = r && shown === 'table' ? columnOf(r, sort) : undefined
  const write = () => r && save(new Blob([lineOf(r.columns.map((c) => c.name)), ...ordered(r, sort).map((i) => lineOf((r.rows[i] ?? []).map(textOf)))], { type: 'text/csv' }), 'rows.csv')
  return (
    <div class="bar">
      <span class="strong" role="status">{!r ? 'Rows' : `${r.truncated ? 'The first ' : ''}${plural(r.rows.length, 'row')}`}</span>
      {answer && <Late of={answer} after={300} />}
      {!asking && r && <span class="mut">in {count(r.elapsed)} ms{r.truncated && ', there are more: use LIMIT, or aggregate'}{by && `, sorted here by ${oneLine(r.columns[by.at]?.name ?? '', 40)}${r.truncated ? ': these rows only, ORDER BY has the first of all' : ''}`}{error && ', of the last statement that could be run'}</span>}
      {by && <button class="link" onClick={() => change({ by: undefined })}>As they came</button>}
      <span class="grow" />
      <div class="shown-as" role="group" aria-label="Rows as">
        <button aria-pressed={shown === 'table'} onClick={() => change({ shown: undefined })}>Rows</button>
        <button aria-pressed={shown === 'chart'} onClick={() => change({ shown: 'chart' })}>Chart</button>
      </div>
      <i class="bar-rule" />
      <Forms form="sql" />
      <button class="button quiet" disabled={!r || r.rows.length === 0} onClick={write}>{r && r.rows.length > 0 ? `Export ${plural(r.rows.length, 'row')} as CSV` : 'Export'}</button>
    </div>
  )
}
