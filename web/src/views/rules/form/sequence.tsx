import type { Rule } from '../../../api/rules'
import { oneLine } from '../../../state/text'
import { useForm } from './context'
import { Choice, Said, SpanField, TextField } from './fields'
import { mostSteps, windows } from './limits'
import { labelsOf } from './methods'
import { listAt, put, textAt } from './place'

const place = 'options.sequenceDetectionOptions'
const stepAt = (i: number) => `${place}.steps[${i}]`
const transitionAt = (i: number) => `${place}.stepTransitions[${i}]`

/** Sequence is steps with a condition each, and how soon one follows another. */
export function Sequence() {
  const { rule, edit } = useForm()
  const steps = listAt(rule, place + '.steps')
  return (
    <fieldset class="rule-query">
      <legend class="rule-legend">Steps</legend>
      <Said at={place} />
      <Said at={place + '.steps'} />
      {steps.map((_, i) => <Step key={i} i={i} />)}
      <p class="rule-add">
        <button type="button" class="link" disabled={steps.length >= mostSteps} onClick={() => edit(addStep)}>Add a step</button>
        <span class="mut small"> {steps.length} of at most {mostSteps}</span>
      </p>
      <Transitions />
    </fieldset>
  )
}

function Step({ i }: { i: number }) {
  const { rule, edit } = useForm()
  const name = textAt(rule, stepAt(i) + '.name')
  return (
    <div class="rule-step" role="group" aria-label={`Step ${i + 1}`}>
      <div class="rule-step-head">
        <span class="mut">Step {i + 1}</span>
        <button type="button" class="link" onClick={() => edit((r) => removeStep(r, i))}>Remove {oneLine(name, 40)}</button>
      </div>
      <Said at={stepAt(i)} />
      <StepName i={i} />
      <TextField label="Holds when" at={stepAt(i) + '.condition'} mono placeholder={`${labelsOf(rule)[0] ?? 'a'} > 0`} />
      <SpanField label="Within" at={stepAt(i) + '.evaluationWindow'} of={windows} usual="one event" />
    </div>
  )
}

/** StepName renames a step, and what says its name with it. */
function StepName({ i }: { i: number }) {
  const { rule, edit } = useForm()
  const at = stepAt(i) + '.name'
  const name = textAt(rule, at)
  return (
    <div class="rule-field">
      <label class="mut" for={'step-name-' + i}>Name</label>
      <div>
        <input id={'step-name-' + i} class="field mono" data-at={at} spellcheck={false} value={name} onInput={(e) => { const v = e.currentTarget.value; edit((r) => rename(r, i, v)) }} />
        <Said at={at} />
      </div>
    </div>
  )
}

function rename(r: Rule, i: number, to: string): void {
  const before = textAt(r, stepAt(i) + '.name')
  put(r, stepAt(i) + '.name', to)
  if (before === '' || listAt(r, place + '.steps').some((_, k) => k !== i && textAt(r, stepAt(k) + '.name') === before)) return
  listAt(r, place + '.stepTransitions').forEach((_, k) => {
    for (const end of ['.parent', '.child']) if (textAt(r, transitionAt(k) + end) === before) put(r, transitionAt(k) + end, to)
  })
  for (const c of r.cases ?? []) if (c.condition === `${before} > 0`) c.condition = `${to} > 0`
}

function addStep(r: Rule): void {
  const steps = listAt(r, place + '.steps')
  const taken = steps.map((_, i) => textAt(r, stepAt(i) + '.name'))
  const name = [...'abcdefghij'.slice(steps.length)].map((c) => 'step_' + c).find((n) => !taken.includes(n)) ?? `step_${steps.length + 1}`
  put(r, stepAt(steps.length), { name, condition: `${labelsOf(r).at(-1) ?? 'a'} > 0`, evaluationWindow: 0 })
  const last = taken.at(-1)
  if (last === undefined) return
  put(r, transitionAt(listAt(r, place + '.stepTransitions').length), { parent: last, child: name, evaluationWindow: 3600 })
  for (const c of r.cases ?? []) if (c.condition === `${last} > 0`) c.condition = `${name} > 0`
}

/** removeStep takes a step out, and joins what was before it to what was after it. */
function removeStep(r: Rule, i: number): void {
  const name = textAt(r, stepAt(i) + '.name')
  const all = listAt(r, place + '.stepTransitions').map((_, k) => ({ parent: textAt(r, transitionAt(k) + '.parent'), child: textAt(r, transitionAt(k) + '.child'), whole: listAt(r, place + '.stepTransitions')[k] }))
  const into = all.find((t) => t.child === name)
  const kept = all.filter((t) => t.child !== name).map((t) => (t.parent === name && into ? { ...(t.whole as object), parent: into.parent } : t.parent === name ? undefined : t.whole)).filter((t) => t !== undefined)
  put(r, stepAt(i), undefined)
  put(r, place + '.stepTransitions', kept)
  const last = textAt(r, stepAt(listAt(r, place + '.steps').length - 1) + '.name')
  for (const c of r.cases ?? []) if (c.condition === `${name} > 0`) c.condition = `${last} > 0`
}

function Transitions() {
  const { rule, set, edit } = useForm()
  const names = listAt(rule, place + '.steps').map((_, i) => textAt(rule, stepAt(i) + '.name'))
  const of = names.map((value) => ({ value, text: value }))
  const all = listAt(rule, place + '.stepTransitions')
  return (
    <div class="rule-field" role="group" aria-label="What follows what">
      <span class="mut">In order</span>
      <div>
        {all.map((_, i) => (
          <div key={i}>
            <div class="rule-transition">
              <Choice more={{ 'aria-label': `First of transition ${i + 1}`, 'data-at': transitionAt(i) + '.parent' }} class="mono" value={textAt(rule, transitionAt(i) + '.parent')} of={of} set={(v) => set(transitionAt(i) + '.parent', v)} />
              <span class="mut">then</span>
              <Choice more={{ 'aria-label': `Second of transition ${i + 1}`, 'data-at': transitionAt(i) + '.child' }} class="mono" value={textAt(rule, transitionAt(i) + '.child')} of={of} set={(v) => set(transitionAt(i) + '.child', v)} />
              <button type="button" class="button quiet" aria-label={`Remove transition ${i + 1}`} onClick={() => set(transitionAt(i), undefined)}>×</button>
            </div>
            <SpanField label="within" at={transitionAt(i) + '.evaluationWindow'} of={windows.filter((n) => n > 0)} />
            <Said at={transitionAt(i)} />
            <Said at={transitionAt(i) + '.parent'} />
            <Said at={transitionAt(i) + '.child'} />
          </div>
        ))}
        <button type="button" class="link" onClick={() => edit((r) => put(r, transitionAt(all.length), { parent: names.at(-2) ?? '', child: names.at(-1) ?? '', evaluationWindow: 3600 }))}>Add a transition</button>
        <Said at={place + '.stepTransitions'} />
      </div>
    </div>
  )
}
