import { useState } from 'preact/hooks'
import { changeRetention, keepingNames, previewRetention, type Goes, type Keeping, type Retention, type RetentionChange } from '../../api/retention'
import { Confirm } from '../../parts/confirm'
import { FormFaults, FormRow, faultsOf, type Fault } from '../../parts/form-row'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { count, oneLine, plural } from '../../state/text'
import { bytes, dayOf } from './size'

const rows: { name: keyof Keeping; label: string; hint: string }[] = [
  { name: 'events', label: 'Events', hint: 'From when they arrived, by whole days' },
  { name: 'signals', label: 'Signals', hint: 'From when they were last seen, and what was told of them' },
  { name: 'matches', label: 'Matches', hint: 'What rules count with; at least as long as they look back' },
  { name: 'responses', label: 'Responses', hint: 'What was done to hosts, from when it ended' },
  { name: 'disk_quota', label: 'Disk quota', hint: 'Beyond it the oldest days of events go' },
]

/** RetentionForm changes how long what is kept: it says what that deletes before it is done. */
export function RetentionForm({ retention: r, onSaved, close }: { retention: Retention; onSaved: (r: Retention) => void; close: () => void }) {
  const [texts, setTexts] = useState<Keeping>(r.settings)
  const [faults, setFaults] = useState<Fault[]>([])
  const [looking, setLooking] = useState(false)
  const [change, setChange] = useState<RetentionChange>()
  const lacks = useMay('deleteEvents')
  const same = keepingNames.every((n) => texts[n].trim() === r.settings[n])
  const save = async (confirm: string) => {
    const now = await changeRetention(texts, r.version, confirm)
    onSaved(now)
    return 'It is kept so from now on.'
  }
  const look = async (e: Event) => {
    e.preventDefault()
    setLooking(true)
    setFaults([])
    try {
      const found = await previewRetention(texts)
      if (found.goes.length > 0 || found.overQuota) setChange(found)
      else tell({ text: await save(found.confirm) })
    } catch (error) {
      setFaults(faultsOf(error))
    }
    setLooking(false)
  }
  return (
    <form class="form" aria-label="How long what is kept" onSubmit={(e) => void look(e)}>
      <p class="small mut">Times are written 48h, 90d, 12w, 15mo, 2y or for-ever; the quota 50GB, or none. What is empty is as the engine was started.</p>
      {rows.map(({ name, label, hint }) => (
        <FormRow key={name} label={label} at={name} faults={faults} hint={`${hint}. Empty: ${r.started[name]}.`}>
          {(id, said) => <input id={id} class="field short mono" aria-describedby={said} spellcheck={false} autocomplete="off" placeholder={r.started[name]} value={texts[name]} onInput={(e) => setTexts({ ...texts, [name]: e.currentTarget.value })} />}
        </FormRow>
      ))}
      <FormFaults faults={faults} rows={[...keepingNames]} />
      <div class="form-end">
        <button class="button main" disabled={looking || same || lacks !== ''} title={lacks}>{looking ? 'Counting what it deletes' : 'Change'}</button>
        <button type="button" class="button quiet" onClick={close}>Leave it</button>
        {lacks !== '' && <span class="mut small">{lacks}</span>}
      </div>
      {change && (
        <Confirm title={change.goes.length > 0 ? 'Delete this for good?' : 'Change the quota?'} verb={change.goes.length > 0 ? 'Delete and change' : 'Change'} act={() => save(change.confirm)} close={() => setChange(undefined)}>
          <ul class="keep-list">{change.goes.map((g) => <li key={g.table + g.reason}><b>{oneLine(g.table, 60)}</b><span>{saidOf(g)}{g.unevaluated > 0 && <span class="critical"> {plural(g.unevaluated, 'event')} no rule has seen yet.</span>}</span></li>)}</ul>
          <p class="small mut">{bytes(change.used)} are left then. What is deleted is in backups that were made before, and nowhere else.</p>
          {change.overQuota && <p class="high">More than the quota stays: the newest day of events, signals and rules may not be dropped.</p>}
        </Confirm>
      )}
    </form>
  )
}

/** saidOf says what goes: 12 days, 1 to 12 May, 1,234,567 events, 3.2 GB. */
function saidOf(g: Goes): string {
  const what = g.table === 'events' ? plural(g.rows, 'event') : `${count(g.rows)} ${g.rows === 1 ? 'row' : 'rows'}`
  if (g.partitions === 0) return `${what}.`
  const unit = g.first.length === 8 ? 'day' : 'month'
  const span = g.first === g.last ? dayOf(g.first) : `${dayOf(g.first)} to ${dayOf(g.last)}`
  return `${what} of ${plural(g.partitions, unit)}, ${span}, ${bytes(g.bytes)}${g.reason === 'quota' ? ', for the quota' : ''}.`
}
