import { useMemo, useState } from 'preact/hooks'
import { UnreachableError } from '../../api/client'
import { severities } from '../../api/signals'
import { Facet } from '../../parts/facet'
import { SeverityMark } from '../../parts/marks'
import { Problem } from '../../parts/problem'
import { QueryBox } from '../../parts/query-box'
import { Table } from '../../parts/table'
import { useChecked } from '../../parts/use-checked'
import { change, go, pathOf, useAddress } from '../../state/address'
import { useKeys } from '../../state/keys'
import { useMay } from '../../state/session'
import { count, plural } from '../../state/text'
import { useRowHeight } from '../../state/size'
import { tickedThen } from '../../state/ticked'
import { Bulk } from './bulk'
import { RuleStateMark, useShownColumns } from './columns'
import { ruleStates, sorted, type RuleRow, type RuleState } from './state'
import { useRules } from './use-rules'

/** What a facet counts of a row; several values of one stand side by side. */
const facets: { name: string; title: string; of: (r: RuleRow) => string[]; order?: readonly string[] }[] = [
  { name: 'state', title: 'State', of: (r) => [r.state], order: ruleStates },
  { name: 'severity', title: 'Severity', of: (r) => (r.severity ? [r.severity] : []), order: severities },
  { name: 'method', title: 'Method', of: (r) => [r.method] },
  { name: 'source', title: 'Source', of: (r) => tagged(r, 'source:') },
  { name: 'tactic', title: 'Tactic', of: (r) => tagged(r, 'tactic:') },
]

const tagged = (r: RuleRow, key: string): string[] => [...new Set(r.tags.filter((t) => t.startsWith(key)).map((t) => t.slice(key.length)))]

/** RuleList is all rules, those first that somebody should look at. */
export function RuleList() {
  const { query } = useAddress()
  const rowHeight = useRowHeight()
  const wanted = { query: query.get('query') ?? '', from: '', to: '' }
  const checked = useChecked(wanted, 'rules', '')
  const rules = useRules(checked.filter?.query)
  const sort = query.get('sort') ?? 'state'
  const [at, setAt] = useState<string>()
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set())
  const [filtering, setFiltering] = useState(false)
  const lacks = useMay('configure')
  const columns = useShownColumns()
  const chosen = new Map(facets.map((f) => [f.name, query.getAll(f.name).flatMap((v) => v.split(','))]))
  const rows = useMemo(() => sorted(rules.rows.filter((r) => passes(r, chosen)), sort), [rules.rows, query.toString()])
  const open = (r: RuleRow | undefined) => r && go(pathOf(['rules', r.id]))
  const step = (by: number) => {
    const now = rows.findIndex((r) => r.id === at)
    setAt(rows[now < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, now + by))]?.id)
  }
  const tick = (r: RuleRow, how: 'one' | 'to here') => {
    setTicked((was) => tickedThen(was, rows.map((x) => x.id), r.id, how === 'to here' ? at : undefined))
    setAt(r.id)
  }
  const chosenRows = rows.filter((r) => ticked.has(r.id))
  useKeys([
    { keys: 'x', does: 'select', act: () => { const r = rows.find((x) => x.id === at); if (r) tick(r, 'one') } },
    { keys: 'j', does: 'move', act: () => step(1) },
    { keys: 'k', does: 'move up', act: () => step(-1) },
    { keys: 'ArrowDown', does: '', act: () => step(1) },
    { keys: 'ArrowUp', does: '', act: () => step(-1) },
    { keys: 'Enter', does: 'open the rule', act: () => open(rows.find((r) => r.id === at)) },
    { keys: 'n', does: 'new rule', act: () => lacks === '' && go('/rules/new') },
    { keys: 'f', does: 'filters', act: () => (setFiltering(true), setTimeout(() => document.querySelector<HTMLElement>('.rules-facets button')?.focus())) },
  ])
  const away = rules.error instanceof UnreachableError || rules.partly instanceof UnreachableError
  const error = rules.error ?? rules.partly
  return (
    <main class={'rules' + (filtering ? ' filtering' : '')}>
      <h1 class="unseen">Rules</h1>
      <div class="rules-asking">
        <QueryBox filter={wanted} over="rules" onAsk={(q) => change({ query: q.trim() })} checked={checked} name="Query of rules" />
        <button class="button rules-filters" aria-expanded={filtering} onClick={() => setFiltering(!filtering)}>Filters</button>
        <a class="button" href="/rules/coverage">Coverage</a>
        <a class="button" href="/rules/bundled">Rules that ship</a>
        <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => go('/rules/new')}>New rule</button>
      </div>
      <div class="rules-columns">
        <nav class="rules-facets" aria-label="Filters">
          {facets.map((f) => <RuleFacet key={f.name} facet={f} rows={rules.rows} chosen={chosen} asking={rules.asking && rules.rows.length === 0} />)}
        </nav>
        <section class="rules-list" aria-label="Rules">
          <div class={'rules-bar' + (away ? ' stale' : '')}>
            {chosenRows.length > 0 ? <Bulk rows={chosenRows} put={rules.put} clear={() => setTicked(new Set())} again={rules.again} /> : (
              <>
                <span class="strong">{rules.asking && rules.rows.length === 0 ? 'Rules' : plural(rows.length, 'rule')}</span>
                {rows.length < rules.stored && <span class="mut">of {count(rules.stored)}</span>}
                {rows.length > 0 && <button class="link small" onClick={() => setTicked(new Set(rows.map((r) => r.id)))}>Select all</button>}
              </>
            )}
            {away && <span role="status">The engine does not answer. You see what was there before. <button class="link" onClick={rules.again}>Try again</button></span>}
            {checked.wrong && <span class="mut" role="status">{checked.filter ? 'These are of the last query that could be read.' : 'The query can’t be read, so nothing was asked.'}</span>}
          </div>
          {checked.error && <Problem error={checked.error} />}
          {error && !away && <div class="rules-problem"><Problem error={error} again={rules.again} /></div>}
          {rows.length === 0 && !rules.asking && !rules.error ? <NoRules stored={rules.stored} lacks={lacks} /> : (
            <Table
              name="Rules" columns={columns} rows={rows} total={rows.length} keyOf={(r) => r.id} rowHeight={rowHeight}
              current={at} ticked={ticked} onTick={tick} sort={sort} loading={rules.asking && rows.length === 0}
              onSort={(s) => change({ sort: s === 'state' ? undefined : s })} onOpen={open} onEnd={() => undefined}
              rowClass={(r) => 'rule-row ' + r.state}
            />
          )}
        </section>
      </div>
    </main>
  )
}

