import { historyOf, type Version } from '../../../api/history'
import { readJob, undoJob } from '../../../api/triage-jobs'
import type { SignalDetail } from '../../../api/signals'
import { stateName } from '../../../parts/marks'
import { Problem } from '../../../parts/problem'
import { useAsk } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { clock, day, useZone, wholeTime } from '../../../state/time'
import { count, plural, shown } from '../../../state/text'

/** History is what became of a signal: who did it, and when. */
export function History({ detail, again }: { detail: SignalDetail; again: () => void }) {
  const zone = useZone()
  const { signal: s } = detail
  const steps = useAsk(`${s.id} ${s.state} ${s.assignee} ${s.version ?? ''}`, (stop) => historyOf(s.id, stop), 'keep')
  if (steps.error) return <Problem error={steps.error} again={steps.again} />
  let lastDay = ''
  return (<>
    <ol class="history">
      {steps.value && steps.value.cut > 0 && <li class="mut"><span />{count(steps.value.cut)} earlier changes are no longer kept.</li>}
      {(steps.value?.steps ?? []).map((h, i) => {
        const d = day(h.at, zone)
        const isNew = d !== lastDay
        lastDay = d
        return (
          <li key={i}>
            <time title={wholeTime(h.at, zone)}>{isNew && <span>{d} </span>}{clock(h.at, zone)}</time>
            <span><b class="strong">{shown(h.who || 'nightjar')}</b> <span class={h.failed ? 'critical' : ''}>{shown(h.what)}</span>{h.note !== '' && <>: “{shown(h.note)}”</>}
              {h.undoable !== '' && <> <Undo job={h.undoable} again={again} /></>}
            </span>
          </li>
        )
      })}
    </ol>
    {steps.value && steps.value.published > 1 && <Versions versions={steps.value.versions} published={steps.value.published} />}
  </>)
}

/** Versions are how the signal was published, the newest first; older ones are merged away by and by. */
function Versions({ versions, published }: { versions: Version[]; published: number }) {
  const zone = useZone()
  return (
    <details class="versions">
      <summary class="small mut">{plural(published, 'version')}{versions.length < published && `, ${count(versions.length)} still stored`}</summary>
      <ol class="small">
        {versions.map((v, i) => (
          <li key={v.version} title={`${wholeTime(v.firstSeen, zone)} to ${wholeTime(v.lastSeen, zone)}`}>
            <span class="mut number">{v.version}</span><span>{said(v, versions[i + 1])}</span><time class="mut number">{clock(v.lastSeen, zone)}</time>
          </li>
        ))}
      </ol>
    </details>
  )
}

/** said is what is different from the version before; of the first one how it was. */
function said(v: Version, before: Version | undefined): string {
  if (!before) return `${plural(v.events, 'event')}, ${v.severity}, ${stateName(v.state, v.reason)}`
  const parts: string[] = []
  if (v.events !== before.events) parts.push(v.events > before.events ? `${count(v.events - before.events)} more, ${plural(v.events, 'event')}` : plural(v.events, 'event'))
  if (v.severity !== before.severity) parts.push(v.severity)
  if (v.state !== before.state || v.reason !== before.reason) parts.push(stateName(v.state, v.reason))
  if (v.firstSeen !== before.firstSeen) parts.push('began earlier')
  return parts.join(', ') || 'the triage changed'
}

/** Undo offers to take back what a job did, and says of how many signals. */
function Undo({ job, again }: { job: string; again: () => void }) {
  const lacks = useMay('triage')
  const read = useAsk(job, (stop) => readJob(job, stop))
  if (read.value?.state !== 'done') return null
  const n = read.value.changed
  return <button class="link" disabled={lacks !== ''} title={lacks || undefined} onClick={() => void undo(job, again)}>{n > 1 ? `Undo for all ${count(n)}` : 'Undo'}</button>
}

/** undo takes back the change of a job: of all its signals that nobody changed since. */
async function undo(job: string, again: () => void): Promise<void> {
  try {
    const { undone, leftAtUndo } = await undoJob(job)
    tell({ text: `Undone: ${plural(undone, 'signal')} as before.${leftAtUndo > 0 ? ` ${plural(leftAtUndo, 'signal')} left as somebody made them since.` : ''}` })
  } catch (e) {
    tell({ text: `Not undone: ${(e as Error).message}`, failed: true })
  }
  again()
}
