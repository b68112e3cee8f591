import { historyOf } from '../../../api/history'
import type { SignalDetail } from '../../../api/signals'
import { Problem } from '../../../parts/problem'
import { useAsk } from '../../../state/ask'
import { clock, day, useZone, wholeTime } from '../../../state/time'
import { count, shown } from '../../../state/text'

/** History is what became of a signal: who did it, and when. */
export function History({ detail }: { detail: SignalDetail }) {
  const zone = useZone()
  const { signal: s } = detail
  const steps = useAsk(`${s.id} ${s.state} ${s.assignee} ${s.version}`, (stop) => historyOf(s.id, stop), 'keep')
  if (steps.error) return <Problem error={steps.error} again={steps.again} />
  let lastDay = ''
  return (
    <ol class="history">
      {steps.value && steps.value.cut > 0 && <li class="mut"><span />{count(steps.value.cut)} earlier changes are no longer kept.</li>}
      {(steps.value?.steps ?? []).map((h, i) => {
        const d = day(h.at, zone)
        const isNew = d !== lastDay
        lastDay = d
        return (
          <li key={i}>
            <time title={wholeTime(h.at, zone)}>{isNew && <span>{d} </span>}{clock(h.at, zone)}</time>
            <span><b class="strong">{shown(h.who || 'nightjar')}</b> <span class={h.failed ? 'critical' : ''}>{shown(h.what)}</span>{h.note !== '' && <>: “{shown(h.note)}”</>}</span>
          </li>
        )
      })}
    </ol>
  )
}
