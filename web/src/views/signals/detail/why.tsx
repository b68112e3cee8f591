import { explainSignal, type Explanation } from '../../../api/explain'
import type { Signal } from '../../../api/signals'
import { Problem } from '../../../parts/problem'
import { useAsk } from '../../../state/ask'
import { clockMillis, duration, useZone } from '../../../state/time'
import { count, oneLine } from '../../../state/text'

/** Why shows why a signal fired: what its windows held, its conditions, its steps. */
export function Why({ signal }: { signal: Signal }) {
  const why = useAsk(`${signal.id} ${signal.lastSeen}`, (stop) => explainSignal(signal, stop))
  if (why.error) return <Problem error={why.error} again={why.again} />
  if (!why.value) return <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>
  return <Conditions why={why.value} signal={signal} />
}

function Conditions({ why, signal }: { why: Explanation; signal: Signal }) {
  const zone = useZone()
  const within = signal.window > 0 ? `in ${duration(signal.window)}` : ''
  return (
    <>
      <ul class="conditions">
        {why.cases.map((c, i) => (
          <li key={'c' + i} class={c.holds ? '' : 'mut'}>
            <Mark holds={c.holds} /><code>{oneLine(c.condition)}</code><span class="mut">{within}</span><span class="mut">{c.severity}</span>
          </li>
        ))}
        {why.steps.map((s, i) => (
          <li key={'s' + i} class={s.holds ? '' : 'mut'}>
            <Mark holds={s.holds} /><code><b>{oneLine(s.name)}</b> {oneLine(s.condition)}</code><span /><span class="mono mut">{s.reached === undefined ? 'not reached' : clockMillis(s.reached, zone)}</span>
          </li>
        ))}
      </ul>
      {why.values.length > 0 && <p class="small mut">{why.values.map((v) => `${v.name} came to ${count(v.value)}`).join(', ')}{within !== '' && ` ${within}`}.</p>}
      {why.notes.map((n, i) => <p key={i} class="small mut">{oneLine(n)}</p>)}
    </>
  )
}

const Mark = ({ holds }: { holds: boolean }) => <span class={holds ? 'good' : 'mut'}>{holds ? '✓' : '–'}<span class="unseen">{holds ? ' holds' : ' does not hold'}</span></span>
