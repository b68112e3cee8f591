import { useState } from 'preact/hooks'
import { Dialog } from '../../parts/dialog'
import { useCaller } from '../../state/session'

/** AssignForm gives signals to somebody, or to nobody. */
export function AssignForm({ subject, known, onAssign, close }: { subject: string; known: string[]; onAssign: (to: string) => void; close: () => void }) {
  const caller = useCaller()
  const me = caller.by === 'key' ? '' : caller.name
  const [to, setTo] = useState(me)
  const give = (name: string) => {
    close()
    onAssign(name.trim())
  }
  return (
    <Dialog title={`Assign ${subject} to`} close={close} class="assign">
      <form onSubmit={(e) => (e.preventDefault(), give(to))}>
        <input class="field" aria-label="Name" list="assignees" autofocus value={to} placeholder="Name" onInput={(e) => setTo(e.currentTarget.value)} />
        <datalist id="assignees">{known.map((k) => <option key={k} value={k} />)}</datalist>
        <div class="actions">
          <button class="button main" disabled={to.trim() === ''}>Assign</button>
          {me !== '' && me !== to && <button type="button" class="button" onClick={() => give(me)}>To me</button>}
          <button type="button" class="button quiet" onClick={() => give('')}>To nobody</button>
        </div>
      </form>
    </Dialog>
  )
}
