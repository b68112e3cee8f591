import type { RuleCase } from '../../../api/rules'
import { severities } from '../../../api/signals'
import { oneLine } from '../../../state/text'
import { useForm } from './context'
import { CaseActions } from './actions'
import { ChoiceField, Said, Values, optionsOf } from './fields'
import { mostCases } from './limits'
import { labelsOf, methodOf } from './methods'
import { listAt, valueAt } from './place'

const hints: Record<string, string> = {
  anomaly_detection: 'A label is the probability of a lower value: > 0.995 is unusually many, < 0.005 unusually few.',
  sequence_detection: 'Name the last step, or leave it empty: it holds when the sequence is complete.',
  new_value: 'Empty holds for every new value.', impossible_travel: 'Empty holds for every journey.', content_anomaly: 'Empty holds for every unusual text.',
}

/** Cases are conditions, and what each is worth; the first that holds counts. */
export function Cases() {
  const { rule, edit, set } = useForm()
  const cases = rule.cases ?? []
  const move = (i: number, by: number) => edit((r) => {
    const [c] = (r.cases ?? []).splice(i, 1)
    if (c) r.cases?.splice(i + by, 0, c)
  })
  const add = (): RuleCase => ({ name: '', status: 'low', condition: '', notifications: [] })
  return (
    <div class="rule-field" role="group" aria-label="Cases">
      <span class="mut">Cases</span>
      <div>
        {cases.map((c, i) => (
          <div key={i} class="rule-case-whole">
            <div class="rule-case">
              <select class={'field ' + c.status} aria-label={`Severity of case ${i + 1}`} data-at={`cases[${i}].status`} value={c.status} onChange={(e) => set(`cases[${i}].status`, e.currentTarget.value)}>
                {severities.map((s) => <option key={s}>{s}</option>)}
                {!(severities as string[]).includes(c.status) && <option>{c.status}</option>}
              </select>
              <input class="field mono" aria-label={`Condition of case ${i + 1}`} data-at={`cases[${i}].condition`} spellcheck={false} placeholder={placeholder(labelsOf(rule)[0] ?? 'a', methodOf(rule))} value={c.condition ?? ''} onInput={(e) => set(`cases[${i}].condition`, e.currentTarget.value)} />
              <span class="rule-case-move">
                <button type="button" class="button quiet" aria-label={`Move case ${i + 1} up`} disabled={i === 0} onClick={() => move(i, -1)}>↑</button>
                <button type="button" class="button quiet" aria-label={`Remove case ${i + 1}`} disabled={cases.length === 1} onClick={() => set(`cases[${i}]`, undefined)}>×</button>
              </span>
            </div>
            <div class="rule-case-more">
              <input class="field" aria-label={`Name of case ${i + 1}`} data-at={`cases[${i}].name`} placeholder="name" value={c.name ?? ''} onInput={(e) => set(`cases[${i}].name`, e.currentTarget.value)} />
              <Values name={`who is told of case ${i + 1}`} more={{ 'aria-label': `Who is told of case ${i + 1}`, 'data-at': `cases[${i}].notifications` }} values={c.notifications ?? []} offers={[]} placeholder="tells @…" set={(v) => set(`cases[${i}].notifications`, v)} />
            </div>
            <details class="rule-case-actions" open={listAt(rule, `cases[${i}].actions`).length > 0 || valueAt(rule, `cases[${i}].customStatus`) !== undefined}>
              <summary class="mut small">Own severity, actions</summary>
              <ChoiceField label="Counts as" at={`cases[${i}].customStatus`} of={optionsOf(severities)} usual="its severity" />
              <CaseActions at={`cases[${i}].actions`} name={`case ${i + 1}`} />
            </details>
            <Said at={`cases[${i}]`} whole />
          </div>
        ))}
        <Said at="cases" />
        <button type="button" class="link" disabled={cases.length >= mostCases} onClick={() => edit((r) => void (r.cases = [...(r.cases ?? []), add()]))}>Add a case</button>
        <span class="mut small"> The first that holds counts. {oneLine(hints[methodOf(rule)] ?? `Labels: ${labelsOf(rule).join(', ')}. then asks for an order, then not for what stays away.`, 300)}</span>
      </div>
    </div>
  )
}

const placeholder = (label: string, method: string): string =>
  method === 'anomaly_detection' ? `${label} > 0.995` : ['new_value', 'impossible_travel', 'content_anomaly', 'sequence_detection'].includes(method) ? 'every one' : `${label} >= 10`
