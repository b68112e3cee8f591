import { listRules, type StoredRule } from '../../../api/rules'
import { useAsk } from '../../../state/ask'
import { oneLine } from '../../../state/text'
import { useForm } from './context'
import { Choice, ChoiceField, NumberField, Row, ValuesField, optionsOf } from './fields'
import { SearchField } from './search-field'
import { textAt } from './place'

/** Correlated is a query over the signals of another rule. */
export function Correlated({ at }: { at: string }) {
  const { rule, set } = useForm()
  const asked = useAsk('rules', (stop) => listRules('-type:signal_correlation', stop, () => undefined))
  const of = (asked.value?.rules ?? []).map((r: StoredRule) => ({ value: r.id, text: oneLine(r.rule.name, 100) })).sort((a, b) => a.text.localeCompare(b.text))
  return (
    <>
      <Row label="Signals of" at={at + '.ruleId'} note={asked.error ? `The rules could not be read: ${asked.error.message}` : undefined}>
        {(id, more) => <Choice id={id} more={more} value={textAt(rule, at + '.ruleId')} of={of} set={(v) => set(at + '.ruleId', v)} />}
      </Row>
      <ChoiceField label="Counts" at={at + '.aggregation'} of={optionsOf(['event_count', 'count', 'cardinality'])} usual="event count" />
      {textAt(rule, at + '.aggregation') === 'cardinality' && <ValuesField label="Different" at={at + '.distinctFields'} />}
      <ValuesField label="Joined by" at={at + '.correlatedByFields'} optional placeholder="@usr.id" note="Fields of the signals whose values must agree across queries, by position." />
      <NumberField label="Query of it" at={at + '.correlatedQueryIndex'} unit="position, from 0" least={0} most={9} note="Which of that rule’s queries the fields are those of." />
      <SearchField label="Only those of" at={at + '.query'} optional />
    </>
  )
}
