import { useState } from 'preact/hooks'
import { deleteTable, describeTable, ofThreatList, usesOf, type ReferenceTable, type Use } from '../../../api/tables'
import { Confirm } from '../../../parts/confirm'
import { Known, Section } from '../../../parts/keep'
import { go, pathOf } from '../../../state/address'
import { useAsk } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { oneLine, plural } from '../../../state/text'
import { TableState } from './list'
import { Replace } from './replace'
import { Rows } from './rows'

/** TablePage is a table with its rows, and who asks it. */
export function TablePage({ of: t, again }: { of: ReferenceTable; again: () => void }) {
  const may = useMay('configure')
  const lacks = ofThreatList(t) ? 'its threat list keeps it' : may
  const uses = useAsk('uses ' + t.id, (stop) => usesOf(t.id, stop), 'keep')
  const [doing, setDoing] = useState<'replacing' | 'deleting' | undefined>()
  const all = [...(uses.value?.rules ?? []), ...(uses.value?.pipelines ?? [])]
  return (
    <>
      <div class="pipeline-head">
        <div>
          <h2><a class="link" href="/sources/tables">Reference tables</a> / {oneLine(t.name, 120)}</h2>
          <p class="small mut"><TableState of={t} />, {plural(t.rows, 'row')} told apart by <code>{oneLine(t.key, 80)}</code></p>
          <Description key={t.description} of={t} lacks={lacks} again={again} />
        </div>
        <div class="keep-actions">
          <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => setDoing(doing === 'replacing' ? undefined : 'replacing')} aria-expanded={doing === 'replacing'}>Replace the rows by a file</button>
          <button class="button danger" disabled={lacks !== ''} title={lacks} onClick={() => setDoing('deleting')}>Delete</button>
          {lacks !== '' && <span class="small mut">{ofThreatList(t) ? <>A <a class="link" href="/sources/intel">threat list</a> keeps it.</> : `Changing it ${lacks}.`}</span>}
        </div>
      </div>
      {doing === 'replacing' && <Replace of={t} close={() => setDoing(undefined)} onDone={again} />}
      <Rows of={t} lacks={lacks} onChanged={again} />
      <Section title="Who asks it">
        <Known of={uses}>{(u) => u.rules.length + u.pipelines.length === 0 ? <p class="mut">No rule and no pipeline names it. A rule does under “Reference tables” of its editor, by the table’s name.</p> : <><Uses what="Rule" of={u.rules} to="rules" /><Uses what="Pipeline" of={u.pipelines} to="pipelines" /></>}</Known>
      </Section>
      {doing === 'deleting' && (
        <Confirm title={`Delete ${oneLine(t.name, 80)}?`} verb="Delete" close={() => setDoing(undefined)} act={async () => (await deleteTable(t.id), go('/sources/tables'), `${oneLine(t.name, 80)} is deleted.`)}>
          <p>{plural(t.rows, 'row')} go with it, and can’t be brought back.</p>
          {all.length > 0 && <p class="critical">{all.map((u) => oneLine(u.name, 60)).slice(0, 5).join(', ')}{all.length > 5 && ` and ${all.length - 5} more`} {all.length === 1 ? 'asks' : 'ask'} it, and will find nothing.</p>}
        </Confirm>
      )}
    </>
  )
}

function Uses({ what, of, to }: { what: string; of: Use[]; to: 'rules' | 'pipelines' }) {
  return (
    <>
      {of.map((u) => (
        <div key={u.id} class="keep-line">
          <b>{what}</b>
          <span class="say"><a class="link" href={to === 'rules' ? pathOf(['rules', u.id]) : pathOf(['sources', 'pipelines', u.id])}>{oneLine(u.name, 120)}</a>{!u.enabled && <span class="mut"> (off)</span>}, by <code>{oneLine(u.columns.join(', '), 200)}</code></span>
        </div>
      ))}
    </>
  )
}

function Description({ of: t, lacks, again }: { of: ReferenceTable; lacks: string; again: () => void }) {
  const [text, setText] = useState<string | undefined>()
  if (text === undefined) return <p>{oneLine(t.description, 400)} {lacks === '' && <button class="link" onClick={() => setText(t.description)}>{t.description === '' ? 'Say what it is' : 'Change'}<span class="unseen"> the description</span></button>}</p>
  const save = async (e: Event) => {
    e.preventDefault()
    try {
      await describeTable(t.id, text)
      again()
      setText(undefined)
    } catch (err) {
      tell({ text: `It was not changed: ${(err as Error).message}`, failed: true })
    }
  }
  return <form class="keep-form" onSubmit={(e) => void save(e)}><label class="pipeline-wide">What it is <input class="field" value={text} onInput={(e) => setText(e.currentTarget.value)} /></label><button class="button">Keep it</button></form>
}
