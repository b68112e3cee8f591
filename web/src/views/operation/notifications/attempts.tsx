import { listAttempts, retry, type Attempt } from '../../../api/notifications'
import { Known, Section } from '../../../parts/keep'
import { Listing, type Cell } from '../../../parts/listing'
import { change, pathOf, useAddress } from '../../../state/address'
import { useAsk, useEvery } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { age } from '../../../state/time'
import { count, oneLine, plural } from '../../../state/text'

export const look = (state: string): string => ({ failed: 'critical', dropped: 'mut', sent: 'good', waiting: 'medium' })[state] ?? 'mut'
const states = ['waiting', 'sent', 'failed', 'muted', 'dropped']

/** Attempts are what was told, and what targets answered; of one target, where that is named. */
export function Attempts({ target }: { target?: string }) {
  const { query } = useAddress()
  const state = query.get('state') ?? ''
  const key = query.get('told') ?? '' // of what was told in one
  const attempts = useAsk(`attempts ${target ?? ''} ${state} ${key}`, (stop) => listAttempts({ ...(target === undefined ? {} : { target }), state, key }, stop), 'keep')
  useEvery(5000, attempts.refresh)
  const lacks = useMay('notify')
  const again = async (a: Attempt) => {
    try {
      tell({ text: `${plural(await retry(a), 'notification is', 'notifications are')} told to ${a.target} now.` })
    } catch (e) {
      tell({ text: `It is not told again: ${(e as Error).message}`, failed: true })
    }
    attempts.again()
  }
  const cells: Cell<Attempt>[] = [
    { title: 'Signal', cell: (a) => <a class="link" href={pathOf(['signals', a.signalID])}>{oneLine(a.title, 160) || a.signalID}</a> },
    ...(target === undefined ? [{ title: 'To', cell: (a: Attempt) => <code>{oneLine(a.target, 120)}</code> }] : []),
    { title: 'News', minor: key === '', cell: (a) => <>{a.kind}{a.digest && key === '' && <>, <button class="link" onClick={() => change({ told: a.key, state: undefined })}>in one with others</button></>}</> },
    { title: 'State', cell: (a) => <span class={look(a.state)}>{a.state}</span> },
    { title: 'Attempts', number: true, minor: true, cell: (a) => count(a.attempts) },
    { title: 'Answer', minor: true, cell: (a) => oneLine(a.answer, 300) },
    { title: 'When', number: true, minor: true, cell: (a) => <span class="sure">{age(a.tried || a.created)} ago</span> },
    { title: 'Again', cell: (a) => (a.state === 'failed' || (a.state === 'waiting' && a.attempts > 0) ? <button class="link sure" disabled={lacks !== ''} title={lacks} onClick={() => void again(a)}>{a.state === 'failed' ? 'Retry' : 'Now'}<span class="unseen"> {oneLine(a.title, 80)} to {a.target}</span></button> : null) },
  ]
  return (
    <Section title="What was told" note={key === '' ? 'the newest 200' : 'in one message'}>
      <div class="keep-form"><label>State <select class="field" value={state} onChange={(e) => change({ state: e.currentTarget.value })}>{['', ...states].map((s) => <option key={s} value={s}>{s || 'any'}</option>)}</select></label></div>
      {key !== '' && <p role="status">{attempts.value && !attempts.old && `One message held ${plural(attempts.value.length, 'signal')}. `}<button class="link" onClick={() => change({ told: undefined })}>Show all that was told</button></p>}
      <Known of={attempts}>
        {(all) => all.length === 0 ? <p class="mut">{state === '' ? 'Nothing yet. A signal that opens is told to whom its rule or a route names.' : `Nothing is ${state}.`}</p> : <Listing name="What was told" cells={cells} rows={all} keyOf={(a) => a.id + a.target} />}
      </Known>
    </Section>
  )
}
