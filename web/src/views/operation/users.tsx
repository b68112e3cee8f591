import { useState } from 'preact/hooks'
import { createUser, deleteUser, listUsers, resetPassword, setRole, switchUser, type User } from '../../api/access'
import { Confirm } from '../../parts/confirm'
import { Known, Nothing } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { Menu, MenuItem } from '../../parts/menu'
import { Once } from '../../parts/once'
import { useAsk } from '../../state/ask'
import { tell } from '../../state/done'
import { useCaller } from '../../state/session'
import { age, dayAndMinutes, useZone, zoneName } from '../../state/time'
import { oneLine, plural } from '../../state/text'
import { Sessions } from './sessions'

const roles = ['reader', 'analyst', 'engineer', 'responder', 'admin']
type Act = 'reset' | 'delete'

/** Users are people with a password here, and all sessions; those of a provider are not kept. */
export function Users() {
  const users = useAsk('users', listUsers, 'keep')
  const [made, setMade] = useState<User>()
  const [asking, setAsking] = useState<{ to: Act; user: User }>()
  const caller = useCaller()
  const zone = useZone()
  const change = async (what: string, act: () => Promise<unknown>, undo?: () => void) => {
    try {
      await act()
      tell({ text: what, ...(undo ? { undo } : {}) })
    } catch (e) {
      tell({ text: `Nothing was changed: ${(e as Error).message}`, failed: true })
    }
    users.again()
  }
  const turn = (u: User, to: 'disable' | 'enable'): Promise<void> =>
    change(`${oneLine(u.name, 80)} is ${to}d.${to === 'disable' ? ' Their sessions have ended.' : ''}`, () => switchUser(u.id, to), () => void turn(u, to === 'disable' ? 'enable' : 'disable'))
  const role = (u: User, to: string, from: string): Promise<void> => change(`${oneLine(u.name, 80)} is ${to} now. Their sessions have ended.`, () => setRole(u.id, to), () => void role(u, from, to))
  const self = (u: User): boolean => caller.by === 'user' && caller.name === u.name
  const cells: Cell<User>[] = [
    { title: 'Name', cell: (u) => <b class="hi">{oneLine(u.name, 120)}</b> },
    { title: 'Role', cell: (u) => (
      <select class="field ops-role" aria-label={`Role of ${oneLine(u.name, 80)}`} disabled={self(u)} title={self(u) ? 'your own role: another admin changes it' : ''} value={u.role} onChange={(e) => void role(u, e.currentTarget.value, u.role)}>{roles.map((r) => <option key={r}>{r}</option>)}</select>
    ) },
    { title: 'State', cell: (u) => (u.disabled ? <span class="medium">disabled</span> : u.sessions > 0 ? <>{plural(u.sessions, 'session')} <span class="mut">since {age(u.signedIn)}</span></> : <span class="mut">not signed in</span>) },
    { title: 'Made', minor: true, number: true, cell: (u) => (u.created === 0 ? '' : <span class="sure">{dayAndMinutes(u.created, zone)} {zoneName(zone)}</span>) },
    { title: 'Change', cell: (u) => (
      <Menu class="link" label={<>Change<i class="down" /></>} name={`Change ${oneLine(u.name, 80)}`}>
        <MenuItem act={() => setAsking({ to: 'reset', user: u })}>Make another password…</MenuItem>
        <MenuItem act={() => void turn(u, u.disabled ? 'enable' : 'disable')} {...(self(u) ? { lacks: 'you' } : {})}>{u.disabled ? 'Enable' : 'Disable'}</MenuItem>
        <MenuItem act={() => setAsking({ to: 'delete', user: u })} {...(self(u) ? { lacks: 'you' } : {})}>Delete…</MenuItem>
      </Menu>
    ) },
  ]
  return (
    <>
      <NewUser onMade={(u) => (setMade(u), users.again())} />
      {made && <Once of={made.password} name="password" onHave={() => setMade(undefined)}>The password of <b class="hi">{oneLine(made.name, 80)}</b>, {made.role}.</Once>}
      <Known of={users}>
        {(all) => all.length === 0 ? (
          <Nothing title="Nobody has a password here yet"><p>People sign in with a name and a password of this engine, by your organisation’s provider (<code>--oidc-issuer</code> at the start), or with a key. Make somebody a password above; it is shown once.</p></Nothing>
        ) : <Listing name="Users" cells={cells} rows={all} keyOf={(u) => u.id} />}
      </Known>
      <p class="small mut">Who signs in by the provider is not listed here, but has sessions below. A second factor is the provider’s: a password of this engine has none.</p>
      <Sessions />
      {asking && (
        <Confirm
          title={asking.to === 'reset' ? `Another password for ${oneLine(asking.user.name, 80)}?` : `Delete ${oneLine(asking.user.name, 80)}?`} verb={asking.to === 'reset' ? 'Make another password' : 'Delete'} close={() => setAsking(undefined)}
          act={async () => {
            if (asking.to === 'reset') setMade(await resetPassword(asking.user.id))
            else await deleteUser(asking.user.id)
            users.again()
            return asking.to === 'reset' ? 'The password before is good no more.' : `${oneLine(asking.user.name, 80)} is deleted.`
          }}
        >
          <p>{plural(asking.user.sessions, 'session ends', 'sessions end')} at once.{asking.to === 'delete' && ' What they did stays in the audit log and in histories, by their name.'}</p>
        </Confirm>
      )}
    </>
  )
}

function NewUser({ onMade }: { onMade: (u: User) => void }) {
  const [name, setName] = useState('')
  const [role, setNew] = useState('analyst')
  const [making, setMaking] = useState(false)
  const make = async (e: Event) => {
    e.preventDefault()
    setMaking(true)
    try {
      onMade(await createUser(name.trim(), role))
      setName('')
    } catch (err) {
      tell({ text: `Nobody was added: ${(err as Error).message}`, failed: true })
    }
    setMaking(false)
  }
  return (
    <form class="keep-form" onSubmit={(e) => void make(e)}>
      <label>Name of a new person <input class="field" required value={name} onInput={(e) => setName(e.currentTarget.value)} /></label>
      <label>Role <select class="field" value={role} onChange={(e) => setNew(e.currentTarget.value)}>{roles.map((r) => <option key={r}>{r}</option>)}</select></label>
      <button class="button main" disabled={making || name.trim() === ''}>Add, and make a password</button>
    </form>
  )
}
