// What is done to signals: at once on the screen, and back if the engine refuses.
import { APIError } from '../../api/client'
import { after, before, changeAll, changeEach, changeOne, type Change } from '../../api/triage'
import { readSignal, type Filter, type Signal } from '../../api/signals'
import { tell } from '../../state/done'
import { count, plural } from '../../state/text'
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
    if (one) await changeOne(one, c)
    else await changeEach(signals.map((s) => ({ id: s.id, change: c })))
  } catch (e) {
    shown.put(signals)
    if (one && e instanceof APIError && (e.status === 409 || /version|newer|changed/i.test(e.message))) await conflict(one, c, shown)
    else tell({ text: `Not done: ${(e as Error).message}`, failed: true })
    return false
  }
  tell({ text: `${changeName(c)}${one ? '.' : `: ${plural(signals.length, 'signal')}.`}`, undo: () => void undo(signals, shown) })
  return true
}

async function undo(signals: Signal[], shown: Shown): Promise<void> {
  try {
    await changeEach(signals.map((s) => ({ id: s.id, change: before(s) })))
    shown.put(signals)
    tell({ text: `Undone: ${plural(signals.length, 'signal')} as before.` })
  } catch (e) {
    tell({ text: `Not undone: ${(e as Error).message}`, failed: true })
  }
}

/** conflict tells who was faster, and offers to overrule them. */
async function conflict(s: Signal, c: Change, shown: Shown): Promise<void> {
  const { signal: now, custom } = await readSignal(s.id)
  const by = (custom.workflow.triage as { updater?: { handle?: string } } | undefined)?.updater?.handle ?? 'Somebody'
  shown.put([now])
  tell({ text: `${by} changed it before you: ${stateName(now.state, now.reason).toLowerCase()}.`, failed: true, otherwise: { label: 'Yours instead', act: () => void act([now], c, shown) } })
}

/** actOnAll changes all that a filter selects, loaded or not. */
export async function actOnAll(filter: Filter, c: Change, again: () => void): Promise<void> {
  try {
    const { changed, left } = await changeAll(filter, c)
    tell({ text: `${changeName(c)}: ${plural(changed, 'signal')}${left > 0 ? `; ${count(left)} are the engine’s and were left alone` : ''}.` })
    again()
  } catch (e) {
    tell({ text: `Not done: ${(e as Error).message}`, failed: true })
  }
}
