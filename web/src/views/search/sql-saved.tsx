import { useState } from 'preact/hooks'
import { deleteView, listStatements, saveStatement } from '../../api/views'
import { Dialog } from '../../parts/dialog'
import { Menu, MenuItem } from '../../parts/menu'
import { useAsk } from '../../state/ask'
import { tell } from '../../state/done'
import { recentOf } from '../../state/recent'
import { useMay } from '../../state/session'
import { oneLine } from '../../state/text'

/** SavedStatements are those that somebody kept; the one that is written can be kept, too. */
export function SavedStatements({ statement, onOpen }: { statement: string; onOpen: (statement: string) => void }) {
  const saved = useAsk('statements', listStatements, 'keep')
  const [naming, setNaming] = useState(false)
  const lacks = useMay('triage')
  const forget = (id: string, name: string) => void deleteView(id).then(() => (tell({ text: `The statement ${oneLine(name, 60)} is deleted.` }), saved.again()), (e: Error) => tell({ text: `Not deleted: ${e.message}`, failed: true }))
  const recent = recentOf('sql').filter((q) => q !== statement && !saved.value?.some((v) => v.statement === q)).slice(0, 5)
  const here = saved.value?.find((v) => v.statement === statement)
  return (
    <>
      <Menu label={<>Saved <i class="down" /></>} class="button">
        {saved.error && <p class="menu-head critical">{saved.error.message}</p>}
        {saved.value?.length === 0 && <p class="menu-head">None is saved yet</p>}
        {(saved.value ?? []).map((v) => <MenuItem key={v.id} checked={v.statement === statement} act={() => onOpen(v.statement)}>{oneLine(v.name, 80)}{!v.mine && <span class="mut"> of {oneLine(v.owner, 40)}</span>}</MenuItem>)}
        {recent.length > 0 && <p class="menu-head">Asked before</p>}
        {recent.map((q) => <MenuItem key={'asked ' + q} act={() => onOpen(q)}><code class="cut sql-before">{oneLine(q, 80)}</code></MenuItem>)}
        <MenuItem lacks={lacks} act={() => setNaming(true)}>Save this statement</MenuItem>
        {here?.mine && <MenuItem lacks={lacks} act={() => forget(here.id, here.name)}>Delete {oneLine(here.name, 60)}</MenuItem>}
      </Menu>
      {naming && <NameIt statement={statement} close={() => setNaming(false)} again={saved.again} />}
    </>
  )
}

function NameIt({ statement, close, again }: { statement: string; close: () => void; again: () => void }) {
  const [name, setName] = useState('')
  const [shared, setShared] = useState(false)
  const [error, setError] = useState('')
  const save = (e: Event) => {
    e.preventDefault()
    void saveStatement(name.trim(), statement, shared).then(() => (again(), close(), tell({ text: `${oneLine(name.trim(), 60)} is saved.` })), (err: Error) => setError(err.message))
  }
  return (
    <Dialog title="Save this statement" close={close} class="assign">
      <form onSubmit={save}>
        <input class="field" aria-label="Name of the statement" placeholder="Name" autofocus value={name} onInput={(e) => setName(e.currentTarget.value)} />
        <label class="check"><input type="checkbox" checked={shared} onChange={(e) => setShared(e.currentTarget.checked)} /> For everybody</label>
        {error !== '' && <p role="alert" class="critical">{error}</p>}
        <div class="actions"><button class="button main" disabled={name.trim() === ''}>Save</button></div>
      </form>
    </Dialog>
  )
}
