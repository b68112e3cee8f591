import type { Step } from '../api/pipelines'
import { oneLine } from '../state/text'

/** PipelineSteps are what the processors of a pipeline did, those that did something apart from the rest. */
export function PipelineSteps({ steps }: { steps: Step[] }) {
  const did = steps.filter((s) => s.outcome !== 'skipped')
  const skipped = steps.length - did.length
  return (
    <>
      <ol class="event-steps">
        {did.map((s, i) => (
          <li key={i}>
            <span class="mut number">{i + 1}</span>
            <span class="cut" title={s.name} style={{ paddingLeft: `${s.depth * 12}px` }}>{oneLine(s.type.replace(/-parser$|-processor$/, ''), 40)}</span>
            <span class="cut mut" title={s.name}>{oneLine(s.rule || s.name, 120)}</span>
            <span class={s.outcome === 'failed' ? 'cut critical' : 'cut mono'} title={oneLine(s.why || whatSet(s), 1000)}>{oneLine(s.why || whatSet(s), 200)}</span>
            <span class="mut number">{s.microseconds > 0 && microseconds(s.microseconds)}</span>
          </li>
        ))}
      </ol>
      {skipped > 0 && <p class="small mut">{skipped} more had nothing to do.</p>}
    </>
  )
}

/** microseconds are a short time in words: 4.8 µs. */
export const microseconds = (n: number): string => (n >= 1000 ? `${(n / 1000).toFixed(1)} ms` : `${n < 10 ? n.toFixed(1) : Math.round(n)} µs`)

const whatSet = (s: Step): string => [...s.set.map((x) => x.path), ...s.removed.map((r) => `less ${r}`)].join(', ') || (s.outcome === 'applied' ? '' : s.outcome)
