import { useEffect, useState } from 'preact/hooks'
import type { Signal, State } from '../../api/signals'
import type { Change } from '../../api/triage'
import { Key } from '../../parts/key'
import { stateName } from '../../parts/marks'
import { useKeys } from '../../state/keys'
import { useCaller, useMay } from '../../state/session'
import { reasonOf, reasons } from './reasons'

const states: State[] = ['open', 'under_review', 'archived']

/** Decide is what becomes of a signal: its state, whose it is, why, and a note. */
export function Decide({ signal, onChange }: { signal: Signal; onChange: (c: Change) => Promise<boolean> }) {
  const [state, setState] = useState(signal.state)
  const [reason, setReason] = useState('')
  const [assignee, setAssignee] = useState(signal.assignee)
  const [note, setNote] = useState('')
  const lacks = useMay('triage')
  const caller = useCaller()
  useEffect(() => {
    setState(signal.state)
    setReason(reasonOf(signal)?.letter ?? '')
    setAssignee(signal.assignee)
  }, [signal.id, signal.state, signal.assignee, signal.reason, signal.comment])
  const chosen = reasons.find((r) => r.letter === reason)
  const needsReason = state === 'archived' && !chosen
  const unchanged = state === signal.state && assignee === signal.assignee && note.trim() === '' && (state !== 'archived' || chosen === reasonOf(signal))
  const save = () => {
    if (lacks !== '' || needsReason || unchanged) return
    const text = [state === 'archived' ? (chosen?.note ?? '') : '', note.trim()].filter((t) => t !== '').join(' ')
    const c: Change = { ...(state === 'suppressed' ? {} : { state }), ...(state === 'archived' && chosen ? { reason: chosen.reason } : {}), ...(text === '' ? {} : { note: text }), ...(assignee === signal.assignee ? {} : { assignee }) }
    void onChange(c).then((ok) => ok && setNote(''))
  }
  useKeys([{ keys: 'Mod+Enter', does: 'save', act: save, always: true }])
  return (
    <section class="aside-part" aria-label="Decide">
      <h2>Decide</h2>
      <div class="segments" role="radiogroup" aria-label="State">
        {states.map((s) => (
          <button key={s} role="radio" aria-checked={s === state} disabled={lacks !== ''} title={lacks} onClick={() => setState(s)}>{stateName(s)}</button>
        ))}
      </div>
      <div class="form-row">
        <label for="assignee">Assignee</label>
        <span class="with-button">
          <input id="assignee" class="field" value={assignee} placeholder="Nobody" disabled={lacks !== ''} title={lacks} onInput={(e) => setAssignee(e.currentTarget.value)} />
          {caller.by !== 'key' && assignee !== caller.name && <button class="link" onClick={() => setAssignee(caller.name)}>me</button>}
        </span>
      </div>
      <div class="form-row">
        <label for="reason">Reason</label>
        <select id="reason" class="field" value={reason} disabled={lacks !== ''} title={lacks} onChange={(e) => (setReason(e.currentTarget.value), setState('archived'))}>
          <option value="">Needed to archive</option>
          {reasons.map((r) => <option key={r.letter} value={r.letter}>{r.title}{r.kept && `, ${r.kept}`}</option>)}
        </select>
      </div>
      <div class="form-row tall">
        <label for="note">Note</label>
        <textarea id="note" class="field" rows={2} placeholder="What did you find?" value={note} disabled={lacks !== ''} title={lacks} onInput={(e) => setNote(e.currentTarget.value)} />
      </div>
      <div class="form-row"><span />
        <span class="actions">
          <button class="button main" title={lacks} disabled={lacks !== '' || needsReason || unchanged} onClick={save}>Save <Key>⌘↵</Key></button>
          {lacks !== '' ? <span class="small mut">{lacks}</span> : needsReason && <span class="small mut">Archiving takes a reason.</span>}
        </span>
      </div>
    </section>
  )
}
