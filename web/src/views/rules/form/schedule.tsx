import { useForm } from './context'
import { AreaField, Said, TextField } from './fields'
import { listAt, put, valueAt } from './place'

/** Schedule is when a scheduled rule runs, and what it calculates. Both are kept, and not evaluated. */
export function Schedule() {
  const { rule, edit } = useForm()
  const has = valueAt(rule, 'schedulingOptions') !== undefined && valueAt(rule, 'schedulingOptions') !== null
  return (
    <div role="group" aria-label="Schedule">
      {has ? (
        <div class="rule-step">
          <TextField label="Runs" at="schedulingOptions.rrule" mono placeholder="FREQ=HOURLY;INTERVAL=6" note="An RRULE. Nightjar evaluates rules as events come, and keeps scheduled ones without running them." />
          <TextField label="From" at="schedulingOptions.start" mono optional placeholder="2026-11-29T06:00:00" />
          <TextField label="Zone" at="schedulingOptions.timezone" mono optional placeholder="UTC" />
          <Said at="schedulingOptions" />
          <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => put(r, 'schedulingOptions', undefined))}>Run it on no schedule</button></p>
        </div>
      ) : <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => put(r, 'schedulingOptions', { rrule: 'FREQ=DAILY' }))}>Run it on a schedule</button></p>}
      <Calculated />
    </div>
  )
}

function Calculated() {
  const { rule, edit } = useForm()
  const all = listAt(rule, 'calculatedFields')
  return (
    <>
      {all.map((_, i) => (
        <div key={i} class="rule-step">
          <TextField label={`Field ${i + 1}`} at={`calculatedFields[${i}].name`} mono placeholder="@total" />
          <AreaField label="Is" at={`calculatedFields[${i}].expression`} mono rows={2} />
          <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => (put(r, `calculatedFields[${i}]`, undefined), listAt(r, 'calculatedFields').length === 0 && put(r, 'calculatedFields', undefined)))}>Remove field {i + 1}</button></p>
        </div>
      ))}
      <Said at="calculatedFields" />
      <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => put(r, `calculatedFields[${all.length}]`, { name: '', expression: '' }))}>Add a calculated field</button>{all.length > 0 && <span class="mut small"> Kept, and not evaluated.</span>}</p>
    </>
  )
}
