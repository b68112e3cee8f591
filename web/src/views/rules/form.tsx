import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import type { Rule, RuleCase, RuleQuery } from '../../api/rules'
import { change } from '../../state/address'
import { severities } from '../../api/signals'
import { duration } from '../../state/time'
import { oneLine } from '../../state/text'
import { MethodOptions } from './method-options'
import type { Fault } from './use-check'

type Edit = (change: (r: Rule) => void) => void

const methods = ['threshold', 'new_value', 'anomaly_detection', 'impossible_travel', 'sequence_detection', 'anomaly_threshold', 'third_party', 'hardcoded']
const aggregations = ['count', 'cardinality', 'sum', 'max', 'new_value', 'geo_data', 'event_count', 'none']
const windows = [0, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600]
const durations = [...windows, 43200, 86400]

/** Form is what most rules say, in fields; the rest is in the JSON. */
export function Form({ rule, edit, faults }: { rule: Rule; edit: Edit; faults: Fault[] }) {
  const options = rule.options ?? {}
  const method = options.detectionMethod ?? 'threshold'
  const set = (name: string, value: unknown) => edit((r) => void (r.options = { ...r.options, [name]: value }))
  return (
    <form class="rule-form" onSubmit={(e) => e.preventDefault()}>
      <Text label="Name" value={rule.name} set={(v) => edit((r) => void (r.name = v))} at="name" faults={faults} />
      {rule.type !== 'signal_correlation' && (
        <Row label="Method" at="detectionMethod" faults={faults}>{(id) => <Choice id={id} value={method} of={methods} set={(v) => set('detectionMethod', v)} />}</Row>
      )}
      {(rule.queries ?? []).map((q, i) => <Query key={i} query={q} i={i} rule={rule} edit={edit} faults={faults} />)}
      <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => void (r.queries = [...(r.queries ?? []), { name: `query_${(r.queries ?? []).length + 1}`, query: '', aggregation: 'count', groupByFields: [...(r.queries?.[0]?.groupByFields ?? [])] }]))}>Add a query</button></p>
      <Cases rule={rule} edit={edit} faults={faults} />
      <MethodOptions method={method} options={options} set={set} />
      {method === 'sequence_detection' || method === 'third_party' || rule.type === 'signal_correlation'
        ? <p class="mut small rule-add">Steps, root queries and rules that are correlated are edited in the <button type="button" class="link" onClick={() => change({ as: 'json' }, 'replace')}>JSON</button>.</p> : null}
      <Span label="Within" value={options.evaluationWindow} of={windows} set={(v) => set('evaluationWindow', v)} at="evaluationWindow" faults={faults} />
      <Span label="Keep alive" value={options.keepAlive} of={windows} set={(v) => set('keepAlive', v)} at="keepAlive" faults={faults} />
      <Span label="At most" value={options.maxSignalDuration} of={durations} set={(v) => set('maxSignalDuration', v)} at="maxSignalDuration" faults={faults} />
      <Row label="Message" at="message" faults={faults}>
        {(id) => <textarea id={id} class="field mono" rows={4} value={rule.message} onInput={(e) => { const v = e.currentTarget.value; edit((r) => void (r.message = v)) }} />}
      </Row>
      <List label="Tags" value={rule.tags ?? []} set={(v) => edit((r) => void (r.tags = v))} at="tags" faults={faults} />
    </form>
  )
}

function Query({ query, i, rule, edit, faults }: { query: RuleQuery; i: number; rule: Rule; edit: Edit; faults: Fault[] }) {
  const at = `queries[${i}]`
  const set = (part: Partial<RuleQuery>) => edit((r) => void (r.queries = (r.queries ?? []).map((q, k) => (k === i ? { ...q, ...part } : q))))
  if (rule.type === 'signal_correlation') return <Row label={query.name || `Query ${i + 1}`} at={at} faults={faults}>{() => <code>{oneLine(JSON.stringify(query), 300)}</code>}</Row>
  const named = query.name || `query ${i + 1}`
  return (
    <fieldset class="rule-query">
      <legend class="unseen">Query {named}</legend>
      <Text label="Query name" value={query.name ?? ''} set={(v) => set({ name: v })} at={at + '.name'} faults={faults} mono />
      <Row label="Events" at={at + '.query'} faults={faults}>
        {(id) => <textarea id={id} class="field mono" rows={3} spellcheck={false} value={query.query ?? ''} onInput={(e) => set({ query: e.currentTarget.value })} />}
      </Row>
      <Row label="Counts" at={at + '.aggregation'} faults={faults}>{(id) => <Choice id={id} value={query.aggregation ?? 'count'} of={aggregations} set={(v) => set({ aggregation: v })} />}</Row>
      {query.aggregation === 'cardinality' && <List label="Different" value={(query['distinctFields'] as string[] | undefined) ?? []} set={(v) => set({ distinctFields: v })} at={at + '.distinctFields'} faults={faults} />}
      {['sum', 'max', 'new_value', 'geo_data'].includes(query.aggregation ?? '') && <List label="Of" value={(query['metrics'] as string[] | undefined) ?? []} set={(v) => set({ metrics: v })} at={at + '.metrics'} faults={faults} />}
      <List label="For each" value={query.groupByFields ?? []} set={(v) => set({ groupByFields: v })} at={at + '.groupByFields'} faults={faults} />
      {(rule.queries ?? []).length > 1 && <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => void (r.queries = (r.queries ?? []).filter((_, k) => k !== i)))}>Remove {oneLine(named, 40)}</button></p>}
    </fieldset>
  )
}

