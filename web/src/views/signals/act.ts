// What is done to signals: at once on the screen, and back if the engine refuses.
import { after, type Change } from '../../api/triage'
import { changeMany, undoJob } from '../../api/triage-jobs'
import { readSignal, type Filter, type Signal, type SignalDetail } from '../../api/signals'
import { tell } from '../../state/done'
import { plural } from '../../state/text'
import { reasonName, stateName } from '../../parts/marks'

/** Shown is where signals are seen: it is told how they stand now. */
export interface Shown {
  put(signals: Signal[]): void
}

export const changeName = (c: Change): string => {
  if (c.state === 'archived') return `Archived as ${reasonName(c.reason ?? '').toLowerCase()}`
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
    if (one && one.version > 0) await refuseIfChanged(one)
    const job = await changeMany({ ids: signals.map((s) => s.id) }, c)
    tell({ text: `${changeName(c)}${one ? '.' : `: ${plural(job.changed, 'signal')}.`}${leftText(job.left)}`, undo: () => void undo(job.id, signals, shown) })
    return true
  } catch (e) {
    shown.put(signals)
    if (one && e instanceof ConflictError) conflict(one, e.detail, c, shown)
    else tell({ text: `Not done: ${(e as Error).message}`, failed: true })
    return false
  }
}

const leftText = (n: number): string => (n > 0 ? ` ${plural(n, 'signal')} of the engine’s own left alone.` : '')

async function undo(job: string, signals: Signal[], shown: Shown): Promise<void> {
  try {
    const { undone, leftAtUndo } = await undoJob(job)
    if (leftAtUndo === 0) shown.put(signals)
    tell({ text: `Undone: ${plural(undone, 'signal')} as before.${leftAtUndo > 0 ? ` ${plural(leftAtUndo, 'signal')} left as somebody made them since.` : ''}` })
  } catch (e) {
    tell({ text: `Not undone: ${(e as Error).message}`, failed: true })
  }
}

/** ConflictError says that somebody changed a signal since it was read. */
class ConflictError extends Error {
  readonly detail: SignalDetail
  constructor(detail: SignalDetail) {
    super('changed since')
    this.detail = detail
  }
}

async function refuseIfChanged(s: Signal): Promise<void> {
  const detail = await readSignal(s.id)
  if (detail.signal.version !== s.version) throw new ConflictError(detail)
}

/** conflict tells who was faster, and offers to overrule them. */
function conflict(s: Signal, detail: SignalDetail, c: Change, shown: Shown): void {
  const now = detail.signal
  const by = (detail.custom.workflow.triage as { updater?: { handle?: string } } | undefined)?.updater?.handle || 'Somebody'
  shown.put([now])
  tell({ text: `${by} changed ${s.title} before you: ${stateName(now.state, now.reason).toLowerCase()}.`, failed: true, otherwise: { label: 'Yours instead', act: () => void act([now], c, shown) } })
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
