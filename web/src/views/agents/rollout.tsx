import { useState } from 'preact/hooks'
import { continueRollout, readRollout, stopRollout, type Rollout } from '../../api/agents'
import { Confirm } from '../../parts/confirm'
import { Facts, Known } from '../../parts/keep'
import { pathOf } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { useMay } from '../../state/session'
import { dayAndMinutes, useZone, zoneName } from '../../state/time'
import { oneLine, plural } from '../../state/text'
import { Plan, Stages } from './stages'

type How = 'stop' | 'resume' | 'rollback'

/** RolloutLine says how far the newest policies are, stage by stage, and lets somebody stop, go on or back. */
export function RolloutLine() {
  const rollout = useAsk('rollout', readRollout, 'keep')
  useEvery(5000, rollout.refresh)
  const [asking, setAsking] = useState<How | 'plan'>()
  const lacks = useMay('agents')
  const mayAudit = useMay('administer') === ''
  const zone = useZone()
  const button = (how: How | 'plan', text: string, look = '') => <button class={'button ' + look} disabled={lacks !== ''} title={lacks} onClick={() => setAsking(how)}>{text}</button>
  return (
    <Known of={rollout}>
      {(r) => (
        <>
          <div class="keep-line">
            <b>Rollout</b>
            <span class="say">{said(r)} <span class="mut">{r.changed > 0 && `Changed ${dayAndMinutes(r.changed, zone)} ${zoneName(zone)}.`}</span>{mayAudit && <> <a class="link" href={pathOf(['operation', 'audit'], { text: 'Agent', kind: 'change' })}>By whom</a></>}</span>
            {r.state === 'running' && button('stop', 'Stop')}
            {r.state === 'stopped' && button('resume', 'Go on')}
            {r.state !== 'done' && r.before > 0 && button('rollback', `Back to version ${r.before}`, 'danger')}
            {r.state === 'done' && button('plan', 'Stages…')}
          </div>
          <Stages of={r} />
          {r.errors.map((e) => <p key={e} class="small critical">{oneLine(e, 400)}</p>)}
          {asking === 'plan' && <Plan of={r} close={() => setAsking(undefined)} onDone={rollout.put} />}
          {asking !== undefined && asking !== 'plan' && <Ask how={asking} rollout={r} close={() => setAsking(undefined)} onDone={rollout.put} />}
        </>
      )}
    </Known>
  )
}

function said(r: Rollout) {
  const last = r.stages.at(-1)
  if (r.state === 'done') return <>Version {r.version} is what all agents are to have{last && `; ${last.inForce} of ${plural(last.agents, 'agent')} ${last.inForce === 1 ? 'has' : 'have'} it`}.</>
  return <><span class={r.state === 'stopped' ? 'critical' : 'medium'}>Version {r.version} {r.state === 'stopped' ? 'stopped' : 'is going out'}</span>, stage {r.stage} of {r.stages.length}. {oneLine(r.reason, 400)}</>
}

const texts: Record<How, (r: Rollout) => { verb: string; said: string; done: string }> = {
  stop: (r) => ({ verb: 'Stop', said: 'No further agent has it. Those that follow it stay with it, until somebody goes on or back.', done: `Version ${r.version} stopped.` }),
  resume: (r) => ({ verb: `Go on with version ${r.version}`, said: 'It goes on in spite of why it stopped.', done: `Version ${r.version} goes on.` }),
  rollback: (r) => ({ verb: `Back to version ${r.before}`, said: 'What the newest policies see and stop is no longer seen and stopped. The next change of a policy or rule begins another rollout.', done: `All agents are to have version ${r.before}.` }),
}

function Ask({ how, rollout: r, close, onDone }: { how: How; rollout: Rollout; close: () => void; onDone: (change: (r: Rollout) => Rollout) => void }) {
  const [reason, setReason] = useState('')
  const text = texts[how](r)
  const act = async () => {
    const now = await (how === 'stop' ? stopRollout(reason.trim()) : continueRollout(how))
    onDone(() => now)
    return text.done
  }
  const touched = how === 'rollback' ? r.stages.reduce((most, s) => Math.max(most, s.inForce), 0) : (r.stages.at(-1)?.agents ?? 0)
  return (
    <Confirm title={`${text.verb}?`} verb={text.verb} act={act} close={close} blocked={how === 'stop' && reason.trim() === ''}>
      <Facts of={[['Touches', plural(touched, 'agent')], ...(r.reason !== '' && r.state === 'stopped' ? [['It stopped since', oneLine(r.reason, 400)] as [string, string]] : [])]} />
      <p class="small mut">{text.said}</p>
      {how === 'stop' && <input class="field" aria-label="Why" placeholder="Why: it is kept, with your name" autofocus value={reason} onInput={(e) => setReason(e.currentTarget.value)} />}
    </Confirm>
  )
}
