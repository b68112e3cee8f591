import { useState } from 'preact/hooks'
import type { Filter, Signal } from '../../api/signals'
import type { Change } from '../../api/triage'
import { useMay } from '../../state/session'
import { useCommands, type Command } from '../../state/commands'
import { tell } from '../../state/done'
import { count, plural } from '../../state/text'
import { act, actOnAll, type Shown } from './act'
import { reasons } from './reasons'
import { useKeys } from '../../state/keys'
import { later, useLater } from '../../state/later'

const forms = later(() => import('./forms'))

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
  /** Why nothing can be written now; empty or absent: it can. */
  waits?: string
}

/** useActions opens the forms by key or press, and carries out what they say. */
export function useActions({ subject, known, shown, onDone, again, waits = '' }: ActionsProps) {
  const [doing, setDoing] = useState<Doing | undefined>()
  const may = useMay('triage')
  const begin = (what: Doing) => {
    if (waits !== '') return tell({ text: `Not now: it ${waits}.`, failed: true })
    const isOfMany = what === 'triage' || what === 'assign'
    if (isOfMany && may !== '') return tell({ text: `Not done: it ${may}.`, failed: true })
    if (subject.signals.length > 0 || isOfMany && subject.all) setDoing(what)
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
  useCommands(commandsOf(subject, name, begin, carryOut, waits || may))
  const close = () => setDoing(undefined)
  const reviewed = signals.filter((s) => s.state === 'under_review').length
  const hint = [
    all ? 'These are all that the query finds, loaded or not.' : reviewed > 0 ? `${count(reviewed)} of ${count(signals.length)} under review.` : '',
    'Undo is offered for 10 s, and from the history always.',
  ].join(' ')
  const f = useLater(forms, doing !== undefined)
  const form = !f ? null
    : doing === 'triage' ? <f.TriageForm subject={name} hint={hint.trim()} onChange={carryOut} close={close} />
    : doing === 'assign' ? <f.AssignForm subject={name} known={known} onAssign={(to) => carryOut({ assignee: to })} close={close} />
    : doing === 'suppress' && signals[0] ? <f.SuppressDialog signals={signals} close={close} />
    : doing === 'respond' && signals[0] ? <f.RespondDialog signal={signals[0]} close={close} />
    : null
  return { begin, form }
}

/** commandsOf are what the palette can do with the selection. */
function commandsOf({ signals, all }: Subject, name: string, begin: (what: Doing) => void, carryOut: (c: Change) => void, lacks: string): Command[] {
  if (signals.length === 0 && !all) return []
  const of = name
  return [
    { name: 'Triage', of, lacks, keys: 'e', act: () => begin('triage') },
    { name: 'Assign', of, lacks, keys: 'a', act: () => begin('assign') },
    ...(all ? [] : [{ name: 'Suppress', of, keys: 's', act: () => begin('suppress') }, { name: 'Respond', of, keys: 'r', act: () => begin('respond') }]),
    ...reasons.map((r) => ({ name: `Archive as ${r.title.toLowerCase()}`, of, lacks, act: () => carryOut({ state: 'archived', reason: r.reason, ...(r.note === '' ? {} : { note: r.note }) }) })),
    { name: 'Take under review', of, lacks, act: () => carryOut({ state: 'under_review' }) },
    { name: 'Open again', of, lacks, act: () => carryOut({ state: 'open' }) },
  ]
}
