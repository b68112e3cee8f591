import type { Agent } from '../../api/agents'
import { Listing, type Cell } from '../../parts/listing'
import { age } from '../../state/time'
import { count, oneLine } from '../../state/text'
import { losses, need } from './need'

const number = (n: number) => (n === 0 ? <span class="mut">0</span> : count(n))

const cells: Cell<Agent>[] = [
  { title: 'Host', cell: (a) => oneLine(a.host, 120) },
  { title: 'State', cell: (a) => <><span class={need(a).look}>{need(a).word}{a.isolated && ', isolated'}</span>{a.alone ? <span class="critical">, disarmed</span> : a.disarmed !== '' && <span class="critical">, disarmed by {a.disarmed === 'host' ? 'its host' : a.disarmed === 'both' ? 'its host and the server' : 'the server'}</span>}</> },
  { title: 'Policies', cell: (a) => <Policies of={a} /> },
  { title: 'Losses', number: true, cell: (a) => <span class={losses(a) > 0 ? 'high' : 'mut'}>{count(losses(a))}</span> },
  { title: 'Kills', number: true, minor: true, cell: (a) => number(a.kills) },
  { title: 'Denials', number: true, minor: true, cell: (a) => number(a.denials) },
  { title: 'Tags', minor: true, cell: (a) => a.tags.map((t) => <code key={t} class="tag">{oneLine(t, 80)}</code>) },
  { title: 'Version', minor: true, cell: (a) => <code>{oneLine(a.version, 40)}</code> },
  { title: 'Kernel', minor: true, cell: (a) => <code>{oneLine(a.kernel, 60)}</code> },
  { title: 'Last contact', number: true, cell: (a) => <LastContact of={a} /> },
]

export function AgentTable({ agents, current, onOpen }: { agents: Agent[]; current: string | undefined; onOpen: (key: string) => void }) {
  return <Listing name="Agents" cells={cells} rows={agents} keyOf={(a) => a.key} current={current} onOpen={onOpen} />
}

/** Policies says which version is in force, and which is to be. */
function Policies({ of: a }: { of: Agent }) {
  if (!a.enrolled) return <span class="mut">its own</span>
  if (a.inForce === a.wanted) return <>{count(a.inForce)}</>
  return <span class={a.refused.length > 0 ? 'critical' : 'medium'}>{a.inForce === 0 ? 'none' : count(a.inForce)}, wanted {count(a.wanted)}{a.refused.length > 0 && ', refused'}</span>
}

function LastContact({ of: a }: { of: Agent }) {
  const at = Math.max(a.contact, a.reported)
  return at === 0 ? <span class="mut">never</span> : <span class="sure">{age(at)} ago</span>
}
