import { useState } from 'preact/hooks'
import { complete } from '../../api/search'
import type { Event } from '../../api/events'
import type { Filter } from '../../api/signals'
import { useCounting } from '../../parts/counting'
import { Facet } from '../../parts/facet'
import { Key } from '../../parts/key'
import { Problem } from '../../parts/problem'
import { SavedViews } from '../../parts/saved-views'
import { useAsk } from '../../state/ask'
import { valuesOf, without, withToggled } from '../../state/query'
import { oneLine } from '../../state/text'
import { fieldsIn } from './columns'
import { useFacets } from './counts'
import { askFor } from './filter'

const always = ['source', 'host', 'service', 'status']
const most = 12

/** Facets count what is found by the fields that its events have; others are found by name. */
export function Facets({ filter, events, at }: { filter: Filter; events: Event[]; at: number }) {
  const [wanted, setWanted] = useState('')
  const named = useAsk(wanted.trim() === '' ? null : wanted, async (stop) => {
    await new Promise((done) => setTimeout(done, 150))
    return stop.aborted ? [] : complete('events', '', wanted.trim(), { ...filter, query: '*' }, stop)
  }, 'keep')
  const chosen = fieldsAsked(filter.query)
  const found = wanted.trim() === '' ? undefined : (named.value ?? []).map((c) => c.insert.replace(/:$/, '')).filter((f) => f !== 'message' && f !== 'timestamp')
  const shown = found ?? [...new Set([...chosen, ...always, ...telling(events)])].slice(0, most)
  const plain = shown.filter((f) => !chosen.includes(f))
  return (
    <nav class="facets" aria-label="Filters">
      <div class="find-field"><input class="field" aria-label="Find a field" placeholder="Find a field" value={wanted} onInput={(e) => setWanted(e.currentTarget.value)} /><Key>f</Key></div>
      {named.error && found && <div class="facet-problem"><Problem error={named.error} again={named.again} /></div>}
      {found?.length === 0 && !named.asking && <p class="facet-problem mut">No event has a field like it.</p>}
      {shown.filter((f) => chosen.includes(f)).map((f) => <Group key={f} filter={filter} fields={[f]} at={at} less={f} />)}
      <Group filter={filter} fields={plain} at={at} />
      <section class="facet" aria-label="Saved searches"><h2>Saved searches</h2><SavedViews of="search" less="event" /></section>
    </nav>
  )
}

/** fieldsAsked are the fields that a search asks values of. */
const fieldsAsked = (query: string): string[] =>
  [...query.matchAll(/(?:^|\s)-?(@?[\w./@-]+):/g)].map((m) => m[1] ?? '').filter((f, i, all) => valuesOf(query, f).length > 0 && all.indexOf(f) === i)

/** telling are attributes that many of the events have, with values that several share. */
function telling(events: Event[]): string[] {
  return fieldsIn(events)
    .filter((f) => f.field.startsWith('@') && !f.field.startsWith('@nightjar.') && f.share >= 0.2 && f.values < Math.max(3, Math.min(events.length, 200) * 0.6))
    .map((f) => f.field)
}

/** Group is facets that are counted in one answer. */
function Group({ filter, fields, at, less }: { filter: Filter; fields: string[]; at: number; less?: string }) {
  const asked = { ...filter, query: less ? without(filter.query, less) || '*' : filter.query }
  const key = fields.length === 0 || at === 0 ? null : JSON.stringify([asked, fields, at]) // the rows come first
  const counts = useFacets(key, asked, fields)
  const counting = useCounting(counts)
  if (fields.length === 0) return null
  if (counts.error && (!counts.value || counts.old)) return <div class="facet-problem"><Problem error={counts.error} again={counts.again} /></div>
  return (
    <>
      {fields.map((field) => {
        const found = counts.value?.facets.find((x) => x.facet === field)
        const counted = found?.values.length === 0 && counts.value?.from !== undefined && counts.asking ? undefined : found // none yet
        return (
          <Facet
            key={field} title={field} field={field} values={counted?.values.filter((v) => v.value !== '')} distinct={counted?.distinct ?? 0} partial={counts.value?.partial ?? false} few={5} counting={counting}
            chosen={valuesOf(filter.query, field)} onToggle={(v) => askFor(withToggled(filter.query === '*' ? '' : filter.query, field, v) || '*')}
            show={({ value, label }) => <span class="mono">{oneLine(label || value)}</span>}
          />
        )
      })}
    </>
  )
}
