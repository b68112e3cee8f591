import { useEffect, useState } from 'preact/hooks'
import { clonePipeline, createPipeline, deletePipeline, restorePipeline, testPipeline, updatePipeline, type StoredPipeline } from '../../../api/pipeline-documents'
import { keepSamples } from '../../../api/pipeline-samples'
import { switchPipeline } from '../../../api/pipeline-states'
import { CodeEditor } from '../../../parts/code-editor'
import { Confirm } from '../../../parts/confirm'
import { change, go, pathOf, useAddress } from '../../../state/address'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { count, oneLine, plural } from '../../../state/text'
import { Grok } from './grok'
import { draftOf, putDraft } from './kept-samples'
import { Preview } from './preview'
import { Samples, saidOf } from './samples'
import { useText, type Text } from './use-text'
import { Versions } from './versions'
import './pipelines.css'

interface EditorProps {
  /** Undefined: it is new. */
  stored: StoredPipeline | undefined
  begin: string
  /** A search for events to try it on. */
  samples: string
  again: () => void
}

/** PipelineEditor is a pipeline's document, and beside it what it does. */
export function PipelineEditor({ stored, begin, samples, again }: EditorProps) {
  const text = useText(begin)
  const lacks = useMay('configure')
  const only = stored?.builtIn === true || lacks !== ''
  const changed = text.text !== begin
  useEffect(() => {
    if (!changed) return
    const ask = (e: BeforeUnloadEvent) => e.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [changed])
  return (
    <div class="pipeline">
      <Head stored={stored} text={text} changed={changed || !stored} begin={begin} lacks={lacks} again={again} />
      <div class="pipeline-columns">
        <section aria-label="Document">
          <CodeEditor label="Document of the pipeline" language="yaml" value={text.text} onChange={only ? undefined : text.put} readOnly={only} problems={text.mistakes} lines={[18, 44]} />
          <p class="small mut">{only ? (stored?.builtIn ? 'It is built in: clone it to change it.' : `Changing it ${lacks}.`) : <>YAML or JSON; comments are not kept. Processors and their words: <code>docs/pipelines.md</code>.</>}</p>
          {text.error && <p class="critical">It could not be checked: {text.error.message}</p>}
        </section>
        <Beside stored={stored} text={text} samples={samples} again={again} />
      </div>
    </div>
  )
}

const places = { preview: 'Preview', samples: 'Samples', grok: 'Grok', versions: 'Versions' } as const

function Beside({ stored, text, samples, again }: { stored: StoredPipeline | undefined; text: Text; samples: string; again: () => void }) {
  const { query } = useAddress()
  const at = query.get('beside') ?? 'preview'
  return (
    <section aria-label="What it does" class="pipeline-beside">
      <div class="place-tabs" role="tablist" aria-label="What it does">
        {Object.entries(places).filter(([k]) => stored || k !== 'versions').map(([k, title]) => <button key={k} role="tab" aria-selected={k === at} onClick={() => change({ beside: k === 'preview' ? undefined : k }, 'replace')}>{title}</button>)}
      </div>
      {at === 'samples' ? <Samples stored={stored} text={text} /> : at === 'grok' ? <Grok text={text} readOnly={stored?.builtIn === true} />
        : at === 'versions' && stored ? <Versions stored={stored} again={again} /> : <Preview stored={stored} text={text} samples={samples} />}
    </section>
  )
}

function Head({ stored, text, changed, begin, lacks, again }: { stored: StoredPipeline | undefined; text: Text; changed: boolean; begin: string; lacks: string; again: () => void }) {
  const [saving, setSaving] = useState(false)
  const [deleting, setDeleting] = useState(false)
  const act = async (does: () => Promise<void>) => {
    setSaving(true)
    try {
      await does()
    } catch (e) {
      tell({ text: `Not done: ${(e as Error).message}`, failed: true })
    }
    setSaving(false)
  }
  const save = () => act(async () => {
    const document = text.document
    if (!document) return
    if (!stored) {
      const id = await createPipeline(document)
      const samples = draftOf('')
      const tests = samples === undefined ? [] : await keepSamples(id, samples, 0)
      putDraft('', undefined)
      tell({ text: `It is in force for what arrives from now on.${saidOf(tests)} Stored events are read again where somebody asks for it.` })
      return go(pathOf(['sources', 'pipelines', id]), 'replace')
    }
    await updatePipeline(stored.id, stored.version, document)
    const { tests } = await testPipeline(document, stored.id, '')
    tell({ text: `${oneLine(stored.name, 80)} is stored, and in force for what arrives from now on.${saidOf(tests)}` })
    again()
  })
  const turn = (p: StoredPipeline) => act(async () => (await switchPipeline(p.id, p.enabled ? 'off' : 'on'), tell({ text: `${oneLine(p.name, 80)} is ${p.enabled ? 'off' : 'on'}.` }), again()))
  const clone = (p: StoredPipeline) => act(async () => go(pathOf(['sources', 'pipelines', await clonePipeline(p.id)])))
  const blocked = lacks || (text.mistakes.some((m) => !m.mild) ? 'its document has mistakes' : '')
  return (
    <div class="pipeline-head">
      <div>
        <h2><a class="link" href="/sources/pipelines">Pipelines</a> / {stored ? oneLine(stored.name, 120) : 'new'}</h2>
        {stored && <p class="small mut">{stored.builtIn ? 'built in' : 'yours'}, {stored.enabled ? 'on' : 'off'}, v{stored.version}; {plural(stored.events, 'event')} matched and {count(stored.failed)} failed since the engine started{stored.broken !== '' && <span class="critical">; {oneLine(stored.broken, 300)}</span>}</p>}
      </div>
      <div class="keep-actions">
        {!stored?.builtIn && <button class="button main" disabled={blocked !== '' || !changed || saving || !text.document} title={blocked} onClick={() => void save()}>{stored ? 'Save' : 'Create'}</button>}
        {changed && stored && <button class="button" onClick={() => text.put(begin)}>Discard changes</button>}
        {stored && <button class="button" disabled={lacks !== '' || saving || changed} title={lacks} onClick={() => void turn(stored)}>Switch {stored.enabled ? 'off' : 'on'}</button>}
        {stored && <button class="button" disabled={lacks !== '' || saving} title={lacks} onClick={() => void clone(stored)}>Clone</button>}
        {stored && !stored.builtIn && <button class="button danger" disabled={lacks !== ''} title={lacks} onClick={() => setDeleting(true)}>Delete</button>}
        {stored && <a class="button" href={pathOf(['sources', 'again'], { query: stored.query })}>Read stored events again</a>}
      </div>
      {deleting && stored && (
        <Confirm title={`Delete ${oneLine(stored.name, 80)}?`} verb="Delete" close={() => setDeleting(false)} act={async () => (await deletePipeline(stored.id), go('/sources/pipelines'), `${oneLine(stored.name, 80)} is deleted.`)} undo={() => void restore(stored)}>
          <p>{stored.events === 0 ? 'It has read no event since the engine started.' : `It has read ${plural(stored.events, 'event')} since the engine started; what arrives now comes without its fields.`}</p>
          <p class="small mut">Stored events stay as they are, and so do its versions and samples: it can be restored.</p>
        </Confirm>
      )}
    </div>
  )
}

async function restore(p: StoredPipeline): Promise<void> {
  try {
    await restorePipeline(p.id, 0)
    tell({ text: `${oneLine(p.name, 80)} is there again.` })
    go(pathOf(['sources', 'pipelines', p.id]))
  } catch (e) {
    tell({ text: `It was not restored: ${(e as Error).message}`, failed: true })
  }
}
