import { useEffect } from 'preact/hooks'
import { searchEvents } from '../../api/events'
import { readArrived } from '../../api/arrived'
import type { Filter } from '../../api/signals'
import { useAsk } from '../../state/ask'
import { duration, rangeName, type Range } from '../../state/time'
import { count, plural } from '../../state/text'
import { askFor, lookAt, triageQuery } from './filter'

/** Empty says why there is no row, and what to do next. */
export function Empty({ filter, range, archived, onNothing }: { filter: Filter; range: Range; archived: number; onNothing: (rules: number) => void }) {
  const status = useAsk('status', readArrived)
  const newest = useAsk('newest', (stop) => searchEvents('*', 'now-1h', '', undefined, 1, stop, '-timestamp'))
  const isQueue = filter.query === triageQuery
  const span = range.from === '' ? 'at all' : /^now-/.test(range.from) ? `in the ${rangeName(range).toLowerCase()}` : 'in this time'
  const s = status.value
  useEffect(() => {
    if (s?.arrived === false) onNothing(s.rulesEnabled)
  }, [s])
  if (!s || !s.arrived) return null
  return (
    <div class="empty">
      <h2 class="empty-head">{isQueue ? `No open signal ${span}` : `No signal of this query ${span}`}</h2>
      <p>
        {archived > 0 && `${plural(archived, 'signal')} ${archived === 1 ? 'was' : 'were'} archived. `}
        {`${plural(s.rulesEnabled, 'rule')} ${s.rulesEnabled === 1 ? 'is' : 'are'} live${s.rulesFailing > 0 ? `, ${count(s.rulesFailing)} failing` : ''}, ${s.caughtUp ? looking(newest.value?.events[0]?.at, newest.asking) : `and evaluation is ${s.lagSeconds.toFixed(0)} s behind.`}`}
      </p>
      <p class="actions">
        {range.from !== '' && <button class="button" onClick={() => lookAt({ from: range.from === 'now-24h' ? 'now-30d' : '', to: '' })}>{range.from === 'now-24h' ? 'Look at 30 days' : 'Look at all time'}</button>}
        {archived > 0 && <button class="button" onClick={() => askFor('*')}>Show the archived too</button>}
        {!isQueue && <button class="button" onClick={() => askFor(triageQuery)}>Back to the queue</button>}
      </p>
    </div>
  )
}

/** looking says that the engine does, and how it is known. */
function looking(newest: number | undefined, isAsking: boolean): string {
  if (newest !== undefined) return `and the newest event is ${duration(Math.max(0, Date.now() - newest))} old, so the engine is looking.`
  return isAsking ? 'and all events are evaluated, so the engine is looking.' : 'and all events are evaluated, but none is of the last hour.'
}
