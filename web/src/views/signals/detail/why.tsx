import { explainSignal, type Explanation } from '../../../api/explain'
import type { Signal } from '../../../api/signals'
import { AnomalyBand } from '../../../parts/anomaly-band'
import { Late } from '../../../parts/asking'
import { ExplainTree } from '../../../parts/explain-tree'
import { JourneyMap } from '../../../parts/journey-map'
import { Problem } from '../../../parts/problem'
import { ProcessTree } from '../../../parts/process-tree'
import { SequenceLine } from '../../../parts/sequence-line'
import { useAsk, type Asked } from '../../../state/ask'
import { oneLine } from '../../../state/text'
import { Courses, isTelling } from './courses'
import { AgentRules } from './agent-rules'
import { SeenBefore, usualOf, type Usual } from './seen-before'

/** WhyKnown is why a signal fired, and of a new value what was usual. */
export interface WhyKnown extends Explanation {
  usual: Usual | undefined
}

/** useWhy asks why a signal fired. */
export const useWhy = (s: Signal): Asked<WhyKnown> => useAsk(`${s.id} ${s.lastSeen}`, async (stop) => {
  const why = await explainSignal(s.id, stop)
  const [field] = why.valueFields
  const isNew = why.summary.newValues.length > 0 && why.valueFields.length === 1 && field !== undefined
  return { ...why, usual: isNew ? await usualOf(s, field, stop) : undefined }
})

/** Why shows why a signal fired: how its windows went, a journey, processes, its conditions. */
export function Why({ signal, asked, brief }: { signal: Signal; asked: Asked<WhyKnown>; brief: boolean }) {
  if (asked.error) return <Problem error={asked.error} again={asked.again} />
  if (!asked.value) return <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /><Late of={asked} what="events" /></div>
  const w = asked.value
  const lineage = lineageOf(w)
  const drawsCourse = w.course && w.band.length === 0 && w.journey.length === 0 && lineage.length === 0 && isTelling(w.course)
  return (
    <>
      {w.band.length > 0 && <AnomalyBand points={w.band} bucket={w.bucket} name={w.bandOf} season={w.season} first={signal.firstSeen} last={signal.lastSeen} />}
      {w.journey.length > 0 && <JourneyMap stops={w.journey} />}
      {lineage.length > 0 && <ProcessTree roots={lineage} />}
      {w.summary.newValues.length > 0 && <SeenBefore fields={w.valueFields} values={w.summary.newValues} usual={w.usual} brief={brief} />}
      {drawsCourse && w.course && <Courses course={w.course} why={w} signal={signal} brief={brief} />}
      {(!drawsCourse || w.steps.length > 2) && <SequenceLine steps={w.steps} />}
      <ExplainTree why={w} at={signal.firstSeen} window={signal.window} brief={brief} />
      <AgentRules rules={w.agentRules} brief={brief} />
      {w.journey.length === 0 && w.notes.map((n, i) => <p key={i} class="small mut said">{oneLine(n)}</p>)}
      {!brief && <p class="small mut said">Counts are for the group {groupText(signal)}.{w.course?.thinned && ' Of many points, the highest of each stretch are drawn.'}</p>}
      {w.missing.map((m, i) => <p key={i} class="small mut said">Not known: {oneLine(m)}</p>)}
    </>
  )
}

/** groupText are the values that a signal is about, without those that its events lack. */
const groupText = (s: Signal): string => s.group.filter((g) => g !== '' && g !== 'N/A').map((g) => oneLine(g, 80)).join(', ') || 'of all events'

/** lineageOf are the processes of which more is known than a number, as of a log. */
const lineageOf = (w: Explanation) => w.processes.filter((p) => p.name !== '' || p.path !== '')

/** kindOfWhy says in a few words what is drawn. */
export function kindOfWhy(w: Explanation | undefined): string {
  if (!w) return ''
  if (w.steps.length > 1) return `a sequence of ${numbers[w.steps.length] ?? w.steps.length} steps`
  if (w.band.length > 0) return 'outside of the learned band'
  if (w.journey.length > 0) return 'a journey nobody makes'
  if (lineageOf(w).length > 0) return 'the lineage of the process'
  if (w.summary.newValues.length > 0) return 'a value never seen before'
  if (w.course && isTelling(w.course)) return 'a window against a threshold'
  return ''
}

const numbers: Record<number, string> = { 2: 'two', 3: 'three', 4: 'four', 5: 'five', 6: 'six' }

/** sinceOf is from when on events belong to a sequence; undefined: the signal is of none. */
export function sinceOf(w: Explanation | undefined): number | undefined {
  const begun = (w?.steps ?? []).flatMap((s) => (s.reached === undefined ? [] : [s.reached - s.window]))
  return begun.length === 0 ? undefined : Math.min(...begun)
}
