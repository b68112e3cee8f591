// What is done to signals: at once on the screen, and back if the engine refuses.
import { after, type Change } from '../../api/triage'
import { changeMany, undoJob } from '../../api/triage-jobs'
import { readSignal, type Filter, type Signal } from '../../api/signals'
import { tell } from '../../state/done'
import { oneLine, plural } from '../../state/text'
import { duration } from '../../state/time'
import { reasonName } from '../../parts/marks'

/** Shown is where signals are seen: it is told how they stand now. */
export interface Shown {
  put(signals: Signal[]): void
}

export const changeName = (c: Change): string => {
  if (c.state === 'archived') return `Archived as ${reasonName(c.reason ?? '', c.note ?? '').toLowerCase()}`
  if (c.state === 'under_review') return 'Taken under review'
  if (c.state === 'open') return 'Opened again'
  if (c.assignee !== undefined) return c.assignee === '' ? 'Assigned to nobody' : `Assigned to ${c.assignee}`
  return 'Changed'
}

/** act changes signals, shows it at once, and offers to take it back. */
export async function act(signals: Signal[], c: Change, shown: Shown): Promise<boolean> {
  shown.put(signals.map((s) => after(s, c)))
  const one = signals.length === 1 ? signals[0] : undefined
  try {
    const job = await changeMany({ signals }, c)
    if (one && job.changedSince > 0) {
      await conflict(one, c, shown)
      return false
    }
    if (job.changedSince > 0) await showAgain(signals, shown)
    const text = `${changeName(c)}${one ? '.' : `: ${plural(job.changed, 'signal')}.`}${overtakenText(job.changedSince)}${leftText(job.left - job.changedSince)}`
    tell({ text, undo: () => void undo(job.id, signals, shown) })
    return true
  } catch (e) {
    shown.put(signals)
    tell({ text: `Not done: ${(e as Error).message}`, failed: true })
    return false
  }
}

const leftText = (n: number): string => (n > 0 ? ` ${plural(n, 'signal')} of the engine’s own left alone.` : '')
const overtakenText = (n: number): string => (n > 0 ? ` ${plural(n, 'signal')} left as somebody made ${n === 1 ? 'it' : 'them'} meanwhile.` : '')

/** showAgain shows signals as the engine has them now. */
async function showAgain(signals: Signal[], shown: Shown): Promise<void> {
  shown.put(await Promise.all(signals.slice(0, 100).map(async (s) => (await readSignal(s.id)).signal)))
}

async function undo(job: string, signals: Signal[], shown: Shown): Promise<void> {
  try {
    const { undone, leftAtUndo } = await undoJob(job)
    if (leftAtUndo === 0) shown.put(signals)
    tell({ text: `Undone: ${plural(undone, 'signal')} as before.${leftAtUndo > 0 ? ` ${plural(leftAtUndo, 'signal')} left as somebody made them since.` : ''}` })
  } catch (e) {
    tell({ text: `Not undone: ${(e as Error).message}`, failed: true })
  }
}

/** conflict tells who was faster and by how much, and asks which is to be. */
async function conflict(s: Signal, c: Change, shown: Shown): Promise<void> {
  const detail = await readSignal(s.id)
  const now = detail.signal
  const triage = detail.custom.workflow.triage as { updater?: { handle?: string }; stateUpdateTimestamp?: string } | undefined
  const by = triage?.updater?.handle || 'Somebody'
  const at = Date.parse(triage?.stateUpdateTimestamp ?? '')
  const before = Number.isNaN(at) ? ' before you' : ` ${duration(Math.max(1000, Date.now() - at))} before you`
  shown.put([now])
  tell({
    text: `${oneLine(by, 60)} ${became(s, now)}${before}.`, failed: true,
    choices: [{ label: 'Keep theirs', act: () => tell({ text: 'Kept as it is.' }) }, { label: 'Yours', act: () => void act([now], c, shown) }],
  })
}

/** became is what somebody made of a signal, in words. */
function became(was: Signal, now: Signal): string {
  if (now.state === was.state && now.assignee !== was.assignee) return now.assignee === '' ? 'took it from everybody' : `assigned it to ${oneLine(now.assignee, 60)}`
  if (now.state === 'archived') return `archived it as ${reasonName(now.reason, now.comment).toLowerCase()}`
  return now.state === 'under_review' ? 'took it under review' : now.state === was.state ? 'changed it' : 'opened it again'
}

/** actOnAll changes all that a filter selects, loaded or not, as one that can be undone. */
export async function actOnAll(filter: Filter, c: Change, again: () => void): Promise<void> {
  try {
    const job = await changeMany({ filter }, c)
    const back = async () => {
      const { undone, leftAtUndo } = await undoJob(job.id)
      tell({ text: `Undone: ${plural(undone, 'signal')} as before.${leftAtUndo > 0 ? ` ${plural(leftAtUndo, 'signal')} left as somebody made them since.` : ''}` })
      again()
    }
    tell({
      text: `${changeName(c)}: ${plural(job.changed, 'signal')}.${leftText(job.left)}`,
      undo: () => void back().catch((e: Error) => tell({ text: `Not undone: ${e.message}`, failed: true })),
    })
    again()
  } catch (e) {
    tell({ text: `Not done: ${(e as Error).message}`, failed: true })
  }
}
