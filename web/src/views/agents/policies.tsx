import { useState } from 'preact/hooks'
import { listPolicies, savePolicy, type Policy } from '../../api/agent-policies'
import { listAgents } from '../../api/agents'
import { Known } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { go, pathOf } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { count, oneLine } from '../../state/text'
import { isFor } from './follows'
import { PolicyForm } from './policy-form'
import { PolicyPage } from './policy'
import { RolloutLine } from './rollout'

/** Policies say which agent rules are for which hosts; a change of them goes out in stages. */
export function Policies({ id }: { id: string | undefined }) {
  const policies = useAsk('policies', listPolicies, 'keep')
  const agents = useAsk('agents', listAgents, 'keep')
  useEvery(10_000, () => (policies.refresh(), agents.refresh()))
  const [making, setMaking] = useState(false)
  const lacks = useMay('agents')
  const kill = useMay('kill')
  const turn = async (p: Policy, enabled: boolean) => {
    try {
      await savePolicy({ ...p, enabled })
      tell({ text: `${oneLine(p.name, 80)} is ${enabled ? 'on' : 'off'}. The change goes out in stages.`, undo: () => void turn(p, !enabled) })
    } catch (e) {
      tell({ text: `It was not switched: ${(e as Error).message}`, failed: true })
    }
    policies.again()
  }
  const lacking = (p: Policy): string => lacks || (p.mode === 'blocking' ? kill : '')
  const cells: Cell<Policy>[] = [
    { title: 'Policy', cell: (p) => oneLine(p.name, 120) },
    { title: 'Hosts', cell: (p) => (p.tags.length === 0 ? 'all' : p.tags.map((list, i) => <span key={i}>{i > 0 && ' or '}{list.map((t) => <code key={t} class="tag">{oneLine(t, 60)}</code>)}</span>)) },
    { title: 'Agents', number: true, minor: true, cell: (p) => count((agents.value ?? []).filter((a) => a.enrolled && isFor(p, a.tags)).length) },
    { title: 'Mode', cell: (p) => (p.mode === 'blocking' ? <span class="high">blocking</span> : 'as each rule says') },
    { title: 'Block', number: true, minor: true, cell: (p) => count(p.blocking) },
    { title: 'Monitor', number: true, minor: true, cell: (p) => count(p.monitoring) },
    { title: 'Off', number: true, minor: true, cell: (p) => count(p.disabled) },
    { title: 'State', cell: (p) => <button class="link" disabled={lacking(p) !== ''} title={lacking(p)} onClick={(e) => (e.stopPropagation(), void turn(p, !p.enabled))}>{p.enabled ? 'on' : 'off'}<span class="unseen">: switch {p.enabled ? 'off' : 'on'} {oneLine(p.name, 80)}</span></button> },
  ]
  return (
    <Known of={policies}>
      {(all) => id !== undefined ? <PolicyPage policy={all.find((p) => p.id === id)} onChanged={policies.again} /> : (
        <>
          <RolloutLine />
          <Listing name="Policies" cells={cells} rows={all} keyOf={(p) => p.id} onOpen={(key) => go(pathOf(['agents', 'policies', key]))} />
          <p class="keep-actions"><button class="button" disabled={lacks !== ''} title={lacks} onClick={() => setMaking(true)}>Add a policy…</button>{lacks !== '' && <span class="mut small">{lacks}</span>}</p>
          {making && <PolicyForm close={() => setMaking(false)} onSaved={(p) => (policies.again(), go(pathOf(['agents', 'policies', p.id])))} />}
        </>
      )}
    </Known>
  )
}
