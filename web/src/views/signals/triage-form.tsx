import { useState } from 'preact/hooks'
import { Dialog } from '../../parts/dialog'
import { Key } from '../../parts/key'
import { currentPreferences, prefer } from '../../state/preferences'
import type { Change } from '../../api/triage'
import { reasons } from './reasons'

interface TriageProps {
  /** What it is about: this signal, 3 signals. */
  subject: string
  hint: string
  onChange: (c: Change) => void
  close: () => void
}

/** TriageForm asks for a reason, and takes a note. 1 to 4 decide at once. */
export function TriageForm({ subject, hint, onChange, close }: TriageProps) {
  const last = currentPreferences().lastReason
  const [chosen, setChosen] = useState(Math.max(0, reasons.findIndex((r) => r.letter === last)))
  const [note, setNote] = useState('')
  const done = (c: Change) => {
    close()
    onChange(c)
  }
  const archive = (i: number) => {
    const r = reasons[i]
    if (!r) return
    prefer({ lastReason: r.letter })
    const text = [r.note, note.trim()].filter((t) => t !== '').join(' ')
    done({ state: 'archived', reason: r.reason, ...(text === '' ? {} : { note: text }) })
  }
  const review = () => done({ state: 'under_review', ...(note.trim() === '' ? {} : { note: note.trim() }) })
  const onKeyDown = (e: KeyboardEvent) => {
    const writes = e.target instanceof HTMLTextAreaElement
    if (e.key === 'Enter' && (!writes || e.metaKey || e.ctrlKey)) archive(chosen)
    else if (writes) return
    else if (/^[1-4]$/.test(e.key)) archive(Number(e.key) - 1)
    else if (e.key === 'ArrowDown' || e.key === 'j') setChosen((chosen + 1) % reasons.length)
    else if (e.key === 'ArrowUp' || e.key === 'k') setChosen((chosen + reasons.length - 1) % reasons.length)
    else if (e.key === 'u') review()
    else return
    e.preventDefault()
  }
  return (
    <Dialog title={`Archive ${subject} as`} close={close} class="triage">
      <div onKeyDown={onKeyDown}>
        <div role="radiogroup" aria-label="Reason" class="reasons">
          {reasons.map((r, i) => (
            <button
              key={r.letter} role="radio" aria-checked={i === chosen} tabIndex={i === chosen ? 0 : -1} class="reason" autofocus={i === chosen}
              onClick={() => archive(i)} onFocus={() => setChosen(i)}
            >
              <kbd aria-hidden="true">{r.letter}</kbd><span class="grow">{r.title}</span>
              {r.kept && <span class="mut small">{r.kept}</span>}
              {r.letter === last && <span class="mut small">last used</span>}
            </button>
          ))}
        </div>
        <textarea class="field" rows={2} aria-label="Note" placeholder="Note, kept in the history" value={note} onInput={(e) => setNote(e.currentTarget.value)} />
        <p class="small mut">{hint}</p>
        <div class="actions">
          <button class="button main" onClick={() => archive(chosen)}>Archive <Key>↵</Key></button>
          <button class="button quiet" onClick={review}>Only take under review <Key>u</Key></button>
        </div>
      </div>
    </Dialog>
  )
}
