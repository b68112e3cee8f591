import { useForm } from './context'
import { AreaField, Choice, ChoiceField, NumberField, Said, TextField, ValuesField, YesField } from './fields'
import { limits } from './limits'
import { labelsOf, methodOf } from './methods'
import { Schedule } from './schedule'
import { SearchField } from './search-field'
import { listAt, put, textAt, valueAt } from './place'
import { useFieldNames } from './use-field-names'

/** More is what few rules say. It is open where this one does. */
export function More() {
  const { rule } = useForm()
  const says = ['groupSignalsBy', 'hasExtendedTitle', 'options.decreaseCriticalityBasedOnEnv', 'options.caseInsensitive', 'options.silenceDelay', 'options.expectedGroups', 'customName', 'customMessage', 'schedulingOptions', 'options.relatedSignalsFields']
    .filter((at) => valueAt(rule, at) !== undefined && valueAt(rule, at) !== false)
  const lists = listAt(rule, 'filters').length + listAt(rule, 'referenceTables').length + listAt(rule, 'calculatedFields').length
  return (
    <details class="rule-details rule-more" open={says.length + lists > 0}>
      <summary>Filters, tables, and what few rules say</summary>
      <Filters />
      <Tables />
      <Signals />
      {methodOf(rule) === 'threshold' && <Silence />}
      <ValuesField label="Related by" at="options.relatedSignalsFields" optional placeholder="@usr.id" note="Kept; signals are not related by these yet." />
      <Schedule />
      <TextField label="Shown as" at="customName" optional note="Instead of the name, in signals." />
      <AreaField label="Shown text" at="customMessage" rows={2} optional />
    </details>
  )
}

function Filters() {
  const { rule, edit, set } = useForm()
  const all = listAt(rule, 'filters')
  return (
    <div role="group" aria-label="Filters">
      {all.map((_, i) => (
        <div key={i} class="rule-step">
          <ChoiceField label={`Filter ${i + 1}`} at={`filters[${i}].action`} of={[{ value: 'suppress', text: 'leaves out' }, { value: 'require', text: 'keeps only' }]} />
          <SearchField label="Events" at={`filters[${i}].query`} />
          <p class="rule-add"><button type="button" class="link" onClick={() => set(`filters[${i}]`, undefined)}>Remove filter {i + 1}</button></p>
        </div>
      ))}
      <Said at="filters" />
      <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => put(r, `filters[${all.length}]`, { action: 'suppress', query: '' }))}>Add a filter</button> <span class="mut small">Of events, before they count.</span></p>
    </div>
  )
}

function Tables() {
  const { rule, edit, set } = useForm()
  const all = listAt(rule, 'referenceTables')
  const labels = labelsOf(rule)
  return (
    <div role="group" aria-label="Reference tables">
      {all.map((_, i) => {
        const at = `referenceTables[${i}]`
        return (
          <div key={i} class="rule-step">
            <div class="rule-field">
              <span class="mut">Table {i + 1}</span>
              <Choice more={{ 'aria-label': `How table ${i + 1} counts`, 'data-at': at + '.checkPresence' }} value={valueAt(rule, at + '.checkPresence') === true ? 'in' : 'out'} of={[{ value: 'in', text: 'events whose value is in it' }, { value: 'out', text: 'events whose value is not in it' }]} set={(v) => set(at + '.checkPresence', v === 'in')} />
            </div>
            <TextField label="Name" at={at + '.tableName'} mono />
            <TextField label="Column" at={at + '.columnName'} mono />
            <TextField label="Field" at={at + '.logFieldPath'} mono placeholder="@network.client.ip" />
            <ChoiceField label="Of query" at={at + '.ruleQueryName'} of={labels.map((value) => ({ value, text: value }))} />
            <Said at={at} />
            <p class="rule-add"><button type="button" class="link" onClick={() => set(at, undefined)}>Remove table {i + 1}</button></p>
          </div>
        )
      })}
      <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => put(r, `referenceTables[${all.length}]`, { tableName: '', columnName: '', logFieldPath: '', ruleQueryName: labels[0] ?? '', checkPresence: true }))}>Add a reference table</button></p>
    </div>
  )
}

function Signals() {
  const names = useFieldNames()
  return (
    <>
      <ValuesField label="One signal by" at="groupSignalsBy" offers={names} optional placeholder="each group" note="Some of the fields that queries are grouped by: groups that agree in them share a signal." />
      <YesField label="The group’s values stand in the title" at="hasExtendedTitle" />
      <YesField label="Less severe where env is staging, test or dev" at="options.decreaseCriticalityBasedOnEnv" />
      <YesField label="Letter case does not count" at="options.caseInsensitive" note="Nightjar’s own: neither in values nor in names of attributes." />
    </>
  )
}

function Silence() {
  const { rule, edit } = useForm()
  const has = valueAt(rule, 'options.expectedGroups') !== undefined
  return (
    <>
      <NumberField label="Silence after" at="options.silenceDelay" unit="s behind the clock" {...limits['options.silenceDelay']} note="Nightjar’s own, for events that come late; not said: the engine’s 2 min." />
      {has || textAt(rule, 'options.expectedGroups.tableName') !== '' ? (
        <>
          <TextField label="Expected in" at="options.expectedGroups.tableName" mono placeholder="table" />
          <TextField label="Column" at="options.expectedGroups.columnName" mono />
          <Said at="options.expectedGroups" />
          <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => put(r, 'options.expectedGroups', undefined))}>Expect no group</button></p>
        </>
      ) : <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => put(r, 'options.expectedGroups', { tableName: '', columnName: '' }))}>Groups of a table are expected</button></p>}
    </>
  )
}
