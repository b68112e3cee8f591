import { useState } from 'preact/hooks'
import { createKey, listKeys, revokeKey, type Key } from '../../api/access'
import { Dialog } from '../../parts/dialog'
import { Facts, Known, Snippet } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { tell } from '../../state/done'
import { age, dayAndMinutes, duration, zoneName } from '../../state/time'
import { oneLine } from '../../state/text'

const roles = ['intake', 'enroll', 'reader', 'analyst', 'engineer', 'responder', 'admin']
const soon = 14 * 864e5

/** Keys are who may come in without a name; first what expires. */
export function Keys() {
  const keys = useAsk('keys', listKeys, 'keep')
  const [made, setMade] = useState<Key | undefined>()
  const [revoking, setRevoking] = useState<Key | undefined>()
  const cells: Cell<Key>[] = [
    { title: 'Key', cell: (k) => <><b class="hi">{oneLine(k.name, 120)}</b> {k.hint !== '' && <code class="mut">{k.hint}…</code>}</> },
    { title: 'Role', cell: (k) => k.role },
    { title: 'Expires', cell: (k) => <Expiry of={k} /> },
    { title: 'Used', minor: true, cell: (k) => (k.used === 0 ? <span class="mut">never</span> : `${age(k.used)} ago`) },
    { title: 'Made', minor: true, cell: (k) => (k.created === 0 ? <span class="mut">at the first start</span> : `${dayAndMinutes(k.created)} ${zoneName()} by ${oneLine(k.by, 80)}`) },
    { title: 'End', cell: (k) => (k.id === 'first' ? <span class="mut small">in the file api-key</span> : <button class="link" onClick={() => setRevoking(k)}>Revoke<span class="unseen"> {oneLine(k.name, 80)}</span></button>) },
  ]
  return (
    <>
      <NewKey onMade={(k) => (setMade(k), keys.again())} />
      {made && (
        <div class="keep-secret" role="status">
          <p><b class="hi">{oneLine(made.name, 80)}</b>, {made.role}. This is the only time that it is shown:</p>
          <Snippet text={made.key} name="Copy the key" />
          <p class="keep-actions"><button class="button" onClick={() => setMade(undefined)}>I have it</button></p>
        </div>
      )}
      <Known of={keys}>{(all) => <Listing name="Keys" cells={cells} rows={[...all].sort((a, b) => (a.expires || Infinity) - (b.expires || Infinity) || a.name.localeCompare(b.name))} keyOf={(k) => k.id} />}</Known>
      {revoking && <Revoke of={revoking} close={() => setRevoking(undefined)} onDone={keys.again} />}
    </>
  )
}

function Expiry({ of: k }: { of: Key }) {
  if (k.expires === 0) return <span class="mut">never</span>
  const left = k.expires - Date.now()
  return left <= 0 ? <span class="critical">expired</span> : <span class={left < soon ? 'high' : ''}>in {duration(left)}</span>
}

function NewKey({ onMade }: { onMade: (k: Key) => void }) {
  const { query } = useAddress()
  const wanted = query.get('role') ?? ''
  const [name, setName] = useState('')
  const [role, setRole] = useState(roles.includes(wanted) ? wanted : 'reader')
  const [ends, setEnds] = useState('90d')
  const [making, setMaking] = useState(false)
  const make = async (e: Event) => {
    e.preventDefault()
    setMaking(true)
    try {
      onMade(await createKey(name.trim(), role, ends))
      setName('')
    } catch (err) {
      tell({ text: `No key was made: ${(err as Error).message}`, failed: true })
    }
    setMaking(false)
  }
  return (
    <form class="keep-form" onSubmit={(e) => void make(e)}>
      <label>Name of a new key <input class="field" required value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
      <label>Role <select class="field" value={role} onChange={(e) => setRole(e.currentTarget.value)}>{roles.map((r) => <option key={r}>{r}</option>)}</select></label>
      <label>Expires <select class="field" value={ends} onChange={(e) => setEnds(e.currentTarget.value)}><option value="30d">in 30 days</option><option value="90d">in 90 days</option><option value="365d">in a year</option><option value="">never</option></select></label>
      <button class="button main" disabled={making || name.trim() === ''}>Make a key</button>
    </form>
  )
}

function Revoke({ of: k, close, onDone }: { of: Key; close: () => void; onDone: () => void }) {
  const [sending, setSending] = useState(false)
  const act = async () => {
    setSending(true)
    try {
      await revokeKey(k.id)
      tell({ text: `${oneLine(k.name, 80)} is revoked.` })
      onDone()
      close()
    } catch (e) {
      setSending(false)
      tell({ text: `It was not revoked: ${(e as Error).message}`, failed: true })
    }
  }
  return (
    <Dialog title={`Revoke ${oneLine(k.name, 80)}?`} close={close} class="keep-dialog">
      <Facts of={[['Role', k.role], ['Used', k.used === 0 ? 'never' : `${age(k.used)} ago`], ...(k.agent !== '' ? [['Agent', oneLine(k.agent, 120)] as [string, string]] : [])]} />
      <p class="small mut">What uses it is refused at once, and it can’t be brought back.</p>
      <div class="keep-actions">
        <button class="button danger" disabled={sending} onClick={() => void act()}>Revoke</button>
        <button class="button quiet" onClick={close}>Leave it</button>
      </div>
    </Dialog>
  )
}
