import { useState } from 'preact/hooks'
import { listKeys, revokeKey, rotateKey, type Key } from '../../api/access'
import { Confirm } from '../../parts/confirm'
import { Facts, Known } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { Once } from '../../parts/once'
import { useAsk } from '../../state/ask'
import { age, dayAndMinutes, duration, useZone, zoneName } from '../../state/time'
import { count, oneLine } from '../../state/text'
import { NewKey } from './new-key'

const soon = 14 * 864e5

/** Keys are who may come in without a name; first what expires. */
export function Keys() {
  const keys = useAsk('keys', listKeys, 'keep')
  const [made, setMade] = useState<Key>()
  const [asking, setAsking] = useState<{ to: 'revoke' | 'rotate'; key: Key }>()
  const zone = useZone()
  const cells: Cell<Key>[] = [
    { title: 'Key', cell: (k) => <><b class="hi">{oneLine(k.name, 120)}</b> {k.hint !== '' && <code class="mut">{k.hint}…</code>}{k.agent !== '' && <span class="small mut"> of agent {oneLine(k.agent, 60)}</span>}</> },
    { title: 'Role', cell: (k) => <>{k.role}{k.role === 'enroll' && <span class="small mut"> {count(k.enrolled)}{k.uses > 0 && ` of ${count(k.uses)}`} enrolled</span>}{k.rate > 0 && <span class="small mut"> {k.rate} calls/s</span>}</> },
    { title: 'Expires', cell: (k) => <><Expiry of={k} />{k.formerUntil > Date.now() && <span class="small medium"> the one before for {duration(k.formerUntil - Date.now())}</span>}</> },
    { title: 'Used', minor: true, cell: (k) => (k.used === 0 ? <span class="mut">never</span> : `${age(k.used)} ago`) },
    { title: 'Made', minor: true, cell: (k) => (k.created === 0 ? <span class="mut">at the first start</span> : `${dayAndMinutes(k.created, zone)} ${zoneName(zone)} by ${oneLine(k.by, 80)}`) },
    { title: 'Change', cell: (k) => (k.id === 'first' ? <span class="mut small">in the file api-key</span> : (
      <span class="ops-links">
        <button class="link" onClick={() => setAsking({ to: 'rotate', key: k })}>Rotate<span class="unseen"> {oneLine(k.name, 80)}</span></button>
        <button class="link" onClick={() => setAsking({ to: 'revoke', key: k })}>Revoke<span class="unseen"> {oneLine(k.name, 80)}</span></button>
      </span>
    )) },
  ]
  return (
    <>
      <NewKey onMade={(k) => (setMade(k), keys.again())} />
      {made && <Once of={made.key} name="key" onHave={() => setMade(undefined)}><b class="hi">{oneLine(made.name, 80)}</b>, {made.role}.</Once>}
      <Known of={keys}>{(all) => <Listing name="Keys" cells={cells} rows={[...all].sort((a, b) => (a.expires || Infinity) - (b.expires || Infinity) || a.name.localeCompare(b.name))} keyOf={(k) => k.id} />}</Known>
      {asking?.to === 'revoke' && (
        <Confirm
          title={`Revoke ${oneLine(asking.key.name, 80)}?`} verb="Revoke" close={() => setAsking(undefined)}
          act={async () => (await revokeKey(asking.key.id), keys.again(), `${oneLine(asking.key.name, 80)} is revoked.`)}
        >
          <About of={asking.key} />
          <p class="small mut">What uses it is refused at once, and it can’t be brought back.</p>
        </Confirm>
      )}
      {asking?.to === 'rotate' && <Rotate of={asking.key} close={() => setAsking(undefined)} onDone={(k) => (setMade(k), keys.again())} />}
    </>
  )
}

const About = ({ of: k }: { of: Key }) => <Facts of={[['Role', k.role], ['Used', k.used === 0 ? 'never' : `${age(k.used)} ago`], ...(k.agent !== '' ? [['Agent', oneLine(k.agent, 120)] as [string, string]] : [])]} />

function Expiry({ of: k }: { of: Key }) {
  if (k.expires === 0) return <span class="mut">never</span>
  const left = k.expires - Date.now()
  return left <= 0 ? <span class="critical">expired</span> : <span class={left < soon ? 'high' : ''}>in {duration(left)}</span>
}

function Rotate({ of: k, close, onDone }: { of: Key; close: () => void; onDone: (k: Key) => void }) {
  const [grace, setGrace] = useState('24h')
  return (
    <Confirm title={`Rotate ${oneLine(k.name, 80)}?`} verb="Rotate" close={close} act={async () => (onDone(await rotateKey(k.id, grace)), `${oneLine(k.name, 80)} has another key.`)}>
      <About of={k} />
      <p class="keep-form"><label>The one before is good for <select class="field" value={grace} onChange={(e) => setGrace(e.currentTarget.value)}><option value="1h">an hour</option><option value="24h">a day</option><option value="7d">a week</option><option value="">no longer</option></select></label></p>
      <p class="small mut">A new key of the same name and role is made, and shown once.</p>
    </Confirm>
  )
}
