import { useEffect } from 'preact/hooks'
import { lastChange } from '../../api/client'
import { countFacets } from '../../api/facets'
import type { Filter } from '../../api/signals'
import { go, pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useCommands } from '../../state/commands'
import { useCaller } from '../../state/session'
import { both, count, quoted } from '../../state/text'
import { SavedViews } from '../../parts/saved-views'
import { triageQuery } from './filter'

interface NamedView {
  name: string
  query: string
  /** Empty: the usual range. */
  from: string
}

/** Views are named addresses of the list, with how many signals each has now; onKnown is told once those that were saved are there. */
export function Views({ filter, at, onKnown }: { filter: Filter; at: number; onKnown: () => void }) {
  const caller = useCaller()
  const all: NamedView[] = [
    { name: 'Triage', query: triageQuery, from: '' },
    ...(caller.by === 'key' ? [] : [{ name: 'Mine', query: both(triageQuery, `assignee:${quoted(caller.name)}`), from: 'now-30d' }]),
    { name: 'Unassigned', query: both(triageQuery, '@workflow.triage.assignee.id:-1'), from: '' },
    { name: 'Critical and high', query: both(triageQuery, 'severity:(critical OR high)'), from: '' },
    { name: 'Archived this week', query: '@nightjar.state:archived', from: 'now-7d' },
  ]
  useCommands(all.map((v) => ({ name: v.name, of: 'view of signals', act: () => goTo(v) })))
  return (
    <section class="facet" aria-label="Views">
      <h2>Views</h2>
      {all.map((v) => <One key={v.name} view={v} isShown={v.query === filter.query && (v.from || 'now-24h') === filter.from} at={at} />)}
      <SavedViews of="signals" less="signal" onKnown={onKnown} />
    </section>
  )
}

/** How long a count is good for, in milliseconds, unless something is changed here. */
const goodFor = 10_000

const goTo = (v: NamedView): void => go(pathOf(['signals'], { query: v.query === triageQuery ? '' : v.query, from: v.from }))

function One({ view, isShown, at }: { view: NamedView; isShown: boolean; at: number }) {
  const asked = { query: view.query, from: view.from || 'now-24h', to: '' }
  const total = useAsk(at === 0 ? null : JSON.stringify(asked), (stop) => countFacets(asked, [], 1, stop), 'keep')
  // It does not depend on what the list shows: it is counted anew when that may be another number.
  useEffect(() => {
    if (total.at > 0 && (at > total.at + goodFor || lastChange() > total.at)) total.refresh()
  }, [at])
  return (
    <button class="facet-value" aria-pressed={isShown} onClick={() => goTo(view)}>
      <span class="cut">{view.name}</span>
      <span class="mut small">{total.value && count(total.value.total)}{total.value?.partial && '+'}</span>
    </button>
  )
}
