import { useAsk, useEvery } from '../state/ask'
import { readStatus } from '../api/status'

/** EngineState says in the bar whether the engine looks at what comes in. */
export function EngineState() {
  const status = useAsk('status', readStatus, 'keep')
  useEvery(10_000, status.refresh)
  if (status.error) return <span class="engine"><i class="dot bad" />no answer</span>
  if (!status.value) return <span class="engine" />
  const { lagSeconds, caughtUp } = status.value
  return (
    <span class="engine" title={`${status.value.eventsReceived} events received since the first start`}>
      <i class={caughtUp || lagSeconds < 10 ? 'dot' : 'dot warn'} />
      {caughtUp ? 'caught up' : `lag ${lagSeconds.toFixed(1)} s`}
    </span>
  )
}
