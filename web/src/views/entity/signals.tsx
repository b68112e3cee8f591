import { searchSignals, type Signal } from '../../api/signals'
import { Ladder, StateMark, severityName } from '../../parts/marks'
import { Problem } from '../../parts/problem'
import { useAsk } from '../../state/ask'
import { age, useZone, wholeTime } from '../../state/time'
import { count, oneLine } from '../../state/text'

const most = 12

/** SignalsOf are the signals about an entity, of all time, the worst first. */
export function SignalsOf({ query }: { query: string }) {
  const found = useAsk('signals ' + query, (stop) => searchSignals({ query, from: '', to: '' }, '-severity', undefined, most, stop), 'keep')
  if (found.error) return <Problem error={found.error} again={found.again} />
  if (!found.value) return <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /></div>
  const { signals } = found.value
  if (signals.length === 0) return <p class="mut">No signal was ever about it.</p>
  return (
    <div class="signal-rows" role="table" aria-label="Signals">
      <div role="row" class="signal-row event-head">
        <span role="columnheader">Signal</span><span role="columnheader" class="number">Events</span><span role="columnheader" class="number">Last</span><span role="columnheader">State</span>
      </div>
      {signals.map((s) => <Row key={s.id} signal={s} />)}
    </div>
  )
}

function Row({ signal: s }: { signal: Signal }) {
  const zone = useZone()
  return (
    <div role="row" class="signal-row">
      <span role="cell" class="cut"><a href={'/signals/' + s.id}><Ladder severity={s.severity} /><span class="unseen">{severityName(s.severity)}</span> <span class="hi cut">{oneLine(s.title, 300)}</span></a></span>
      <span role="cell" class="number">{count(s.events)}</span>
      <time role="cell" class="number mut" title={wholeTime(s.lastSeen, zone)}>{age(s.lastSeen)}</time>
      <span role="cell"><StateMark state={s.state} assignee={s.assignee} reason={s.reason} /></span>
    </div>
  )
}
