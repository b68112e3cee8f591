import { useState } from 'preact/hooks'
import { revokeAgent, switchAgent, type Agent } from '../../api/agents'
import { respondOnHost } from '../../api/respond'
import { Confirm } from '../../parts/confirm'
import { Facts } from '../../parts/keep'
import { useMay } from '../../state/session'
import { age } from '../../state/time'
import { oneLine, plural } from '../../state/text'

type What = 'isolate' | 'release' | 'arm' | 'disarm' | 'revoke'

const texts: Record<What, { verb: string; said: string; done: string }> = {
  isolate: { verb: 'Isolate', said: 'It reaches this engine only, until somebody releases it. What is open on it breaks off.', done: 'is asked to isolate itself' },
  release: { verb: 'Release', said: 'It reaches the network again.', done: 'is asked to release itself' },
  disarm: { verb: 'Disarm', said: 'All killing and blocking on it ends, isolation too, whatever policies say, until somebody arms it by itself. What waits for it is taken back. What it sees is still told.', done: 'is disarmed' },
  arm: { verb: 'Arm', said: 'It kills and blocks again as its policies say, unless all agents are disarmed, or its host disarmed it.', done: 'is armed' },
  revoke: { verb: 'Forget', said: 'Its key is refused at once, and the agent is forgotten. It watches on by its last policies, and what it sends is refused. To have it back, it enrols anew.', done: 'is forgotten' },
}

/** Act has something done to an enrolled agent's host, or forgets the agent. */
export function Act({ agent: a, onDone }: { agent: Agent; onDone: () => void }) {
  const [asking, setAsking] = useState<What>()
  const [reason, setReason] = useState('')
  const isolate = useMay('isolate')
  const agents = useMay('agents')
  const turn = useMay('switch')
  if (!a.enrolled) return null
  const act = async (what: What) => {
    const back = await begin(a.key, what, reason.trim())
    setReason('')
    onDone()
    return `${oneLine(a.host, 80)} ${texts[what].done}.${back > 0 ? ` ${plural(back, 'response')} taken back.` : ''}`
  }
  const to: What = a.isolated ? 'release' : 'isolate'
  const other: What = a.alone ? 'arm' : 'disarm'
  return (
    <p class="keep-actions">
      <button class={'button ' + (to === 'isolate' ? 'danger' : '')} disabled={isolate !== ''} title={isolate} onClick={() => setAsking(to)}>{texts[to].verb}…</button>
      <button class={'button ' + (other === 'disarm' ? 'danger' : '')} disabled={turn !== ''} title={turn} onClick={() => setAsking(other)}>{texts[other].verb}…</button>
      <button class="button" disabled={agents !== ''} title={agents} onClick={() => setAsking('revoke')}>Forget…</button>
      {(isolate || turn || agents) !== '' && <span class="mut small">{isolate || turn || agents}</span>}
      {asking && (
        <Confirm title={`${texts[asking].verb} ${oneLine(a.host, 80)}?`} verb={texts[asking].verb} act={() => act(asking)} close={() => setAsking(undefined)} blocked={asking !== 'revoke' && reason.trim() === ''}>
          <Facts of={[['Host', oneLine(a.host, 200)], ['Last contact', a.contact === 0 ? 'never' : `${age(a.contact)} ago`]]} />
          <p class="small mut">{texts[asking].said}</p>
          {asking !== 'revoke' && <input class="field" aria-label="Why" placeholder="Why: it is kept in the audit log" autofocus value={reason} onInput={(e) => setReason(e.currentTarget.value)} />}
        </Confirm>
      )}
    </p>
  )
}

/** begin has it done, and says how many responses that took back. */
async function begin(agent: string, what: What, reason: string): Promise<number> {
  switch (what) {
    case 'arm': case 'disarm': return switchAgent(agent, what, reason)
    case 'revoke': await revokeAgent(agent); return 0
    default: await respondOnHost(agent, what, reason); return 0
  }
}
