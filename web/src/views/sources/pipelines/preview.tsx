import { useState } from 'preact/hooks'
import { searchEvents } from '../../../api/events'
import type { PipelineDocument, StoredPipeline } from '../../../api/pipeline-documents'
import { previewDraft, type Input, type Previewed } from '../../../api/pipelines'
import { Known } from '../../../parts/keep'
import { Problem } from '../../../parts/problem'
import { useAsk } from '../../../state/ask'
import { useSettled } from '../../../state/settled'
import { count, oneLine, plural, shown } from '../../../state/text'
import { whatOf } from '../../../state/field'
import { PipelineSteps } from '../steps'
import { addSample } from './kept-samples'
import type { Text } from './use-text'

/** Tried is something to try a document on. */
interface Tried {
  key: string
  text: string
  input: Input
}

const most = 20

/** Preview shows what the document would make of events: stored ones that a search finds, or pasted lines. */
export function Preview({ stored, text, samples }: { stored: StoredPipeline | undefined; text: Text; samples: string }) {
  const [query, setQuery] = useState(samples || '*')
  const [pasted, setPasted] = useState('')
  const source = /source:([\w.-]+)/.exec(text.last?.filter?.query ?? '')?.[1] ?? ''
  const [said, setSaid] = useState<string | undefined>()
  const asked = useSettled(query, 400)
  const found = useAsk(asked, (stop) => searchEvents(asked.trim() || '*', 'now-7d', '', undefined, most, stop), 'keep')
  const lines: Tried[] = pasted.split('\n').filter((l) => l.trim() !== '').slice(0, most).map((line, i) => ({ key: `${i} ${line}`, text: line, input: { line, source: said ?? source } }))
  const events: Tried[] = (found.value?.events ?? []).map((e) => ({ key: e.id, text: whatOf(e), input: { event: e.id } }))
  return (
    <>
      <div class="keep-form">
        <label class="pipeline-wide">Stored events of 7 days <input class="field mono" value={query} spellcheck={false} onInput={(e) => setQuery(e.currentTarget.value)} /></label>
      </div>
      <details class="pipeline-paste" open={pasted !== ''}>
        <summary>Or paste lines</summary>
        <label class="small mut">Lines, each an event <textarea class="field mono" rows={4} value={pasted} spellcheck={false} onInput={(e) => setPasted(e.currentTarget.value)} /></label>
        <label class="small mut">They say source <input class="field mono" value={said ?? source} onInput={(e) => setSaid(e.currentTarget.value)} /></label>
      </details>
      {lines.length > 0 ? <Tries all={lines} stored={stored} text={text} /> : (
        <Known of={found}>{() => events.length === 0 ? <p class="keep-note">No event of 7 days is so. Change the search, or paste lines.</p> : <Tries all={events} stored={stored} text={text} />}</Known>
      )}
    </>
  )
}

/** Tries are all that it is tried on, and one of them step by step. */
function Tries({ all, stored, text }: { all: Tried[]; stored: StoredPipeline | undefined; text: Text }) {
  const [open, setOpen] = useState<string | undefined>()
  const document = useSettled(text.last, 200)
  const key = document ? JSON.stringify([document, all.map((t) => [t.key, t.input])]) : null
  const tried = useAsk(key, (stop) => Promise.all(all.map((t) => tryOne(document ?? {}, stored?.id ?? '', t, stop))), 'keep')
  if (!document) return <p class="keep-note">What it does shows here once its document can be read.</p>
  if (tried.error && !tried.value) return <Problem error={tried.error} again={tried.again} />
  const results = new Map((tried.value ?? []).map((r) => [r.key, r]))
  const current = results.get(open ?? '') ?? results.get(all[0]?.key ?? '')
  const good = [...results.values()].filter((r) => r.did && verdictOf(r.did) === 'read').length
  return (
    <>
      <p class="keep-note" role="status">{tried.asking && !tried.value ? 'Reading…' : `${count(good)} of ${plural(results.size, 'event')} ${good === 1 ? 'is' : 'are'} read.`}{text.document === undefined && !text.asking && ' The document has mistakes: this is what it did before them.'}</p>
      <ul class="tries">
        {all.map((t) => {
          const r = results.get(t.key)
          const verdict = r?.did ? verdictOf(r.did) : r?.error !== undefined ? 'failed' : ''
          return <li key={t.key}><button aria-pressed={current?.key === t.key} onClick={() => setOpen(t.key)}><span class={'try-verdict ' + (verdict === 'read' ? 'good' : verdict === 'failed' ? 'critical' : 'mut')}>{verdict || '…'}</span><code class="cut">{oneLine(t.text, 300)}</code></button></li>
        })}
      </ul>
      {current && <One of={current} of2={all.find((t) => t.key === current.key)} id={stored?.id ?? ''} />}
    </>
  )
}

interface Result {
  key: string
  did: Previewed | undefined
  error: string | undefined
}

async function tryOne(document: PipelineDocument, id: string, t: Tried, stop: AbortSignal): Promise<Result> {
  try {
    return { key: t.key, did: await previewDraft(document, id, t.input, stop), error: undefined }
  } catch (e) {
    if (stop.aborted) throw e
    return { key: t.key, did: undefined, error: (e as Error).message }
  }
}

/** verdictOf is read, where a parser found something or nothing was to be parsed; else why not. */
function verdictOf(d: Previewed): 'read' | 'failed' | 'no rule' | 'not its own' {
  if (!d.matched) return 'not its own'
  if (d.stopped !== '' || d.steps.some((s) => s.outcome === 'failed')) return 'failed'
  const parsers = d.steps.filter((s) => s.type === 'grok-parser')
  return parsers.length > 0 && parsers.every((s) => s.outcome !== 'applied') ? 'no rule' : 'read'
}

function One({ of: r, of2: t, id }: { of: Result; of2: Tried | undefined; id: string }) {
  const d = r.did
  if (!d) return <p class="critical" role="alert">{r.error}</p>
  return (
    <div class="try">
      <h3>Step by step</h3>
      {t && <pre class="try-raw" tabIndex={0}>{shown((d.raw || t.text).slice(0, 4000))}</pre>}
      {d.others.length > 0 && <p class="small mut">Read by {d.others.map((o) => oneLine(o.name, 80)).join(', ')} as well.</p>}
      {!d.matched ? <p>Its filter does not find this event.</p> : <PipelineSteps steps={d.steps} />}
      {d.stopped !== '' && <p class="critical">It was stopped: {oneLine(d.stopped, 300)}</p>}
      <h3>What is stored</h3>
      <dl class="keep-facts">
        {(['source', 'service', 'host', 'status', 'timestamp', 'message'] as const).map((f) => d.after[f] !== '' && <div key={f}><dt>{f}</dt><dd class="mono">{oneLine(d.after[f], 400)}</dd></div>)}
      </dl>
      <pre class="try-raw" tabIndex={0}>{shown(JSON.stringify(d.after.attributes, null, 2).slice(0, 20_000))}</pre>
      {t && 'line' in t.input && d.matched && <p class="keep-actions"><button class="button" onClick={() => void addSample(id, t.input as { line: string; source: string }, d)}>Make a sample of it</button></p>}
    </div>
  )
}
