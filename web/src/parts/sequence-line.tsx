import type { StepExplained } from '../api/explain'
import { clock, duration, useZone } from '../state/time'
import { oneLine } from '../state/text'

/** SequenceLine is the steps of a sequence on a line of time: when each was reached. */
export function SequenceLine({ steps }: { steps: StepExplained[] }) {
  const zone = useZone()
  const times = steps.flatMap((s) => (s.reached === undefined ? [] : [s.reached]))
  const [first, last] = [Math.min(...times), Math.max(...times)]
  if (times.length < 2 || last - first < 1000) return null // then the tree says it all
  const span = Math.max(1, last - first)
  return (
    <figure class="sequence" role="img" aria-label={steps.map((s) => `${s.name} ${s.reached === undefined ? 'not reached' : 'at ' + clock(s.reached, zone)}`).join(', ')}>
      <div class="sequence-line">
        {steps.map((s, i) => s.reached !== undefined && (
          <span key={s.name} class="sequence-step" style={{ left: `${((s.reached - first) / span) * 100}%` }} data-end={s.reached === last} data-line={i % 3}>
            <i /><b>{oneLine(s.name, 40)}</b> <span class="mut">{clock(s.reached, zone)}</span>
          </span>
        ))}
      </div>
      <p class="small mut">{duration(span)} from the first step to the last.</p>
    </figure>
  )
}
