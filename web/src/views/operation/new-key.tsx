import { useState } from 'preact/hooks'
import { createKey, type Key } from '../../api/access'
import { useAddress } from '../../state/address'
import { tell } from '../../state/done'

/** roles of keys, and what each is for. */
const roles = {
  intake: 'sends events, and sees nothing', enroll: 'makes hosts agents, and sees nothing', reader: 'sees, and changes nothing', analyst: 'sees and triages',
  engineer: 'changes what is detected and who is told', responder: 'triages, kills and isolates', admin: 'may do everything',
} as const
type Role = keyof typeof roles
const isRole = (text: string): text is Role => text in roles

/** NewKey makes a key: of a role, which is its scope, or of only this one, and with an end. */
export function NewKey({ only, onMade }: { only?: Role; onMade: (k: Key) => void }) {
  const { query } = useAddress()
  const wanted = query.get('role') ?? ''
  const [name, setName] = useState('')
  const [role, setRole] = useState<Role>(only ?? (isRole(wanted) ? wanted : 'reader'))
  const [ends, setEnds] = useState(only === 'enroll' ? '1d' : '90d')
  const [uses, setUses] = useState('')
  const [rate, setRate] = useState('')
  const [making, setMaking] = useState(false)
  const what = only === 'enroll' ? 'token' : 'key'
  const make = async (e: Event) => {
    e.preventDefault()
    setMaking(true)
    try {
      onMade(await createKey({ name: name.trim(), role, expiresIn: ends, rate: Number(rate) || 0, uses: role === 'enroll' ? Number(uses) || 0 : 0 }))
      setName('')
    } catch (err) {
      tell({ text: `No key was made: ${(err as Error).message}`, failed: true })
    }
    setMaking(false)
  }
  return (
    <form class="keep-form" onSubmit={(e) => void make(e)}>
      <label>Name of a new {what} <input class="field" required value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
      {only === undefined && <label>Role <select class="field" value={role} onChange={(e) => isRole(e.currentTarget.value) && setRole(e.currentTarget.value)}>{Object.keys(roles).map((r) => <option key={r}>{r}</option>)}</select></label>}
      <label>Expires <select class="field" value={ends} onChange={(e) => setEnds(e.currentTarget.value)}><option value="1d">in a day</option><option value="30d">in 30 days</option><option value="90d">in 90 days</option><option value="365d">in a year</option><option value="">never</option></select></label>
      {role === 'enroll'
        ? <label>Agents, at most <input class="field" type="number" min="1" placeholder="any number" value={uses} onInput={(e) => setUses(e.currentTarget.value)} /></label>
        : <label>Calls a second <input class="field" type="number" min="1" placeholder="as any key" value={rate} onInput={(e) => setRate(e.currentTarget.value)} /></label>}
      <button class="button main" disabled={making || name.trim() === ''}>Make a {what}</button>
      <p class="small mut ops-said">It {roles[role]}.</p>
    </form>
  )
}
