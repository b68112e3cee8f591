import { useState } from 'preact/hooks'
import { previewTarget, testTarget, type Sent, type Target } from '../../../api/notifications'
import { Section } from '../../../parts/keep'
import { faultsOf, type Fault } from '../../../parts/form-row'
import { Problem } from '../../../parts/problem'
import { useMay } from '../../../state/session'
import { shown } from '../../../state/text'

type Outcome = { sent: Sent[] } | { delivered: boolean; answer: string } | { error: Error }

interface TrialProps {
  /** The id of one that is stored, or one as it was typed; the latter is tried as it stands, and not kept. */
  of: string | Target
  /** What is wrong with one that was typed. */
  onFaults?: (faults: Fault[]) => void
}

/** Trial shows what a target is sent of a signal, or sends it and shows the answer. */
export function Trial({ of: t, onFaults }: TrialProps) {
  const [signal, setSignal] = useState('')
  const [outcome, setOutcome] = useState<Outcome>()
  const [asking, setAsking] = useState(false)
  const lacks = useMay('notify')
  const act = async (of: () => Promise<Outcome>) => {
    setAsking(true)
    onFaults?.([])
    setOutcome(await of().catch((error: Error) => {
      if (onFaults && faultsOf(error).some((f) => f.target !== '')) onFaults(faultsOf(error))
      return { error }
    }))
    setAsking(false)
  }
  const show = () => void act(async () => ({ sent: await previewTarget(t, signal.trim(), new AbortController().signal) }))
  return (
    <Section title="Try it" note={typeof t === 'string' ? 'Times and ids are those of the signal, or of one that is made up' : 'As it stands above, before it is saved; nothing of it is kept'}>
      <div class="keep-form" role="group" aria-label="A trial">
        <label>A signal’s id <input class="field mono" placeholder="made up" value={signal} onInput={(e) => setSignal(e.currentTarget.value)} onKeyDown={(e) => e.key === 'Enter' && (e.preventDefault(), show())} /></label>
        <button type="button" class="button" disabled={asking || lacks !== ''} title={lacks} onClick={show}>Show what is sent</button>
        <button type="button" class="button" disabled={asking || lacks !== ''} title={lacks} onClick={() => void act(() => testTarget(t, signal.trim()))}>Send it</button>
      </div>
      <div role="status" class="trial">
        {asking && <p class="mut">Waiting for the answer, 30 s at most.</p>}
        {!asking && outcome && <Shown of={outcome} />}
      </div>
    </Section>
  )
}

function Shown({ of }: { of: Outcome }) {
  if ('error' in of) return <Problem error={of.error} />
  if ('delivered' in of) return <p><span class={of.delivered ? 'good' : 'critical'}>{of.delivered ? 'Delivered' : 'Not delivered'}</span>. {of.answer === '' ? 'It answered nothing.' : <>It answered <code>{shown(of.answer)}</code></>}</p>
  return (
    <>
      {of.sent.map((r, i) => (
        <div key={i} class="trial-request">
          <p><code class="hi">{shown(r.method)} {r.url === '' || r.url.startsWith('secret:') ? <span class="mut">the URL that is kept</span> : shown(r.url)}</code></p>
          {Object.entries(r.headers).map(([name, value]) => <p key={name}><code>{shown(name)}: {shown(value)}</code></p>)}
          <pre tabIndex={0}>{shown(bodyOf(r.body))}</pre>
        </div>
      ))}
    </>
  )
}

/** bodyOf is a body as people read it: JSON by lines, a mail as its text. */
function bodyOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
  } catch {
    return text
  }
}
