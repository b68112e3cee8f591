import { useForm } from './context'
import { ChoiceField, Said, TextField, ValuesField, YesField, optionsOf } from './fields'
import { mostQueries } from './limits'
import { isOfSignals, labelOf, methodOf, newQuery } from './methods'
import { Correlated } from './correlated'
import { Reads } from './reads'
import { SearchField } from './search-field'
import { useFieldNames } from './use-field-names'
import { textAt } from './place'
import { oneLine } from '../../../state/text'

const counted = ['count', 'cardinality', 'sum', 'max']
const sources = ['logs', 'audit', 'security_runtime', 'events', 'security_signals', 'app_sec_spans', 'spans', 'network']

/** what a query of a method may count; undefined: it is not chosen. */
const aggregations: Record<string, string[] | undefined> = {
  new_value: undefined, impossible_travel: undefined, content_anomaly: undefined, hardcoded: [...counted, 'event_count', 'none'],
}

/** Queries are what the rule asks of events, each with a name that conditions use. */
export function Queries() {
  const { rule, edit } = useForm()
  const queries = rule.queries ?? []
  return (
    <>
      <Said at="queries" />
      {queries.map((_, i) => <Query key={i} i={i} />)}
      <p class="rule-add">
        <button type="button" class="link" disabled={queries.length >= mostQueries} onClick={() => edit((r) => void (r.queries = [...(r.queries ?? []), newQuery(r)]))}>Add a query</button>
      </p>
    </>
  )
}

function Query({ i }: { i: number }) {
  const { rule, edit } = useForm()
  const at = `queries[${i}]`
  const query = rule.queries?.[i] ?? {}
  const label = labelOf(query, i)
  return (
    <fieldset class="rule-query">
      <legend class="unseen">Query {oneLine(label, 60)}</legend>
      <Said at={at} />
      <TextField label="Query name" at={at + '.name'} mono placeholder={label} />
      {isOfSignals(rule) ? <Correlated at={at} /> : <OfEvents at={at} />}
      {(rule.queries ?? []).length > 1 && (
        <p class="rule-add"><button type="button" class="link" onClick={() => edit((r) => void (r.queries = (r.queries ?? []).filter((_, k) => k !== i)))}>Remove {oneLine(label, 40)}</button></p>
      )}
    </fieldset>
  )
}

function OfEvents({ at }: { at: string }) {
  const { rule } = useForm()
  const names = useFieldNames()
  const method = methodOf(rule)
  const aggregation = textAt(rule, at + '.aggregation') || 'count'
  const choices = method in aggregations ? aggregations[method] : [...counted, 'event_count']
  return (
    <>
      <SearchField label="Events" at={at + '.query'}><Reads at={at} /></SearchField>
      {choices && <ChoiceField label="Counts" at={at + '.aggregation'} of={optionsOf(choices)} usual="count" />}
      {choices && aggregation === 'cardinality' && <ValuesField label="Different" at={at + '.distinctFields'} offers={names} placeholder="@usr.id" note="Counts different values of this field; of several, their combinations." />}
      {choices && ['sum', 'max'].includes(aggregation) && <ValuesField label="Of" at={at + '.metrics'} offers={names} placeholder="@network.bytes_written" note="One field with a number." />}
      {method === 'new_value' && <ValuesField label="New values of" at={at + '.metrics'} offers={names} placeholder="@network.client.geoip.country.name" note="One to five fields: their combination is new." />}
      {method === 'impossible_travel' && <ValuesField label="Place in" at={at + '.metrics'} offers={names} placeholder="@network.client.geoip" note="The field that has latitude and longitude." />}
      {method === 'content_anomaly' && <ValuesField label="Text in" at={at + '.metrics'} offers={names} placeholder="message" optional note="One field; without any, the message." />}
      <ValuesField label={method === 'impossible_travel' ? 'Who travels' : 'For each'} at={at + '.groupByFields'} offers={names} placeholder="@usr.id" />
      <YesField label="Events that lack one of these fields count, as N/A" at={at + '.hasOptionalGroupByFields'} />
      <details class="rule-details" open={textAt(rule, at + '.customQueryExtension') !== ''}>
        <summary>Data source, extension</summary>
        <ChoiceField label="Data source" at={at + '.dataSource'} of={optionsOf(sources)} usual="that of the rule’s type" />
        <SearchField label="And also" at={at + '.customQueryExtension'} optional />
      </details>
    </>
  )
}
