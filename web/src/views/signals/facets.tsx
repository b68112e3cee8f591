import { useMemo, useState } from 'preact/hooks'
import { countFacets, type Facet as Counted, type FacetValue, type Histogram } from '../../api/facets'
import type { Filter, Severity, State } from '../../api/signals'
import { Late } from '../../parts/asking'
import { useCounting, type Counting } from '../../parts/counting'
import { Facet } from '../../parts/facet'
import { Ladder, StateSign, severityName, stateName } from '../../parts/marks'
import { Problem } from '../../parts/problem'
import { useAsk, type Asked } from '../../state/ask'
import { valuesOf, without, withToggled } from '../../state/query'
import { oneLine } from '../../state/text'
import { kindOf } from '../../state/field'
import { Views } from './views'
import { askFor } from './filter'
import { facetOf, stateField } from './tell'
import type { Settled } from './use-queue'

const entityField = '@nightjar.group'
const others = [entityField, 'rule_id', 'source', 'tactic', 'technique', 'assignee']
// These are counted where the query asks for one.
const asked = ['@network.client.ip', 'host', '@usr.id', '@container.id']
const titles: Record<string, string> = {
  severity: 'Severity', [stateField]: 'State', [entityField]: 'Entity', rule_id: 'Rule', source: 'Source', tactic: 'Tactic', technique: 'Technique', assignee: 'Assignee',
  '@network.client.ip': 'Client address', host: 'Host', '@usr.id': 'User', '@container.id': 'Container',
}
const fewOf: Record<string, number> = { severity: 6, [stateField]: 6, [entityField]: 5 }
/** How many values these always have. */
const sizes: Record<string, number> = { severity: 5, [stateField]: 3 }
const severityOrder = ['critical', 'high', 'medium', 'low', 'info']
const stateOrder = ['open', 'under_review', 'archived']

/** Facets count the list by what its signals have. What is chosen of a field is not counted against it. */
export function Facets({ filter, settled, counts }: { filter: Filter; settled: Settled; counts: Asked<Histogram> }) {
  const [known, setKnown] = useState(false)
  const chosen = [stateField, 'severity', ...asked, ...others].filter((f) => f === stateField || valuesOf(filter.query, f).length > 0)
  const rest = ['severity', ...others].filter((f) => !chosen.includes(f))
  return (
    <nav class="facets" aria-label="Filters">
      <Views filter={filter} at={settled.at} onKnown={() => setKnown(true)} />
      {/* What is above is there first, so that nothing moves. */}
      {known && <>
      <Group filter={filter} fields={['severity']} settled={settled} over={counts} {...(chosen.includes('severity') ? { less: 'severity' } : {})} />
      <Group filter={filter} fields={[stateField]} settled={settled} less={stateField} over={counts} />
      {chosen.filter((f) => f !== stateField && f !== 'severity').map((f) => <Group key={f} filter={filter} fields={[f]} settled={settled} less={f} />)}
      <Group filter={filter} fields={rest.filter((f) => f !== 'severity')} settled={settled} />
      </>}
    </nav>
  )
}

interface GroupProps {
  filter: Filter
  fields: string[]
  settled: Settled
  less?: string
  /** Counts over time, of what may tell how many there are; without them, it is asked. */
  over?: Asked<Histogram>
}

/** Group is facets that are counted in one answer. */
function Group({ filter, fields, settled, less, over }: GroupProps) {
  const of = settled.filter
  const asked = { ...of, query: less ? without(of.query, less) || '*' : of.query }
  const told = useMemo(() => over?.value && facetOf(fields[0] ?? '', of.query, over.value), [over?.value, fields[0], of.query])
  const mayTell = over !== undefined && over.value === undefined && over.error === undefined && less !== 'severity'
  const key = fields.length === 0 || settled.at === 0 || told || mayTell ? null : // the rows come first
     JSON.stringify([asked, fields, settled.at])
  const counts = useAsk(key, (signal) => countFacets(asked, fields, 20, signal), 'keep')
  const counting = useCounting(told && over ? over : counts)
  if (fields.length === 0) return null
  if (told) return <One field={told.facet} query={filter.query} counted={told} partial={over?.value?.partial ?? false} counting={counting} />
  // How tall the others will be is not known: they come when they are counted.
  if (!counts.value && !counts.error && !fields.every((f) => f in sizes)) return <p class="facet-problem"><Late of={counts} /></p>
  if (counts.error && (!counts.value || counts.old)) return <div class="facet-problem"><Problem error={counts.error} again={counts.again} /></div>
  return <>{fields.map((f) => <One key={f} field={f} query={filter.query} counted={counts.value?.facets.find((x) => x.facet === f)} partial={counts.value?.partial ?? false} counting={counting} />)}</>
}

function One({ field, query, counted, partial, counting }: { field: string; query: string; counted: Counted | undefined; partial: boolean; counting: Counting }) {
  return (
    <Facet
      title={titles[field] ?? field} field={field} values={counted && ordered(field, counted)} distinct={counted?.distinct ?? 0} partial={partial} counting={counting}
      chosen={valuesOf(query, field)} onToggle={(v) => askFor(withToggled(query, field, v))} show={(v) => shownValue(field, v)} few={fewOf[field] ?? 4} {...(sizes[field] ? { bones: sizes[field] } : {})}
    />
  )
}

function ordered(field: string, c: Counted) {
  const order = field === 'severity' ? severityOrder : field === stateField ? stateOrder : undefined
  if (!order) return c.values.filter((v) => v.value !== '' && v.value !== 'N/A')
  return order.map((value) => ({ value, count: c.values.find((v) => v.value === value)?.count ?? 0, label: '' }))
}

function shownValue(field: string, { value, label, field: of }: FacetValue) {
  if (field === 'severity') return <span class={'severity ' + value}><Ladder severity={value as Severity} />{severityName(value as Severity)}</span>
  if (field === stateField) return <span class={'state ' + value}><StateSign state={value as State} />{stateName(value as State)}</span>
  if (field === entityField || asked.includes(field)) return <><span class="kind mut">{kindOf(field === entityField ? (of ?? '') : field)}</span><span class="mono">{oneLine(value)}</span></>
  return oneLine(label || value)
}
