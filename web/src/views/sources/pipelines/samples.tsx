import { useState } from 'preact/hooks'
import { testPipeline, type StoredPipeline } from '../../../api/pipeline-documents'
import { CodeEditor } from '../../../parts/code-editor'
import { Problem } from '../../../parts/problem'
import { copy } from '../../../parts/value'
import { useAsk } from '../../../state/ask'
import { useSettled } from '../../../state/settled'
import { count, oneLine, plural } from '../../../state/text'
import { putSamples, useKeptSamples } from './kept-samples'
import { mistakeOf, type Text } from './use-text'

const example = `pipeline: draft
samples:
- name: what this line says
  input: "paste a line here"
  source: mine
  result:
    has:
      usr: {name: ann}
`

/** Samples are lines and what the document has to make of each: those that ship, or yours. */
export function Samples({ stored, text }: { stored: StoredPipeline | undefined; text: Text }) {
  const yours = useKeptSamples()
  const [editing, setEditing] = useState(yours !== '')
  const document = useSettled(text.last, 200)
  const samples = useSettled(yours, 400)
  const run = useAsk(document ? JSON.stringify([document, samples]) : null, (stop) => testPipeline(document ?? {}, stored?.id ?? '', samples, stop), 'keep')
  const t = run.value
  const passed = t?.tests.filter((x) => x.passed).length ?? 0
  const write = (begin: string) => (putSamples(begin), setEditing(true))
  return (
    <>
      {run.error && <Problem error={run.error} again={run.again} />}
      {!document && <p class="keep-note">Samples run once the document can be read.</p>}
      {t && t.tests.length > 0 && <p class="keep-note" role="status">{passed === t.tests.length ? `${plural(passed, 'sample')} ${passed === 1 ? 'comes' : 'come'} out as said.` : <><b class="critical">{count(t.tests.length - passed)} of {plural(t.tests.length, 'sample')} {t.tests.length - passed === 1 ? 'comes' : 'come'} out otherwise.</b></>}{yours === '' && ' They ship with it.'}</p>}
      {t && t.tests.length === 0 && !editing && (
        <div class="keep-nothing">
          <h2>It has no sample yet</h2>
          <p>A sample is a line and what has to become of it. Paste lines under Preview, and make samples of them; or write them.</p>
          <p class="keep-actions"><button class="button" onClick={() => write(example)}>Write samples</button></p>
        </div>
      )}
      {t && (
        <ul class="samples">
          {[...t.tests].sort((a, b) => Number(a.passed) - Number(b.passed)).map((x) => (
            <li key={x.name}>
              <span class={x.passed ? 'good' : 'critical'}>{x.passed ? 'as said' : 'otherwise'}</span> <span class="hi">{oneLine(x.name, 200)}</span>
              {x.differs.length > 0 && <pre class="sample-differs" tabIndex={0}>{x.differs.map((d, i) => <span key={i} class={d.startsWith('-') ? 'critical' : d.startsWith('+') ? 'good' : ''}>{oneLine(d, 600)}{'\n'}</span>)}</pre>}
            </li>
          ))}
        </ul>
      )}
      {editing ? (
        <>
          <CodeEditor label="Samples" language="yaml" value={yours} onChange={putSamples} problems={(samples === yours ? (t?.problems ?? []) : []).map((p) => mistakeOf(p, false))} lines={[8, 24]} />
          <p class="small mut">They are kept until this page is left: put them beside the document’s file, as <code>NAME.test.yaml</code>, for <code>nightjar pipelines test</code>.</p>
          <p class="keep-actions"><button class="button" onClick={() => void copy(yours)}>Copy</button><button class="button quiet" onClick={() => (putSamples(''), setEditing(false))}>Leave them out</button></p>
        </>
      ) : t && t.samples !== '' && <p class="keep-actions"><button class="button" onClick={() => write(t.samples)}>Change them for a try</button></p>}
    </>
  )
}
