import { useState } from 'preact/hooks'
import { listKeys, revokeKey, type Key } from '../../api/access'
import { Confirm } from '../../parts/confirm'
import { Known, Nothing, Snippet } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { Once } from '../../parts/once'
import { useAsk } from '../../state/ask'
import { useMay } from '../../state/session'
import { age, duration } from '../../state/time'
import { count, oneLine } from '../../state/text'
import { NewKey } from '../operation/new-key'
import { enrolling } from './list'

/** Tokens let hosts enrol: keys that can do nothing else. */
export function Tokens() {
  const lacks = useMay('administer')
  if (lacks !== '') return <Nothing title="Tokens are made by admins"><p>It {lacks}: a token makes hosts agents of this engine.</p></Nothing>
  return <AllTokens />
}

function AllTokens() {
  const tokens = useAsk('tokens', async (stop) => (await listKeys(stop)).filter((k) => k.role === 'enroll'), 'keep')
  const [made, setMade] = useState<Key>()
  const [revoking, setRevoking] = useState<Key>()
  const cells: Cell<Key>[] = [
    { title: 'Token', cell: (k) => <><b class="hi">{oneLine(k.name, 120)}</b> <code class="mut">{k.hint}…</code></> },
    { title: 'Enrolled', number: true, cell: (k) => `${count(k.enrolled)}${k.uses > 0 ? ` of ${count(k.uses)}` : ''}` },
    { title: 'Expires', cell: (k) => (k.expires === 0 ? <span class="mut">never</span> : k.expires < Date.now() ? <span class="critical">expired</span> : `in ${duration(k.expires - Date.now())}`) },
    { title: 'Used', minor: true, cell: (k) => (k.used === 0 ? <span class="mut">never</span> : `${age(k.used)} ago`) },
    { title: 'By', minor: true, cell: (k) => oneLine(k.by, 80) },
    { title: 'End', cell: (k) => <button class="link" onClick={() => setRevoking(k)}>Revoke<span class="unseen"> {oneLine(k.name, 80)}</span></button> },
  ]
  return (
    <>
      <NewKey only="enroll" onMade={(k) => (setMade(k), tokens.again())} />
      {made && <Once of={enrolling.replace('TOKEN', made.key)} name="command" onHave={() => setMade(undefined)}><b class="hi">{oneLine(made.name, 80)}</b> lets hosts enrol. On each of them, as root:</Once>}
      <Known of={tokens}>
        {(all) => all.length === 0 ? <Nothing title="There is no token"><p>A token lets a host enrol, which gives its agent a key of its own. Make one above; on the host:</p><Snippet name="Copy the command of a host" text={enrolling} /></Nothing>
          : <Listing name="Enrolment tokens" cells={cells} rows={all} keyOf={(k) => k.id} />}
      </Known>
      {revoking && <Confirm title={`Revoke ${oneLine(revoking.name, 80)}?`} verb="Revoke" close={() => setRevoking(undefined)} act={async () => (await revokeKey(revoking.id), tokens.again(), `${oneLine(revoking.name, 80)} is revoked.`)}><p>No other host enrols with it. Agents that have enrolled have keys of their own, and stay.</p></Confirm>}
    </>
  )
}
