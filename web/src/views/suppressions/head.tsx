import { useState } from 'preact/hooks'
import { deleteSuppression, updateSuppression, type Draft, type Standing, type Suppression } from '../../api/suppressions'
import { Dialog } from '../../parts/dialog'
import { Key } from '../../parts/key'
import { go } from '../../state/address'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { count, oneLine, plural, shown } from '../../state/text'
import { age, dayAndMinutes, wholeTime, zoneName } from '../../state/time'
import type { EditorState } from './editor'
import { StateOf } from './marks'
import { rowOf } from './state'

const week = 7 * 864e5

interface HeadProps {
  stored: Suppression | undefined
  put: (s: Suppression) => void
  standing: Standing | undefined
  editor: EditorState
}

/** Head says which suppression it is, how it stands, and what can be done with it. */
export function Head({ stored, put, standing, editor: e }: HeadProps) {
  const lacks = useMay('configure')
  const row = stored && rowOf(stored, standing, Date.now())
  return (
    <div class="keeping-head">
      <div class="keeping-title">
        <p class="small mut"><a href="/suppressions">Suppressions</a> {stored ? <code>{stored.id}</code> : 'new'}</p>
        <h1>{e.draft.name === '' ? 'New suppression' : shown(e.draft.name)}</h1>
        {row && (
          <p class="keeping-doing small mut">
            <StateOf of={row} state={row.state} />
            {row.worth !== '' && <span class="high">{row.worth}</span>}
            <span title={wholeTime(row.createdAt)}>made {age(row.createdAt)} ago{row.createdBy !== '' && ` by ${oneLine(row.createdBy, 80)}`}</span>
            {row.version > 1 && <span title={wholeTime(row.changedAt)}>changed {age(row.changedAt)} ago{row.changedBy !== '' && ` by ${oneLine(row.changedBy, 80)}`}, v{row.version}</span>}
          </p>
        )}
      </div>
      <div class="keeping-actions">
        {stored && <Actions stored={stored} put={put} standing={standing} />}
        {e.changed && !e.isNew && <button class="button quiet" onClick={e.discard}>Discard</button>}
        {(e.changed || e.isNew) && <button class="button main" disabled={lacks !== '' || e.faulty || e.saving} title={lacks} onClick={() => void e.save()}>{stored ? `Save as v${stored.version + 1}` : 'Store it'} <Key>⌘S</Key></button>}
        {lacks !== '' && <span class="mut small">{lacks}</span>}
      </div>
    </div>
  )
}

function Actions({ stored, put, standing }: { stored: Suppression; put: (s: Suppression) => void; standing: Standing | undefined }) {
  const lacks = useMay('configure')
  const [deleting, setDeleting] = useState(false)
  /** write stores a change that one press makes, with the way back. */
  const write = async (from: Suppression, part: Partial<Draft>, said: (s: Suppression) => string, back?: Partial<Draft>) => {
    try {
      const now = await updateSuppression(from.id, from.version, { ...from, ...part })
      put(now)
      tell({ text: said(now), ...(back ? { undo: () => void write(now, back, () => 'Undone.') } : {}) })
    } catch (e) {
      tell({ text: `Not changed: ${(e as Error).message}`, failed: true })
    }
  }
  const extend = () => write(stored, { until: Math.max(Date.now(), stored.until ?? 0) + week }, (s) => `It ends ${dayAndMinutes(s.until ?? 0)} ${zoneName()}.`, { until: stored.until })
  const turn = () => write(stored, { enabled: !stored.enabled }, (s) => (s.enabled ? 'It is on, for what arrives from now.' : 'It is off. What it hid stays hidden.'), { enabled: stored.enabled })
  return (
    <>
      {stored.until !== undefined && <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => void extend()}>Extend by 7 days</button>}
      <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => void turn()}>{stored.enabled ? 'Disable' : 'Enable'}</button>
      <button class="button danger" disabled={lacks !== ''} title={lacks} onClick={() => setDeleting(true)}>Delete</button>
      {deleting && <Deleting stored={stored} standing={standing} close={() => setDeleting(false)} />}
    </>
  )
}

function Deleting({ stored, standing, close }: { stored: Suppression; standing: Standing | undefined; close: () => void }) {
  const remove = async () => {
    try {
      await deleteSuppression(stored.id)
      go('/suppressions', 'replace')
      tell({ text: `${oneLine(stored.name, 80)} is deleted. What it hid stays hidden.` })
    } catch (e) {
      close()
      tell({ text: `Not deleted: ${(e as Error).message}`, failed: true })
    }
  }
  return (
    <Dialog title={`Delete “${oneLine(stored.name, 80)}”`} close={close} class="keep-dialog">
      <p>Signals of {standing ? plural(standing.rulesTotal, 'rule') : 'its rules'} that it would have hidden are shown from now on. {standing && standing.hidden > 0 && `The ${count(standing.hidden)} that it hid stay hidden.`}</p>
      <p class="keep-actions"><button class="button danger" onClick={() => void remove()}>Delete the suppression</button><button class="button" onClick={close}>Keep it</button></p>
    </Dialog>
  )
}
