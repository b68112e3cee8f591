import type { Signal } from '../../../api/signals'
import { Value } from '../../../parts/value'
import { duration } from '../../../state/time'
import { plural } from '../../../state/text'

/** Lead says in one sentence what happened, about whom, and how long it took. */
export function Lead({ signal: s }: { signal: Signal }) {
  const whom = s.group.map((value, i) => ({ value, field: s.groupBy[i] ?? '' })).filter((v) => v.value !== '' && v.value !== 'N/A')
  const took = s.lastSeen - s.firstSeen
  return (
    <p class="lead">
      {plural(s.events, 'event')}
      {whom.length > 0 && ' of '}
      {whom.map((v, i) => (
        <span key={v.field + i}>{i > 0 && ', '}<Value field={v.field} value={v.value} class="mono strong" /></span>
      ))}
      {took >= 1000 ? ` in ${duration(took)}` : ''}, by the rule <b>{s.ruleName || s.title}</b>{s.caseName !== '' && <>, case <b>{s.caseName}</b></>}.
    </p>
  )
}
