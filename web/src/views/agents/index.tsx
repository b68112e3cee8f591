import type { ViewProps } from '../../views'
import { listAgents } from '../../api/agents'
import { Known, Nothing, Place } from '../../parts/keep'
import { change, useAddress } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { AgentPanel } from './agent'
import { List } from './list'
import { Policies } from './policies'
import { Responses } from './responses'
import { Tokens } from './tokens'
import './agents.css'

const tabs = [
  { href: '/agents', title: 'Agents' },
  { href: '/agents/policies', title: 'Policies' },
  { href: '/agents/responses', title: 'Responses' },
  { href: '/agents/tokens', title: 'Tokens' },
]

/** Agents are those that watch hosts: what they may do, what they follow, what they lose, and what people had them do. */
export default function Agents({ rest: [place, id] }: ViewProps) {
  if (place === undefined) return <All />
  return <Place title="Agents" tabs={tabs} here={'/agents/' + place}><Shown place={place} id={id} /></Place>
}

function Shown({ place, id }: { place: string; id: string | undefined }) {
  switch (place) {
    case 'policies': return <Policies id={id} />
    case 'responses': return <Responses />
    case 'tokens': return <Tokens />
    default: return <Nothing title="There is no such place here" />
  }
}

function All() {
  const { query } = useAddress()
  const agents = useAsk('agents', listAgents, 'keep')
  useEvery(5000, agents.refresh)
  const current = query.get('agent') ?? undefined
  const open = agents.value?.find((a) => a.key === current)
  const close = () => change({ agent: undefined })
  return (
    <Place title="Agents" tabs={tabs} here="/agents" panel={current !== undefined && agents.value !== undefined && <AgentPanel agent={open} close={close} onDone={agents.again} />}>
      <Known of={agents}>{(all) => <List all={all} />}</Known>
    </Place>
  )
}