/** passes reports whether a row has, of each facet that is asked for, one of its values. */
function passes(r: RuleRow, chosen: Map<string, string[]>, but = ''): boolean {
  return facets.every((f) => {
    const of = chosen.get(f.name) ?? []
    return f.name === but || of.length === 0 || f.of(r).some((v) => of.includes(v))
  })
}

interface RuleFacetProps {
  facet: (typeof facets)[number]
  rows: RuleRow[]
  chosen: Map<string, string[]>
  asking: boolean
}

function RuleFacet({ facet, rows, chosen, asking }: RuleFacetProps) {
  const counts = new Map<string, number>()
  for (const r of rows) if (passes(r, chosen, facet.name)) for (const v of facet.of(r)) counts.set(v, (counts.get(v) ?? 0) + 1)
  const mine = chosen.get(facet.name) ?? []
  const values = [...counts].map(([value, n]) => ({ value, count: n, label: '' }))
    .sort((a, b) => (facet.order ? facet.order.indexOf(a.value) - facet.order.indexOf(b.value) : b.count - a.count || a.value.localeCompare(b.value)))
  const toggle = (value: string) => change({ [facet.name]: (mine.includes(value) ? mine.filter((v) => v !== value) : [...mine, value]).join(',') })
  return (
    <Facet
      title={facet.title} values={asking ? undefined : values} distinct={values.length} chosen={mine} onToggle={toggle} partial={false} few={facet.order ? 9 : 6}
      {...(facet.name === 'state' ? { show: ({ value }: { value: string }) => <RuleStateMark state={value as RuleState} /> } : {})}
      {...(facet.name === 'severity' ? { show: ({ value }: { value: string }) => <SeverityMark severity={value as (typeof severities)[number]} /> } : {})}
    />
  )
}

function NoRules({ stored, lacks }: { stored: number; lacks: string }) {
  return (
    <div class="rules-empty">
      <h2>{stored === 0 ? 'There is no rule yet' : 'No rule of this query'}</h2>
      {stored === 0
        ? <p>Without one, events are kept and nothing is looked for. Write the first, or bring those that ship into force, each with its tests.</p>
        : <p>{plural(stored, 'rule is', 'rules are')} stored. <button class="link" onClick={() => go('/rules')}>Show all</button></p>}
      {stored === 0 && <p><a class="button main" href="/rules/bundled">Rules that ship</a> <button class="button" disabled={lacks !== ''} onClick={() => go('/rules/new')}>New rule</button> {lacks !== '' && <span class="mut">{lacks}</span>}</p>}
    </div>
  )
}
