import { useState } from 'preact/hooks'
import { savePolicy, type Policy } from '../../api/agent-policies'
import { Dialog } from '../../parts/dialog'
import { FormFaults, FormRow, faultsOf, type Fault } from '../../parts/form-row'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { oneLine } from '../../state/text'

const none = { id: '', name: '', description: '', enabled: true, tags: [] as string[][], mode: '' }
const listsOf = (text: string): string[][] => text.split('\n').map((l) => l.split(/[\s,]+/).filter((t) => t !== '')).filter((l) => l.length > 0)

/** PolicyForm is a policy: its name, for which hosts it is, and whether it blocks. */
export function PolicyForm({ policy, close, onSaved }: { policy?: Policy; close: () => void; onSaved: (p: Policy) => void }) {
  const [p, setPolicy] = useState(policy ?? none)
  const [tags, setTags] = useState(() => (policy?.tags ?? []).map((l) => l.join(' ')).join('\n'))
  const [faults, setFaults] = useState<Fault[]>([])
  const [sending, setSending] = useState(false)
  const kill = useMay('kill')
  const save = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    try {
      const saved = await savePolicy({ ...p, tags: listsOf(tags) })
      tell({ text: `${oneLine(saved.name, 80)} is saved. The change goes out in stages.` })
      onSaved(saved)
      close()
    } catch (error) {
      setFaults(faultsOf(error))
      setSending(false)
    }
  }
  return (
    <Dialog title={policy ? 'Policy' : 'A new policy'} close={close} class="keep-dialog">
      <form class="form" onSubmit={(e) => void save(e)}>
        <FormRow label="Name" at="name" faults={faults}>{(id) => <input id={id} class="field" required autofocus value={p.name} onInput={(e) => setPolicy({ ...p, name: e.currentTarget.value })} />}</FormRow>
        <FormRow label="What it is for" at="description" faults={faults}>{(id) => <input id={id} class="field" value={p.description} onInput={(e) => setPolicy({ ...p, description: e.currentTarget.value })} />}</FormRow>
        <FormRow label="Hosts" at="hostTagsLists" faults={faults} hint="Those with all tags of a line, such as env:prod team:web. No line: all hosts.">{(id, said) => <textarea id={id} class="field mono" rows={3} spellcheck={false} aria-describedby={said} value={tags} onInput={(e) => setTags(e.currentTarget.value)} />}</FormRow>
        <FormRow label="Mode" at="mode" faults={faults} hint={kill !== '' ? `Blocking ${kill}.` : 'Blocking: what the policy monitors kills and denies, as far as rules say how.'}>
          {(id, said) => <select id={id} class="field short" aria-describedby={said} value={p.mode} onChange={(e) => setPolicy({ ...p, mode: e.currentTarget.value })}><option value="">as each rule says</option><option value="blocking" disabled={kill !== ''}>blocking</option></select>}
        </FormRow>
        <FormFaults faults={faults} rows={['name', 'description', 'hostTagsLists', 'mode']} />
        <div class="keep-actions">
          <button class="button main" disabled={sending}>{policy ? 'Save' : 'Add the policy'}</button>
          <button type="button" class="button quiet" onClick={close}>Leave it</button>
        </div>
      </form>
    </Dialog>
  )
}
