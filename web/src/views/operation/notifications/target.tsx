import { useState } from 'preact/hooks'
import { deleteTarget, readTarget, saveTarget, type Target as Of } from '../../../api/notifications'
import { Dialog } from '../../../parts/dialog'
import { Facts, Known } from '../../../parts/keep'
import { change, go, useAddress } from '../../../state/address'
import { useAsk } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { oneLine } from '../../../state/text'
import { Attempts } from './attempts'
import { kindOf, textOf, told } from './kinds'
import { TargetForm } from './target-form'
import { Trial } from './trial'

/** Target is one: what it is told by, a trial of it, and what it was told. */
export function Target({ id }: { id: string }) {
  const target = useAsk(`target ${id}`, (stop) => readTarget(id, stop), 'keep')
  return <Known of={target}>{(t) => <Shown target={t} put={(to) => target.put(() => to)} />}</Known>
}

function Shown({ target: t, put }: { target: Of; put: (t: Of) => void }) {
  const { query } = useAddress()
  const editing = query.get('edit') !== null
  const [deleting, setDeleting] = useState(false)
  const lacks = useMay('notify')
  const turn = async (of: Of, to: 'on' | 'off') => {
    try {
      const now = await saveTarget({ ...of, enabled: to === 'on' })
      put(now)
      tell({ text: `${t.handle} is ${to}.${to === 'off' ? ' What it is to be told waits for an hour, and fails then.' : ''}`, undo: () => void turn(now, to === 'on' ? 'off' : 'on') })
    } catch (e) {
      tell({ text: `It was not switched: ${(e as Error).message}`, failed: true })
    }
  }
  return (
    <>
      <p class="place-lead"><a class="link" href="/operation/notifications">Notifications</a> / <code class="hi">{oneLine(t.handle, 120)}</code>{!t.enabled && <span class="medium"> is off: it is told nothing</span>}</p>
      {editing ? <TargetForm target={t} onSaved={(now) => (put(now), tell({ text: `${now.handle} is saved.` }), change({ edit: undefined }))} close={() => change({ edit: undefined })} /> : (
        <>
          <div class="keep-facts-place"><Facts of={factsOf(t)} /></div>
          <div class="keep-actions">
            <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => change({ edit: 'yes' })}>Change</button>
            <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => void turn(t, t.enabled ? 'off' : 'on')}>{t.enabled ? 'Switch off' : 'Switch on'}</button>
            <button class="button danger" disabled={lacks !== ''} title={lacks} onClick={() => setDeleting(true)}>Delete</button>
            {lacks !== '' && <span class="mut small">{lacks}</span>}
          </div>
          <Trial of={t.id} />
          <Attempts target={t.handle} />
        </>
      )}
      {deleting && <Delete target={t} close={() => setDeleting(false)} />}
    </>
  )
}

function factsOf(t: Of): [string, string][] {
  const kind = kindOf(t.type)
  const said = (kind?.fields ?? []).flatMap((f): [string, string][] => {
    if (f.secret) return [[f.label, (f.name === 'url' ? t.url : t.secret) === '' ? 'none' : 'kept, and not shown']]
    const text = textOf(t, f)
    return text === '' ? [] : [[f.label, oneLine(text, 500)]]
  })
  const more = told.filter(([kind]) => t.on.includes(kind)).map(([, title]) => title)
  return [['Type', kind?.title ?? t.type], ...said, ['Told of', ['openings and ends', ...more].join(', ')]]
}

function Delete({ target: t, close }: { target: Of; close: () => void }) {
  const [sending, setSending] = useState(false)
  const act = async () => {
    setSending(true)
    try {
      await deleteTarget(t.id)
      tell({ text: `${t.handle} is deleted.` })
      go('/operation/notifications')
    } catch (e) {
      setSending(false)
      tell({ text: `It was not deleted: ${(e as Error).message}`, failed: true })
    }
  }
  return (
    <Dialog title={`Delete ${oneLine(t.handle, 80)}?`} close={close} class="keep-dialog">
      <p>Rules and routes that name it tell nobody there. What it is still to be told fails in an hour, unless a target of this handle is made anew.</p>
      <div class="keep-actions">
        <button class="button danger" disabled={sending} onClick={() => void act()}>Delete</button>
        <button class="button quiet" onClick={close}>Leave it</button>
      </div>
    </Dialog>
  )
}
