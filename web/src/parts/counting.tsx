import { useLate } from '../state/ask'
import { useProgress } from '../state/progress'
import { dayAndMinutes, useZone, zoneName } from '../state/time'
import type { Asks } from './asking'

/** Counting is what facets of one answer say of it. */
export interface Counting {
  /** What is shown is of the question before. */
  waiting: boolean
  /** It takes long: which share is counted, from 0 to 1; undefined: nobody says. */
  late: { share: number | undefined; cancel(): void } | undefined
  /** It ended before all was counted: since when it is, in milliseconds since 1970, and what counts all. */
  part: { from: number; again(): void } | undefined
}

interface Counted extends Asks {
  value: { partial: boolean; from?: number | undefined } | undefined
  old: boolean
  again(): void
}

/** useCounting follows the counts that several facets share: they ask once how far these are. */
export function useCounting(of: Counted): Counting {
  const going = of.asking && of.running().length > 0
  const late = useLate(going, 1000)
  const p = useProgress(of.running, late)
  const share = !p ? undefined : p.done > 0 ? p.done : p.of > 0 ? Math.min(1, p.read / p.of) : undefined
  const { value } = of
  return {
    waiting: of.old && going,
    late: late ? { share, cancel: of.cancel } : undefined,
    part: !going && value?.partial && value.from !== undefined && !of.old ? { from: value.from, again: of.again } : undefined,
  }
}

/** HowFar says how far counts are, and ends them at a press; or that they are of a part, and counts all. */
export function HowFar({ of: { late, part } }: { of: Counting }) {
  const zone = useZone()
  if (late) return <span class="mut facet-far">{late.share === undefined ? '…' : `${Math.floor(late.share * 100)} %`} <button type="button" class="link" onClick={late.cancel}>Cancel</button></span>
  if (part) return <span class="mut facet-far" title={`Counted from ${dayAndMinutes(part.from, zone)} ${zoneName(zone)} on`}>a part <button type="button" class="link" onClick={part.again}>Count all</button></span>
  return null
}
