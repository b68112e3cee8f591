import { useState } from 'preact/hooks'
import { continueRollout, readRollout, type Rollout } from '../../api/agents'
import { Dialog } from '../../parts/dialog'
import { Facts, Known } from '../../parts/keep'
import { useAsk, useEvery } from '../../state/ask'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { dayAndMinutes, useZone, zoneName } from '../../state/time'
import { oneLine, plural } from '../../state/text'

type How = 'resume' | 'rollback'

/** RolloutLine says how far the newest policies are, and lets somebody go on or back. */
export function RolloutLine() {
  const rollout = useAsk('rollout', readRollout, 'keep')
  useEvery(5000, rollout.again)
  const [asking, setAsking] = useState<How | undefined>()
  const lacks = useMay('agents')
  const zone = useZone()
  return (
    <Known of={rollout}>
      {(r) => (
        <>
          <div class="keep-line">
            <b>Policies</b>
            <span class="say">{said(r)} <span class="mut">{r.changed > 0 && `Changed ${dayAndMinutes(r.changed, zone)} ${zoneName(zone)}.`}</span></span>
            {r.state === 'stopped' && <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => setAsking('resume')}>Go on</button>}
            {r.state !== 'done' && r.before > 0 && <button class="button danger" disabled={lacks !== ''} title={lacks} onClick={() => setAsking('rollback')}>Back to version {r.before}</button>}
          </div>
          {r.errors.map((e) => <p key={e} class="small critical">{oneLine(e, 400)}</p>)}
          {asking && <Confirm how={asking} rollout={r} close={() => setAsking(undefined)} onDone={rollout.put} />}
        </>
      )}
    </Known>
  )
}

function said(r: Rollout) {
  const stage = r.stages[r.stage - 1]
  const last = r.stages.at(-1)
  if (r.state === 'done') return <>Version {r.version} is what all agents are to have{last && `; ${last.inForce} of ${plural(last.agents, 'agent')} ${last.inForce === 1 ? 'has' : 'have'} it`}.</>
  const where = stage && `stage ${r.stage} of ${r.stages.length} (${stage.tags.length > 0 ? stage.tags.map((t) => oneLine(t, 40)).join(', ') : `${stage.percent} %`}): ${stage.inForce} of ${plural(stage.agents, 'agent')}`
  return <><span class={r.state === 'stopped' ? 'critical' : 'medium'}>Version {r.version} {r.state === 'stopped' ? 'stopped' : 'is going out'}</span>, {where}. {oneLine(r.reason, 400)}</>
}

function Confirm({ how, rollout: r, close, onDone }: { how: How; rollout: Rollout; close: () => void; onDone: (change: (r: Rollout) => Rollout) => void }) {
  const [sending, setSending] = useState(false)
  const text = how === 'resume' ? `Go on with version ${r.version}` : `Back to version ${r.before}`
  const act = async () => {
    setSending(true)
    try {
      const now = await continueRollout(how)
      onDone(() => now)
      tell({ text: how === 'resume' ? `Version ${r.version} goes on.` : `All agents are to have version ${r.before}.` })
      close()
    } catch (e) {
      setSending(false)
      tell({ text: `Nothing was changed: ${(e as Error).message}`, failed: true })
    }
  }
  const touched = how === 'resume' ? (r.stages.at(-1)?.agents ?? 0) : r.stages.reduce((most, s) => Math.max(most, s.inForce), 0)
  return (
    <Dialog title={`${text}?`} close={close} class="keep-dialog">
      <Facts of={[['Touches', plural(touched, 'agent')], ...(r.reason !== '' ? [['It stopped since', oneLine(r.reason, 400)] as [string, string]] : [])]} />
      <p class="small mut">{how === 'resume' ? 'It goes on in spite of why it stopped.' : 'What the newest policies see and stop is no longer seen and stopped. The next change of a policy or rule begins another rollout.'}</p>
      <div class="keep-actions">
        <button class="button danger" disabled={sending} onClick={() => void act()}>{text}</button>
        <button class="button quiet" onClick={close}>Leave it</button>
      </div>
    </Dialog>
  )
}
