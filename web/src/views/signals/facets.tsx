import { countFacets, type Facet as Counted } from '../../api/facets'
import type { Filter, Severity, State } from '../../api/signals'
import { Facet } from '../../parts/facet'
import { Ladder, StateSign, severityName, stateName } from '../../parts/marks'
import { Problem } from '../../parts/problem'
import { useAsk } from '../../state/ask'
import { valuesOf, without, withToggled } from '../../state/query'
import { oneLine } from '../../state/text'
import { kindOf } from '../../state/field'
import { Views } from './views'
import { askFor } from './filter'

const stateField = '@nightjar.state'
const entities = ['@network.client.ip', 'host', '@usr.id', '@container.id']
const others = ['rule_id', 'source', 'tactic', 'technique', 'assignee']
const titles: Record<string, string> = {
  severity: 'Severity', [stateField]: 'State', rule_id: 'Rule', source: 'Source', tactic: 'Tactic', technique: 'Technique', assignee: 'Assignee',
  '@network.client.ip': 'Client address', host: 'Host', '@usr.id': 'User', '@container.id': 'Container',
}
const severityOrder = ['critical', 'high', 'medium', 'low', 'info']
const stateOrder = ['open', 'under_review', 'archived']

/** Facets count the list by what its signals have. What is chosen of a field is not counted against it. */
export function Facets({ filter, at }: { filter: Filter; at: number }) {
  const chosen = [stateField, 'severity', ...entities, ...others].filter((f) => f === stateField || valuesOf(filter.query, f).length > 0)
  const rest = ['severity', ...entities, ...others].filter((f) => !chosen.includes(f))
  return (
    <nav class="facets" aria-label="Filters">
      <Views filter={filter} at={at} />
      <Group filter={filter} fields={chosen.includes('severity') ? [] : ['severity']} at={at} />
      {chosen.includes('severity') && <Group filter={filter} fields={['severity']} at={at} less="severity" />}
      <Group filter={filter} fields={[stateField]} at={at} less={stateField} />
      {chosen.filter((f) => f !== stateField && f !== 'severity').map((f) => <Group key={f} filter={filter} fields={[f]} at={at} less={f} />)}
      <Group filter={filter} fields={rest.filter((f) => f !== 'severity')} at={at} />
    </nav>
  )
}

/** Group is facets that are counted in one answer. */
function Group({ filter, fields, at, less }: { filter: Filter; fields: string[]; at: number; less?: string }) {
  const asked = { ...filter, query: less ? without(filter.query, less) || '*' : filter.query }
  const key = fields.length === 0 || at === 0 ? null : // the rows come first
     JSON.stringify([asked, fields, at])
  const counts = useAsk(key, (signal) => countFacets(asked, fields, 20, signal), 'keep')
  if (fields.length === 0) return null
  if (counts.error && !counts.value) return <div class="facet-problem"><Problem error={counts.error} again={counts.again} /></div>
  return <>{fields.map((f) => <One key={f} field={f} query={filter.query} counted={counts.value?.facets.find((x) => x.facet === f)} partial={counts.value?.partial ?? false} />)}</>
}

function One({ field, query, counted, partial }: { field: string; query: string; counted: Counted | undefined; partial: boolean }) {
  return (
    <Facet
      title={titles[field] ?? field} values={counted && ordered(field, counted)} distinct={counted?.distinct ?? 0} partial={partial}
      chosen={valuesOf(query, field)} onToggle={(v) => askFor(withToggled(query, field, v))} show={(v, label) => shownValue(field, v, label)} few={field === 'severity' || field === stateField ? 6 : 5}
    />
  )
}

function ordered(field: string, c: Counted) {
  const order = field === 'severity' ? severityOrder : field === stateField ? stateOrder : undefined
  if (!order) return c.values.filter((v) => v.value !== '' && v.value !== 'N/A')
  return order.map((value) => ({ value, count: c.values.find((v) => v.value === value)?.count ?? 0, label: '' }))
}

function shownValue(field: string, value: string, label: string) {
  if (field === 'severity') return <span class={'severity ' + value}><Ladder severity={value as Severity} />{severityName(value as Severity)}</span>
  if (field === stateField) return <span class={'state ' + value}><StateSign state={value as State} />{stateName(value as State)}</span>
  if (entities.includes(field)) return <><span class="kind mut">{kindOf(field)}</span><span class="mono">{oneLine(value)}</span></>
  return oneLine(label || value)
}
