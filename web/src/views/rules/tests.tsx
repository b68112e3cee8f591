import { useState } from 'preact/hooks'
import { tryEvent, type Rule } from '../../api/rules'
import { Problem } from '../../parts/problem'
import { useAsk } from '../../state/ask'
import { oneLine, plural } from '../../state/text'

/** Test is an event, and whether a query of the rule should let it through. */
interface Test {
  name: string
  event: string
  query: string
  expected: boolean
}

const place = (id: string): string => 'nightjar.tests.' + id

function kept(id: string): Test[] {
  try {
    const all: unknown = JSON.parse(localStorage.getItem(place(id)) ?? '[]')
    return Array.isArray(all) ? all.filter((t: Partial<Test>): t is Test => typeof t?.event === 'string' && typeof t.query === 'string' && typeof t.name === 'string') : []
  } catch {
    return []
  }
}

/** Tests asks the engine whether queries let events through, as somebody expects, while the rule is edited. */
export function Tests({ id, rule, text }: { id: string; rule: Rule | undefined; text: string }) {
  const [tests, setTests] = useState(() => kept(id))
  const [adding, setAdding] = useState(false)
  const put = (next: Test[]) => {
    setTests(next)
    try {
      localStorage.setItem(place(id), JSON.stringify(next))
    } catch {
      // they hold for this page
    }
  }
  const names = (rule?.queries ?? []).map((q, i) => q.name || 'abcdefghijklmnopqrstuvwxyz'[i] || String(i))
  const asked = useAsk(rule && tests.length > 0 ? JSON.stringify([text, tests]) : null, async (stop) => {
    const out: (boolean | undefined)[] = []
    for (const t of tests) out.push((await tryEvent(rule as Rule, JSON.parse(t.event) as unknown, stop))[names.indexOf(t.query)])
    return out
  }, 'keep')
  const results = tests.map((_, i) => asked.value?.[i])
  const failing = tests.filter((t, i) => results[i] !== undefined && results[i] !== t.expected).length
  return (
    <section class="rule-part" aria-label="Tests">
      <div class="rule-part-head">
        <h2>Tests <small>{tests.length === 0 ? 'does a query let an event through?' : failing > 0 ? <span class="critical">{failing} of {tests.length} fail</span> : plural(tests.length, 'test')}</small></h2>
        <span class="grow" />
        <button class="link" onClick={() => setAdding(!adding)}>{adding ? 'Close' : 'Add a test'}</button>
      </div>
      {asked.error && <Problem error={asked.error} again={asked.again} />}
      <ul class="rule-tests">
        {tests.map((t, i) => {
          const got = results[i]
          const good = got === t.expected
          return (
            <li key={i}>
              <span class={got === undefined ? 'mut' : good ? 'good' : 'critical'}><span aria-hidden="true">{got === undefined ? '·' : good ? '✓' : '✕'}</span><span class="unseen">{got === undefined ? 'not asked' : good ? 'passes' : 'fails'}</span></span>
              <span class="cut" title={oneLine(t.event, 1000)}>{oneLine(t.name)}</span>
              <span class={got !== undefined && !good ? 'critical' : 'mut'}>{got === undefined ? `no query ${oneLine(t.query, 40)}` : `${oneLine(t.query, 40)} ${got ? 'lets it through' : 'leaves it out'}${good ? '' : t.expected ? ', expected to let it through' : ', expected to leave it out'}`}</span>
              <button class="link" aria-label={`Remove the test ${oneLine(t.name, 60)}`} onClick={() => put(tests.filter((_, k) => k !== i))}>Remove</button>
            </li>
          )
        })}
      </ul>
      {adding && <Adding names={names} add={(t) => (put([...tests, t]), setAdding(false))} />}
      {tests.length > 0 && <p class="mut small">Kept in this browser. <code>nightjar test</code> runs those of files, with the signals.</p>}
    </section>
  )
}

function Adding({ names, add }: { names: string[]; add: (t: Test) => void }) {
  const [name, setName] = useState('')
  const [event, setEvent] = useState('{\n  "ddsource": "",\n  "message": ""\n}')
  const [chosen, setQuery] = useState('')
  const query = names.includes(chosen) ? chosen : (names[0] ?? '')
  const [expected, setExpected] = useState(true)
  const wrong = problemOf(event)
  return (
    <form class="rule-test" onSubmit={(e) => (e.preventDefault(), wrong === '' && add({ name: name || 'an event', event, query, expected }))}>
      <input class="field" aria-label="Name of the test" placeholder="What it shows" value={name} onInput={(e) => setName(e.currentTarget.value)} />
      <textarea class="field mono" rows={6} aria-label="Event as it is sent to the intake" spellcheck={false} value={event} onInput={(e) => setEvent(e.currentTarget.value)} />
      <div class="rule-test-row">
        <select class="field" aria-label="Query" value={query} onChange={(e) => setQuery(e.currentTarget.value)}>{names.map((n) => <option key={n}>{n}</option>)}</select>
        <select class="field" aria-label="Expected" value={expected ? 'yes' : 'no'} onChange={(e) => setExpected(e.currentTarget.value === 'yes')}>
          <option value="yes">lets it through</option>
          <option value="no">leaves it out</option>
        </select>
        <button class="button" disabled={wrong !== '' || names.length === 0}>Add</button>
      </div>
      {wrong !== '' && <p class="critical small" role="alert">{wrong}</p>}
    </form>
  )
}

function problemOf(event: string): string {
  try {
    const e: unknown = JSON.parse(event)
    return typeof e === 'object' && e !== null && !Array.isArray(e) ? '' : 'An event is an object: { "message": … }.'
  } catch (e) {
    return (e as Error).message
  }
}
