import { useState } from 'preact/hooks'
import { previewTarget, testTarget, type Sent, type Target } from '../../../api/notifications'
import { Section } from '../../../parts/keep'
import { Problem } from '../../../parts/problem'
import { useMay } from '../../../state/session'
import { shown } from '../../../state/text'

type Outcome = { sent: Sent[] } | { delivered: boolean; answer: string } | { error: Error }

/** Trial shows what a target is sent of a signal, or sends it and shows the answer. */
export function Trial({ target: t }: { target: Target }) {
  const [signal, setSignal] = useState('')
  const [outcome, setOutcome] = useState<Outcome>()
  const [asking, setAsking] = useState(false)
  const lacks = useMay('notify')
  const act = async (of: () => Promise<Outcome>) => {
    setAsking(true)
    setOutcome(await of().catch((error: Error) => ({ error })))
    setAsking(false)
  }
  return (
    <Section title="Try it" note="Times and ids are those of the signal, or of one that is made up">
      <form class="keep-form" onSubmit={(e) => (e.preventDefault(), void act(async () => ({ sent: await previewTarget(t.id, signal.trim(), new AbortController().signal) })))}>
        <label>A signal’s id <input class="field mono" placeholder="made up" value={signal} onInput={(e) => setSignal(e.currentTarget.value)} /></label>
        <button class="button" disabled={asking || lacks !== ''} title={lacks}>Show what is sent</button>
        <button type="button" class="button" disabled={asking || lacks !== ''} title={lacks} onClick={() => void act(() => testTarget(t.id, signal.trim()))}>Send it</button>
      </form>
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
