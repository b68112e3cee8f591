import { listAgents, type Agent } from '../../api/agents'
import { Known, Nothing, Place, Snippet } from '../../parts/keep'
import { change, useAddress } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { plural } from '../../state/text'
import { AgentPanel } from './agent'
import { AgentTable } from './table'
import { RolloutLine } from './rollout'
import { Switch } from './switch'
import { inNeed, need } from './need'

/** Agents are those that watch hosts: what they may do, what they follow, and what they lose. */
export default function Agents() {
  const { query } = useAddress()
  const agents = useAsk('agents', listAgents, 'keep')
  useEvery(5000, agents.again)
  const current = query.get('agent') ?? undefined
  const open = agents.value?.find((a) => a.key === current)
  return (
    <Place
      title="Agents"
      panel={current !== undefined && agents.value !== undefined && <AgentPanel agent={open} close={() => change({ agent: undefined })} />}
    >
      <Known of={agents}>
        {(all) => all.length === 0 ? <NoAgents /> : (
          <>
            <p class="place-lead">{summary(all)}</p>
            <Switch />
            <RolloutLine />
            <AgentTable agents={inNeed(all)} current={current} onOpen={(key) => change({ agent: key === current ? undefined : key })} />
            <p class="small mut">Those that reported within a day, and all that are enrolled.</p>
          </>
        )}
      </Known>
    </Place>
  )
}

function summary(all: Agent[]): string {
  const found = new Map<string, number>()
  for (const a of inNeed(all)) {
    const n = need(a)
    if (n.rank < 5) found.set(n.word, (found.get(n.word) ?? 0) + 1)
  }
  const said = [...found].map(([word, n]) => `${n} ${word}`)
  return `${plural(all.length, 'agent')}. ${said.length === 0 ? 'Each follows what it is to follow, and has lost nothing.' : said.join(', ') + '.'}`
}

function NoAgents() {
  return (
    <Nothing title="No agent watches a host yet">
      <p>An agent sees processes, files and connections in the kernel, judges them by the policies that this engine gives it, and can kill and deny. Linux 5.10 or newer, with BTF.</p>
      <p>Make a token, which lets hosts enrol:</p>
      <Snippet name="Copy the command for a token" text="nightjar agents token web --uses 20 --expires-in 1d" />
      <p>Then, on each host, as root:</p>
      <Snippet name="Copy the command of a host" text={`NIGHTJAR_ENROLL=TOKEN nightjar agent --server ${location.origin} --tag env:prod`} />
      <p class="small mut" role="status"><i class="dot wait" />waiting for the first agent</p>
    </Nothing>
  )
}
