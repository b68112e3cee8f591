import { useState } from 'preact/hooks'
import { planRollout, type Rollout, type Stage } from '../../api/agents'
import { Dialog } from '../../parts/dialog'
import { FormFaults, faultsOf, type Fault } from '../../parts/form-row'
import { tell } from '../../state/done'
import { oneLine, plural } from '../../state/text'

const hosts = (s: Stage): string => (s.tags.length > 0 ? `hosts with ${s.tags.map((t) => oneLine(t, 40)).join(' ')}` : `${s.percent} % of the agents`)

/** Stages are which agents have a change, one after the other, and how far each is. */
export function Stages({ of: r }: { of: Rollout }) {
  return (
    <ol class="stages" aria-label="Stages">
      {r.stages.map((s, i) => (
        <li key={i} aria-current={r.state !== 'done' && r.stage === i + 1 ? 'step' : undefined}>
          <span class="mut">{i + 1}</span>
          <span class={r.state !== 'done' && r.stage === i + 1 ? 'hi' : ''}>{hosts(s)}, watched for {s.soak.replace(/(\d[smh])0s$/, '$1').replace(/(h)0m$/, '$1')}: {s.inForce} of {plural(s.agents, 'agent')}</span>
          <span class="stage-bar" aria-hidden="true"><i style={{ width: `${s.agents === 0 ? 0 : (100 * s.inForce) / s.agents}%` }} /></span>
        </li>
      ))}
    </ol>
  )
}

interface Draft {
  percent: string
  tags: string
  soak: string
}

/** Plan says in which stages later changes reach agents. */
export function Plan({ of: r, close, onDone }: { of: Rollout; close: () => void; onDone: (change: (r: Rollout) => Rollout) => void }) {
  const [drafts, setDrafts] = useState<Draft[]>(() => r.stages.map((s) => ({ percent: s.percent > 0 ? String(s.percent) : '', tags: s.tags.join(' '), soak: s.soak })))
  const [faults, setFaults] = useState<Fault[]>([])
  const [sending, setSending] = useState(false)
  const set = (i: number, part: Partial<Draft>) => setDrafts(drafts.map((d, k) => (k === i ? { ...d, ...part } : d)))
  const save = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    try {
      const now = await planRollout(drafts.map((d) => ({ percent: Number(d.percent) || 0, tags: d.tags.split(/[\s,]+/).filter((t) => t !== ''), soak: d.soak.trim() })))
      onDone(() => now)
      tell({ text: 'Later changes go out in these stages.' })
      close()
    } catch (error) {
      setFaults(faultsOf(error))
      setSending(false)
    }
  }
  return (
    <Dialog title="Stages of a rollout" close={close} class="keep-dialog">
      <form onSubmit={(e) => void save(e)}>
        <p class="small mut">A change of a policy or rule reaches these agents first, then those; it stops by itself where an agent refuses it, falls silent, loses more, works more or kills more. Each stage has the hosts of those before; the last takes in all.</p>
        {drafts.map((d, i) => (
          <div key={i} class="stage-edit" role="group" aria-label={`Stage ${i + 1}`}>
            <input class="field" type="number" min="1" max="100" aria-label={`Percent of stage ${i + 1}`} placeholder="%" value={d.percent} onInput={(e) => set(i, { percent: e.currentTarget.value })} />
            <input class="field mono" aria-label={`Tags of stage ${i + 1}`} placeholder="or tags: env:staging" value={d.tags} onInput={(e) => set(i, { tags: e.currentTarget.value })} />
            <input class="field mono" aria-label={`Time of stage ${i + 1}`} placeholder="10m" value={d.soak} onInput={(e) => set(i, { soak: e.currentTarget.value })} />
            <button type="button" class="button quiet" aria-label={`Remove stage ${i + 1}`} onClick={() => setDrafts(drafts.filter((_, k) => k !== i))}>×</button>
          </div>
        ))}
        <p class="keep-actions"><button type="button" class="link" disabled={drafts.length >= 10} onClick={() => setDrafts([...drafts, { percent: '', tags: '', soak: '10m' }])}>Add a stage</button></p>
        <FormFaults faults={faults} rows={[]} />
        <div class="keep-actions">
          <button class="button main" disabled={sending}>Save</button>
          <button type="button" class="button quiet" onClick={close}>Leave it</button>
        </div>
      </form>
    </Dialog>
  )
}