function Cases({ rule, edit, faults }: { rule: Rule; edit: Edit; faults: Fault[] }) {
  const cases = rule.cases ?? []
  const put = (next: RuleCase[]) => edit((r) => void (r.cases = next))
  const set = (i: number, part: Partial<RuleCase>) => put(cases.map((c, k) => (k === i ? { ...c, ...part } : c)))
  return (
    <div class="rule-field" role="group" aria-label="Cases">
      <span class="mut">Cases</span>
      <div>
        {cases.map((c, i) => (
          <div key={i}>
            <div class="rule-case">
              <select class={'field ' + c.status} aria-label={`Severity of case ${i + 1}`} value={c.status} onChange={(e) => set(i, { status: e.currentTarget.value })}>
                {severities.map((s) => <option key={s}>{s}</option>)}
                {!(severities as string[]).includes(c.status) && <option>{c.status}</option>}
              </select>
              <input class="field mono" aria-label={`Condition of case ${i + 1}`} spellcheck={false} value={c.condition ?? ''} onInput={(e) => set(i, { condition: e.currentTarget.value })} />
              <input class="field mono" aria-label={`Who is told of case ${i + 1}`} placeholder="tells @…" spellcheck={false} value={(c.notifications ?? []).join(' ')} onChange={(e) => set(i, { notifications: words(e.currentTarget.value) })} />
              <button type="button" class="button quiet" aria-label={`Remove case ${i + 1}`} disabled={cases.length === 1} onClick={() => put(cases.filter((_, k) => k !== i))}>×</button>
            </div>
            <Faults at={`cases[${i}]`} faults={faults} />
          </div>
        ))}
        <button type="button" class="link" onClick={() => put([...cases, { name: '', status: 'low', condition: '', notifications: [] }])}>Add a case</button>
        <span class="mut small"> The first that holds counts.</span>
      </div>
    </div>
  )
}

const words = (text: string): string[] => text.split(/[\s,]+/).filter((w) => w !== '')

interface FieldProps {
  label: string
  at: string
  faults: Fault[]
}

function Row({ label, at, faults, children }: FieldProps & { children: (id: string) => ComponentChildren }) {
  const id = useId()
  return (
    <div class="rule-field">
      <label class="mut" for={id}>{label}</label>
      <div>{children(id)}<Faults at={at} faults={faults} /></div>
    </div>
  )
}

function Faults({ at, faults }: { at: string; faults: Fault[] }) {
  const mine = faults.filter((f) => f.target === at || f.target.startsWith(at + '.') || f.target === 'options.' + at)
  return <>{mine.map((f, i) => <p key={i} class="critical small" role="alert">{oneLine(f.message)}</p>)}</>
}

function Text({ value, set, mono, ...row }: FieldProps & { value: string; set: (v: string) => void; mono?: boolean }) {
  return <Row {...row}>{(id) => <input id={id} class={'field' + (mono ? ' mono' : '')} value={value} spellcheck={!mono} onInput={(e) => set(e.currentTarget.value)} />}</Row>
}

/** List is words side by side: fields or tags. */
function List({ value, set, ...row }: FieldProps & { value: string[]; set: (v: string[]) => void }) {
  return <Row {...row}>{(id) => <input id={id} class="field mono" spellcheck={false} value={value.join(' ')} onChange={(e) => set(words(e.currentTarget.value))} />}</Row>
}

function Choice({ id, value, of, set }: { id: string; value: string; of: string[]; set: (v: string) => void }) {
  return (
    <select id={id} class="field" value={value} onChange={(e) => set(e.currentTarget.value)}>
      {[...of, ...(of.includes(value) ? [] : [value])].map((v) => <option key={v} value={v}>{v.replaceAll('_', ' ')}</option>)}
    </select>
  )
}

function Span({ value, of, set, ...row }: FieldProps & { value: number | undefined; of: number[]; set: (v: number) => void }) {
  const all = value === undefined || of.includes(value) ? of : [...of, value]
  return (
    <Row {...row}>
      {(id) => (
        <select id={id} class="field" value={value ?? ''} onChange={(e) => set(Number(e.currentTarget.value))}>
          {value === undefined && <option value="">not said</option>}
          {all.map((s) => <option key={s} value={s}>{s === 0 ? 'one event' : duration(s * 1000)}</option>)}
        </select>
      )}
    </Row>
  )
}
