import { listUsers, type User } from '../../api/access'
import { Known, Nothing, Snippet } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { useAsk } from '../../state/ask'
import { dayAndMinutes, zoneName } from '../../state/time'
import { oneLine } from '../../state/text'

const cells: Cell<User>[] = [
  { title: 'Name', cell: (u) => <b class="hi">{oneLine(u.name, 120)}</b> },
  { title: 'Role', cell: (u) => u.role },
  { title: 'Made', number: true, cell: (u) => (u.created === 0 ? '' : <span class="sure">{dayAndMinutes(u.created)} {zoneName()}</span>) },
]

/** Users are people with a password here; those of a provider are not kept. */
export function Users() {
  const users = useAsk('users', listUsers, 'keep')
  return (
    <Known of={users}>
      {(all) => all.length === 0 ? (
        <Nothing title="Nobody has a password here yet">
          <p>People sign in with a name and a password, by your organisation’s provider, or with a key. To make somebody one:</p>
          <Snippet text="nightjar users --help" />
        </Nothing>
      ) : <Listing name="Users" cells={cells} rows={all} keyOf={(u) => u.id} />}
    </Known>
  )
}
