import type { Source } from '../../../api/sources'
import { readHealth } from '../../../api/status'
import { useAsk } from '../../../state/ask'
import { dayAndClock, duration, useZone, zoneName } from '../../../state/time'
import { oneLine, plural } from '../../../state/text'

/** From so far on a clock is taken to be wrong, in milliseconds. */
const wrong = 300_000

/** Skew says that the clock of a sender is wrong, or its zone, and what becomes of it. */
export function Skew({ at, host, source }: { at: number; host: string; source: Source }) {
  const zone = useZone()
  const health = useAsk(`clocks ${source.eventID}`, readHealth, 'keep')
  const clock = health.value?.clocks.find((c) => c.source === source.name && (host === '' || c.host === host))
  const behind = clock ? clock.behind * 1000 : source.arrived - at
  if (Math.abs(behind) < wrong) return null
  return (
    <p class="medium first-skew" role="alert">
      Its time is {duration(Math.abs(behind))} {behind > 0 ? 'before' : 'after'} its arrival at {dayAndClock(source.arrived, zone)} {zoneName(zone)}: {behind > 0 ? 'it waited on its way, or the clock or the zone of' : 'the clock or the zone of'} {oneLine(host, 80) || 'its host'} is wrong.{' '}
      {behind > 0 ? 'Rules see it at its own time, as long as that is within the lateness that they allow.' : 'It is kept as of when it arrived.'}
      {clock && clock.notEvaluated > 0 && <b class="critical"> No rule saw {plural(clock.notEvaluated, 'event')} of it: they came too late.</b>}
    </p>
  )
}
