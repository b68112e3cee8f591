import { useState } from 'preact/hooks'
import type { TestResult } from '../../api/authoring'
import type { Rule } from '../../api/rules'
import { CodeEditor, type Mistake } from '../../parts/code-editor'
import { Problem } from '../../parts/problem'
import { oneLine, plural, shown } from '../../state/text'
import { labelOf } from './form/methods'
import { mistakeOf } from './form/search-field'
import { withTest } from './test-text'
import type { Tests } from './use-tests'

/** TestsPart is what the rule must give of events that are written down, run by the engine while the rule is edited. */
export function TestsPart({ tests, rule }: { tests: Tests; rule: Rule | undefined }) {
  const [editing, setEditing] = useState(false)
  const [adding, setAdding] = useState(false)
  const results = tests.text.trim() === '' ? [] : (tests.run.value?.tests ?? [])
  const failing = results.filter((t) => !t.passed).length
  const error = tests.text.trim() === '' ? '' : (tests.run.value?.error ?? '')
  return (
    <section class="rule-part" aria-label="Tests">
      <div class="rule-part-head">
        <h2>Tests <small>{headOf(results.length, failing, error, tests)}</small></h2>
        <span class="grow" />
        {tests.changed && <button class="link" onClick={tests.discard}>Discard</button>}
        <button class="link" disabled={!tests.isKnown} onClick={() => setAdding(!adding)}>{adding ? 'Close' : 'Make one of an event'}</button>
        <button class="link" aria-expanded={editing} disabled={!tests.isKnown} onClick={() => setEditing(!editing)}>{editing ? 'Show results' : 'Edit'}</button>
      </div>
      {tests.error && <Problem error={tests.error} />}
      {tests.run.error && <Problem error={tests.run.error} again={tests.run.again} />}
      {error !== '' && <pre class="rule-differs critical" role="alert">{shown(error)}</pre>}
      {adding && <Adding rule={rule} add={(text) => (tests.type(withTest(tests.text, text)), setAdding(false))} />}
      {editing
        ? <CodeEditor label="Tests as YAML" language="yaml" value={tests.text} onChange={tests.type} problems={mistakesOf(error)} tells="elsewhere" lines={[12, 30]} />
        : <ul class="rule-tests">{results.map((t) => <Result key={t.name} of={t} />)}</ul>}
      {tests.text.trim() === '' && !editing && !adding && <p class="mut">There is no test: what must it give of which events? They are those of <code>nightjar test</code>, and run on each draft.</p>}
      {tests.lacks !== '' && tests.text !== '' && <p class="mut small">Running them {tests.lacks}.</p>}
      {(tests.run.value?.warnings ?? []).map((w) => <p key={w} class="medium small">{oneLine(w)}</p>)}
    </section>
  )
}

/** mistakesOf are the places that an error names, a line for each. */
const mistakesOf = (error: string): Mistake[] => error.split('\n').map((line) => mistakeOf(line.trim())).filter((m): m is Mistake => typeof m !== 'string')

function headOf(all: number, failing: number, error: string, tests: Tests) {
  if (error !== '') return <span class="critical">they can’t be run</span>
  if (failing > 0) return <span class="critical">{failing} of {all} {failing === 1 ? 'fails' : 'fail'}</span>
  return <>{all > 0 && `${plural(all, 'test')} of this draft ${all === 1 ? 'passes' : 'pass'}`}{tests.changed && ', not saved'}</>
}

function Result({ of }: { of: TestResult }) {
  const [open, setOpen] = useState(false)
  return (
    <li>
      <span class={of.passed ? 'good' : 'critical'}><span aria-hidden="true">{of.passed ? '✓' : '✕'}</span><span class="unseen">{of.passed ? 'passes' : 'fails'}</span></span>
      {of.passed ? <span class="cut">{oneLine(of.name)}</span> : <button class="rule-test-open cut" aria-expanded={open} onClick={() => setOpen(!open)}>{oneLine(of.name)}</button>}
      <span class={of.passed ? 'mut small' : 'critical small cut'}>{of.passed ? '' : oneLine(of.problems[0]?.split('\n')[0] ?? '', 200)}</span>
      <span class="mut small">line {of.line}</span>
      {open && <pre class="rule-differs">{of.problems.join('\n').split('\n').map((line, i) => <span key={i} class={/^\s*-/.test(line) ? 'low' : /^\s*\+/.test(line) ? 'critical' : 'mut'}>{shown(line)}{'\n'}</span>)}</pre>}
    </li>
  )
}

/** Adding makes a test of an event, so many times, and what that must give. */
function Adding({ rule, add }: { rule: Rule | undefined; add: (test: NewTest) => void }) {
  const source = /\bsource:([\w.-]+)/.exec(rule?.queries?.[0]?.query ?? '')?.[1] ?? ''
  const [name, setName] = useState('')
  const [event, setEvent] = useState(`{\n  "source": ${JSON.stringify(source)},\n  "message": ""\n}`)
  const [times, setTimes] = useState(1)
  const [signals, setSignals] = useState(1)
  const wrong = problemOf(event)
  const labels = (rule?.queries ?? []).map(labelOf)
  return (
    <form class="rule-test" onSubmit={(e) => (e.preventDefault(), wrong === '' && add({ name: name || `${times} of these give ${signals === 0 ? 'nothing' : plural(signals, 'signal')}`, event, times, signals }))}>
      <input class="field" aria-label="Name of the test" placeholder="The fact that it shows" value={name} onInput={(e) => setName(e.currentTarget.value)} />
      <textarea class="field mono" rows={6} aria-label="Event as it is sent to the intake" spellcheck={false} value={event} onInput={(e) => setEvent(e.currentTarget.value)} />
      <div class="rule-test-row">
        <label class="mut">so many, a second apart <input class="field mono" type="number" min={1} max={100_000} value={times} onInput={(e) => setTimes(Math.max(1, Number(e.currentTarget.value) || 1))} /></label>
        <label class="mut">signals that it must give <input class="field mono" type="number" min={0} max={1000} value={signals} onInput={(e) => setSignals(Math.max(0, Number(e.currentTarget.value) || 0))} /></label>
        <button class="button" disabled={wrong !== ''}>Add</button>
      </div>
      {wrong !== '' ? <p class="critical small" role="alert">{wrong}</p> : <p class="mut small">{'{n}'} in it counts the events. It is asked by {labels.map((l) => oneLine(l, 40)).join(', ') || 'the rule'}.</p>}
    </form>
  )
}

export interface NewTest {
  name: string
  event: string
  times: number
  signals: number
}

function problemOf(event: string): string {
  try {
    const e: unknown = JSON.parse(event)
    return typeof e === 'object' && e !== null && !Array.isArray(e) ? '' : 'An event is an object: { "message": … }.'
  } catch (e) {
    return (e as Error).message
  }
}
