import { useState } from 'preact/hooks'
import { testPipeline, type PipelineTest, type StoredPipeline } from '../../../api/pipeline-documents'
import { keepSamples, readSamples, type PipelineSamples } from '../../../api/pipeline-samples'
import { CodeEditor } from '../../../parts/code-editor'
import { Known } from '../../../parts/keep'
import { Problem } from '../../../parts/problem'
import { copy } from '../../../parts/value'
import { useAsk } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { useSettled } from '../../../state/settled'
import { count, oneLine, plural } from '../../../state/text'
import { putDraft, useDraft } from './kept-samples'
import { SamplesVersions } from './samples-versions'
import { mistakeOf, type Text } from './use-text'

const example = (id: string) => `pipeline: ${JSON.stringify(id || 'draft')}
samples:
- name: what this line says
  input: "paste a line here"
  source: mine
  result:
    has:
      usr: {name: ann}
`

/** saidOf is a sentence about samples that were run; empty: there are none. */
export function saidOf(tests: PipelineTest[]): string {
  const otherwise = tests.filter((t) => !t.passed).length
  if (tests.length === 0) return ''
  return otherwise === 0 ? ` ${plural(tests.length, 'sample')} ${tests.length === 1 ? 'comes' : 'come'} out as said.` : ` ${count(otherwise)} of ${plural(tests.length, 'sample')} ${otherwise === 1 ? 'comes' : 'come'} out otherwise.`
}

/** Samples are lines and what the document has to make of each: those that are kept, those that ship, or what is being written. */
export function Samples({ stored, text }: { stored: StoredPipeline | undefined; text: Text }) {
  const id = stored?.id ?? ''
  const kept = useAsk(id === '' ? null : 'samples ' + id, (stop) => readSamples(id, stop), 'keep')
  if (id === '') return <Written id="" kept={{ text: '', version: 0, at: 0, builtIn: false }} text={text} again={() => undefined} />
  return <Known of={kept}>{(k) => <Written id={id} kept={k} text={text} again={kept.again} />}</Known>
}

function Written({ id, kept, text, again }: { id: string; kept: PipelineSamples; text: Text; again: () => void }) {
  const draft = useDraft(id)
  const document = useSettled(text.last, 200)
  const samples = useSettled(draft ?? kept.text, 400)
  const run = useAsk(document && samples.trim() !== '' ? JSON.stringify([document, samples]) : null, (stop) => testPipeline(document ?? {}, id, samples, stop), 'keep')
  const t = samples.trim() === '' ? undefined : run.value
  return (
    <>
      {run.error && <Problem error={run.error} again={run.again} />}
      {!document && <p class="keep-note">Samples run once the document can be read.</p>}
      {t && t.tests.length > 0 && <p class="keep-note" role="status"><b class={t.tests.some((x) => !x.passed) ? 'critical' : 'hi'}>{saidOf(t.tests).trim()}</b>{draft === undefined && kept.builtIn && ' They ship with it.'}</p>}
      {samples.trim() === '' && draft === undefined && (
        <div class="keep-nothing">
          <h2>It has no sample yet</h2>
          <p>A sample is a line and what has to become of it. Paste lines under Preview, and make samples of them; or write them.</p>
          <p class="keep-actions"><button class="button" onClick={() => putDraft(id, example(id))}>Write samples</button></p>
        </div>
      )}
      {t && <Results of={t.tests} />}
      {draft !== undefined ? <Draft id={id} kept={kept} draft={draft} mistakes={samples === draft ? (t?.problems ?? []).map((p) => mistakeOf(p, false)) : []} again={again} />
        : kept.text !== '' && <p class="keep-actions"><button class="button" onClick={() => putDraft(id, kept.text)}>Change the samples</button></p>}
      {kept.version > 0 && <SamplesVersions id={id} version={kept.version} />}
    </>
  )
}

function Results({ of: tests }: { of: PipelineTest[] }) {
  return (
    <ul class="samples">
      {[...tests].sort((a, b) => Number(a.passed) - Number(b.passed)).map((x) => (
        <li key={x.name}>
          <span class={x.passed ? 'good' : 'critical'}>{x.passed ? 'as said' : 'otherwise'}</span> <span class="hi">{oneLine(x.name, 200)}</span>
          {x.differs.length > 0 && <pre class="sample-differs" tabIndex={0}>{x.differs.map((d, i) => <span key={i} class={d.startsWith('-') ? 'critical' : d.startsWith('+') ? 'good' : ''}>{oneLine(d, 600)}{'\n'}</span>)}</pre>}
        </li>
      ))}
    </ul>
  )
}

interface DraftProps {
  id: string
  kept: PipelineSamples
  draft: string
  mistakes: ReturnType<typeof mistakeOf>[]
  again: () => void
}

/** Draft is the text as it is written, and keeps it. */
function Draft({ id, kept, draft, mistakes, again }: DraftProps) {
  const lacks = useMay('configure')
  const [keeping, setKeeping] = useState(false)
  const keep = async () => {
    setKeeping(true)
    try {
      const tests = await keepSamples(id, draft, kept.version)
      putDraft(id, undefined)
      tell({ text: `The samples are kept.${saidOf(tests)}` })
      again()
    } catch (e) {
      tell({ text: `They were not kept: ${(e as Error).message}`, failed: true })
    }
    setKeeping(false)
  }
  return (
    <>
      <CodeEditor label="Samples" language="yaml" value={draft} onChange={(text) => putDraft(id, text)} problems={mistakes} lines={[8, 24]} />
      <p class="small mut">{id === '' ? 'They are kept with the pipeline when it is created.' : 'Kept samples are run whenever the pipeline is saved.'} {lacks !== '' && `Keeping them ${lacks}.`}</p>
      <p class="keep-actions">
        {id !== '' && <button class="button main" disabled={lacks !== '' || keeping || mistakes.length > 0} title={lacks} onClick={() => void keep()}>Keep the samples</button>}
        <button class="button" onClick={() => void copy(draft)}>Copy</button><button class="button quiet" onClick={() => putDraft(id, undefined)}>Leave them as they were</button>
      </p>
    </>
  )
}
