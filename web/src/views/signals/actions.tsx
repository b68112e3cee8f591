import { useState } from 'preact/hooks'
import type { Filter, Signal } from '../../api/signals'
import type { Change } from '../../api/triage'
import { Dialog } from '../../parts/dialog'
import { useMay } from '../../state/session'
import { count, plural } from '../../state/text'
import { act, actOnAll, type Shown } from './act'
import { AssignForm } from './assign-form'
import { Respond } from './respond'
import { SuppressDialog } from './suppress'
import { TriageForm } from './triage-form'
import { useKeys } from '../../state/keys'

/** Doing is what is being done: a form of it is open. */
export type Doing = 'triage' | 'assign' | 'suppress' | 'respond'

export interface Subject {
  signals: Signal[]
  /** All that the filter selects, instead. */
  all?: { filter: Filter; total: number | undefined }
}

interface ActionsProps {
  subject: Subject
  known: string[]
  shown: Shown
  /** Called when something became of them. */
  onDone: (c: Change) => void
  again: () => void
}

/** useActions opens the forms by key or press, and carries out what they say. */
export function useActions({ subject, known, shown, onDone, again }: ActionsProps) {
  const [doing, setDoing] = useState<Doing | undefined>()
  const may = useMay('triage')
  const begin = (what: Doing) => {
    if (subject.signals.length > 0 && (may === '' || what === 'suppress' || what === 'respond')) setDoing(what)
  }
  useKeys([
    { keys: 'e', does: 'triage', act: () => begin('triage') },
    { keys: 'a', does: 'assign', act: () => begin('assign') },
    { keys: 's', does: 'suppress', act: () => begin('suppress') },
    { keys: 'r', does: 'respond', act: () => begin('respond') },
  ])
  const { signals, all } = subject
  const name = all ? `all ${all.total === undefined ? '' : count(all.total) + ' '}signals` : signals.length === 1 ? 'this signal' : plural(signals.length, 'signal')
  const carryOut = (c: Change) => {
    if (all) void actOnAll(all.filter, c, again)
    else void act(signals, c, shown)
    onDone(c)
  }
  const close = () => setDoing(undefined)
  const reviewed = signals.filter((s) => s.state === 'under_review').length
  const hint = [
    all ? 'These are all that the query finds, loaded or not.' : reviewed > 0 ? `${count(reviewed)} of ${count(signals.length)} under review.` : '',
    all ? '' : 'Undo is offered for 10 s.',
  ].join(' ')
  const form =
    doing === 'triage' ? <TriageForm subject={name} hint={hint.trim()} onChange={carryOut} close={close} />
    : doing === 'assign' ? <AssignForm subject={name} known={known} onAssign={(to) => carryOut({ assignee: to })} close={close} />
    : doing === 'suppress' && signals[0] ? <SuppressDialog signal={signals[0]} close={close} />
    : doing === 'respond' && signals[0] ? <Dialog title="Respond" close={close}><Respond signal={signals[0]} /></Dialog>
    : null
  return { begin, form }
}
