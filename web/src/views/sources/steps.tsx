import type { Step } from '../../api/pipelines'
import { oneLine, plural } from '../../state/text'

/** PipelineSteps are what the processors of a pipeline did, with what each set and removed. */
export function PipelineSteps({ steps }: { steps: Step[] }) {
  if (steps.length === 0) return <p class="small mut">It has no processor that is on.</p>
  const idle = steps.filter((s) => isIdle(s))
  return (
    <>
      <ol class="steps">
        {steps.map((s, i) => isIdle(s) && idle.length > 6 ? null : (
          <li key={i} class={s.outcome} style={{ marginLeft: `${s.depth * 16}px` }}>
            <p>
              <span class="mut step-number">{i + 1}</span> <b class="hi">{oneLine(s.type, 40)}</b>{s.name !== '' && <span class="mut"> {oneLine(s.name, 120)}</span>}{s.rule !== '' && <> rule <code>{oneLine(s.rule, 80)}</code></>}
              {s.outcome !== 'applied' && <span class={s.outcome === 'failed' ? 'critical' : 'mut'}> {s.outcome}{s.why !== '' && `: ${oneLine(s.why, 600)}`}</span>}
            </p>
            {s.set.length + s.removed.length > 0 && (
              <ul class="step-changes">
                {s.set.map((x) => <li key={'+' + x.path}><span class="good" aria-label="set">+</span> <code>{oneLine(x.path, 200)}</code> <code class="hi">{oneLine(JSON.stringify(x.value) ?? '', 400)}</code></li>)}
                {s.removed.map((path) => <li key={'-' + path}><span class="critical" aria-label="removed">−</span> <code>{oneLine(path, 200)}</code></li>)}
              </ul>
            )}
          </li>
        ))}
      </ol>
      {idle.length > 6 && <p class="small mut">{plural(idle.length, 'more processor')} had nothing to do.</p>}
    </>
  )
}

const isIdle = (s: Step): boolean => s.outcome !== 'failed' && s.set.length + s.removed.length === 0 && s.type !== 'grok-parser' && s.type !== 'pipeline'
