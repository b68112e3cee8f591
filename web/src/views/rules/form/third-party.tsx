import { severities } from '../../../api/signals'
import { useForm } from './context'
import { Choice, ChoiceField, Said, TextField, Values, ValuesField, optionsOf } from './fields'
import { SearchField } from './search-field'
import { listAt, put, textAt, textsAt } from './place'
import { useFieldNames } from './use-field-names'

const place = 'options.thirdPartyRuleOptions'

/** ThirdParty is which alerts of another product are signals, and what each is worth. */
export function ThirdParty() {
  const { rule, edit, set } = useForm()
  const names = useFieldNames()
  const roots = listAt(rule, place + '.rootQueries')
  const paired = (rule.queries ?? []).length > 0 && listAt(rule, 'thirdPartyCases').length === 0
  return (
    <>
      <Said at={place + '.rootQueries'} />
      {roots.map((_, i) => (
        <fieldset key={i} class="rule-query">
          <legend class="unseen">Root query {i + 1}</legend>
          <SearchField label="Alerts" at={`${place}.rootQueries[${i}].query`} />
          <ValuesField label="For each" at={`${place}.rootQueries[${i}].groupByFields`} offers={names} placeholder="every alert by itself" note="Alerts with the same values are one signal, for 24 hours." />
          {roots.length > 1 && <p class="rule-add"><button type="button" class="link" onClick={() => set(`${place}.rootQueries[${i}]`, undefined)}>Remove root query {i + 1}</button></p>}
        </fieldset>
      ))}
      <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => put(r, `${place}.rootQueries[${roots.length}]`, { query: '', groupByFields: [] }))}>Add a root query</button></p>
      {paired ? <p class="mut small rule-add">Its queries and cases are paired by position, as an older rule has them; they are edited in the JSON.</p> : <Grades />}
      <ChoiceField label="Otherwise" at={place + '.defaultStatus'} of={optionsOf(severities)} note="An alert that no case’s query finds." />
      <ValuesField label="tells" at={place + '.defaultNotifications'} placeholder="@slack-soc" optional />
      <TextField label="Title" at={place + '.signalTitleTemplate'} placeholder="{{@title}}" optional />
    </>
  )
}

function Grades() {
  const { rule, edit, set } = useForm()
  const cases = listAt(rule, 'thirdPartyCases')
  return (
    <div class="rule-field" role="group" aria-label="Cases">
      <span class="mut">Cases</span>
      <div>
        {cases.map((_, i) => {
          const at = `thirdPartyCases[${i}]`
          const field = (name: string) => ({ 'aria-label': `${name} of case ${i + 1}` })
          return (
            <div key={i} class="rule-case-whole">
              <div class="rule-case">
                <Choice more={{ ...field('Severity'), 'data-at': at + '.status' }} class={textAt(rule, at + '.status')} value={textAt(rule, at + '.status')} of={optionsOf(severities)} set={(v) => set(at + '.status', v)} />
                <input class="field mono" {...field('Query')} data-at={at + '.query'} spellcheck={false} value={textAt(rule, at + '.query')} onInput={(e) => set(at + '.query', e.currentTarget.value)} />
                <button type="button" class="button quiet" aria-label={`Remove case ${i + 1}`} onClick={() => set(at, undefined)}>×</button>
              </div>
              <div class="rule-case-more">
                <input class="field" {...field('Name')} data-at={at + '.name'} placeholder="name" value={textAt(rule, at + '.name')} onInput={(e) => set(at + '.name', e.currentTarget.value)} />
                <Values name={`who is told of case ${i + 1}`} more={{ 'aria-label': `Who is told of case ${i + 1}`, 'data-at': at + '.notifications' }} values={textsAt(rule, at + '.notifications')} offers={[]} placeholder="tells @…" set={(v) => set(at + '.notifications', v)} />
              </div>
              <Said at={at} whole />
            </div>
          )
        })}
        <button type="button" class="link" onClick={() => edit((r) => put(r, `thirdPartyCases[${cases.length}]`, { name: '', status: 'medium', query: '', notifications: [] }))}>Add a case</button>
        <span class="mut small"> The first whose query finds the alert counts.</span>
      </div>
    </div>
  )
}
