import { change } from '../../../state/address'
import { oneLine } from '../../../state/text'
import { Cases } from './cases'
import { FormContext, useForm, type FormState } from './context'
import { AreaField, Choice, Row, TextField, ValuesField } from './fields'
import { adopt, beOf, correlating, isOfSignals, isOfWorkload, methodOf, methods, types } from './methods'
import { More } from './more'
import { MethodOptions, Spans } from './options'
import { onlyInJSON } from './only-json'
import { Queries } from './queries'
import { Sequence } from './sequence'
import { ThirdParty } from './third-party'
import { Workload } from './workload'
import './form.css'

/** Form is a rule in fields. What it has no field for stays as it is, and is named. */
export function Form(state: FormState) {
  const { rule } = state
  const method = methodOf(rule)
  const isThirdParty = method === 'third_party'
  const rest = onlyInJSON(rule)
  return (
    <FormContext.Provider value={state}>
      <form class="rule-form" onSubmit={(e) => e.preventDefault()}>
        <TextField label="Name" at="name" />
        <Kind />
        {isOfWorkload(rule) && <Workload />}
        {isThirdParty ? <ThirdParty /> : <Queries />}
        {method === 'sequence_detection' && <Sequence />}
        <div class="rule-part-of-form">
          {!isThirdParty && <Cases />}
          <MethodOptions />
          <Spans />
        </div>
        <div class="rule-part-of-form">
          <AreaField label="Message" at="message" mono rows={5} note={<>Markdown. <code>{'{{@usr.id}}'}</code> is a value of the signal’s events, <code>{'{{#is_match "status" "critical"}}…{{/is_match}}'}</code> a condition.</>} />
          <ValuesField label="Tags" at="tags" placeholder="technique:T1110-brute-force" />
        </div>
        <More />
        {rest.length > 0 && <p class="mut small rule-add">Kept, and edited in the <button type="button" class="link" onClick={() => change({ as: 'json' }, 'replace')}>JSON</button>: {rest.map((r) => oneLine(r, 80)).join(', ')}.</p>}
      </form>
    </FormContext.Provider>
  )
}

/** Kind is what the rule looks at, and how. */
function Kind() {
  const { rule, edit, isStored } = useForm()
  const method = methodOf(rule)
  const of = methods.filter((m) => !isOfSignals(rule) || correlating.includes(m.id))
  const type = types.find((t) => t.id === (rule.type ?? 'log_detection'))
  return (
    <>
      <Row label="Looks at" at="type" note={isStored ? 'A stored rule keeps what it looks at.' : type?.says}>
        {(id, more) => (
          <select id={id} {...more} class="field" disabled={isStored} value={rule.type ?? 'log_detection'} onChange={(e) => { const v = e.currentTarget.value; edit((r) => beOf(r, v)) }}>
            {types.map((t) => <option key={t.id} value={t.id}>{t.name}</option>)}
            {!type && <option value={rule.type}>{oneLine(String(rule.type), 60)}</option>}
          </select>
        )}
      </Row>
      <Row label="Method" at="options.detectionMethod" note={methods.find((m) => m.id === method)?.says}>
        {(id, more) => <Choice id={id} more={more} value={method} of={of.map((m) => ({ value: m.id, text: m.name }))} set={(v) => edit((r) => adopt(r, v))} />}
      </Row>
    </>
  )
}
