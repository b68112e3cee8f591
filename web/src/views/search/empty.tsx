import { readStatus } from '../../api/status'
import { hintSearch } from '../../api/search'
import type { Filter } from '../../api/signals'
import { Problem } from '../../parts/problem'
import { useAsk } from '../../state/ask'
import { rangeName, type Range } from '../../state/time'
import { count, oneLine } from '../../state/text'
import { EachClause } from './each-clause'
import { askFor, lookAt } from './filter'

/** Empty says why no event is found, and what to do next. */
export function Empty({ filter, range }: { filter: Filter; range: Range }) {
  const status = useAsk('status', readStatus)
  const hints = useAsk(filter.query === '*' ? null : JSON.stringify(filter), (stop) => hintSearch(filter, 'values too', stop))
  const span = range.from === '' ? 'at all' : /^now-/.test(range.from) && range.to === '' ? `in the ${rangeName(range).toLowerCase()}` : 'in this time'
  const s = status.value
  if (s?.eventsReceived === 0) {
    return (
      <div class="empty">
        <h2 class="empty-head">Nothing has arrived yet</h2>
        <p>There is nothing to search. The first page says how to connect a source, and has a day of demo data.</p>
        <p class="actions"><a class="button" href="/signals">How to begin</a></p>
      </div>
    )
  }
  const wider = range.from === 'now-30d' || range.from === 'now-90d' || range.from === '' ? '' : 'now-30d'
  return (
    <div class="empty">
      <h2 class="empty-head">No event {filter.query === '*' ? '' : 'of this query '}{span}</h2>
      {(hints.value ?? []).map((h) => <p key={h.message}>{oneLine(h.message, 500)}. {h.fix && <button class="link" onClick={() => h.fix && askFor(h.fix.query)}>{oneLine(h.fix.label, 200)}</button>}</p>)}
      {filter.query !== '*' && <EachClause filter={filter} />}
      {hints.error && <Problem error={hints.error} again={hints.again} />}
      {s && <p class="mut">{count(s.eventsReceived)} events were received since the first start.</p>}
      <p class="actions">
        {range.from !== '' && <button class="button" onClick={() => lookAt({ from: wider, to: '' })}>{wider === '' ? 'Look at all time' : 'Look at 30 days'}</button>}
        {filter.query !== '*' && <button class="button" onClick={() => askFor('*')}>Every event</button>}
      </p>
    </div>
  )
}
