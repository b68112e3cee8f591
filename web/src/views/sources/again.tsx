import { useState } from 'preact/hooks'
import { cancelReparse, createReparse, listReparses, type Reparse } from '../../api/reparse'
import { Known, Nothing } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { Problem } from '../../parts/problem'
import { useAddress } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { age } from '../../state/time'
import { count, oneLine } from '../../state/text'

const goes = (r: Reparse): boolean => r.state === 'pending' || r.state === 'running'

/** Again has stored events read by the pipelines that are in force now, and says how far it is. */
export function Again() {
  const jobs = useAsk('reparses', listReparses, 'keep')
  const running = (jobs.value ?? []).some(goes)
  useEvery(running ? 1000 : 10_000, jobs.refresh)
  const lacks = useMay('operate')
  const cancel = async (r: Reparse) => {
    try {
      await cancelReparse(r.id)
      tell({ text: 'It is cancelled. The days that are done stay done.' })
    } catch (e) {
      tell({ text: `It was not cancelled: ${(e as Error).message}`, failed: true })
    }
    jobs.again()
  }
  const cells: Cell<Reparse>[] = [
    { title: 'Events', cell: (r) => <code class="hi">{oneLine(r.query, 200)}</code> },
    { title: 'State', cell: (r) => <State of={r} /> },
    { title: 'Read', number: true, cell: (r) => count(r.events) },
    { title: 'Changed', number: true, cell: (r) => count(r.changed) },
    { title: 'Failed', number: true, minor: true, cell: (r) => <span class={r.failed > 0 ? 'critical' : 'mut'}>{count(r.failed)}</span> },
    { title: 'Began', number: true, minor: true, cell: (r) => `${age(r.created)} ago` },
    { title: 'End', cell: (r) => goes(r) ? <button class="link" disabled={lacks !== ''} title={lacks} onClick={() => void cancel(r)}>Cancel<span class="unseen"> {oneLine(r.query, 80)}</span></button> : <span class="mut">{r.ended ? `${age(r.ended)} ago` : ''}</span> },
  ]
  return (
    <>
      <p class="place-lead">Stored events are read again by the pipelines, places and threat lists that are in force. Searches and backtests see what becomes of them; signals stay.</p>
      <Begin lacks={lacks} onBegun={jobs.again} />
      <Known of={jobs}>{(all) => all.length === 0 ? <Nothing title="Nothing was read again yet"><p>After a pipeline was written or changed, its events of before are worth it.</p></Nothing> : <Listing name="Runs" cells={cells} rows={all} keyOf={(r) => r.id} />}</Known>
    </>
  )
}

function State({ of: r }: { of: Reparse }) {
  if (r.state === 'running') return <span><progress class="again-progress" max={Math.max(1, r.days)} value={r.daysDone} aria-label={`${r.daysDone} of ${r.days} days`} /> {r.daysDone} of {r.days} days</span>
  return <span class={r.state === 'failed' ? 'critical' : r.state === 'completed' ? 'good' : 'mut'}>{r.state}{r.error !== '' && `: ${oneLine(r.error, 300)}`}</span>
}

function Begin({ lacks, onBegun }: { lacks: string; onBegun: () => void }) {
  const { query } = useAddress()
  const [text, setText] = useState(query.get('query') ?? '')
  const [from, setFrom] = useState('now-7d')
  const [error, setError] = useState<Error | undefined>()
  const [sending, setSending] = useState(false)
  const begin = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    setError(undefined)
    try {
      await createReparse(text.trim(), from)
      tell({ text: 'It has begun.' })
      onBegun()
    } catch (err) {
      setError(err as Error)
    }
    setSending(false)
  }
  return (
    <>
      <form class="keep-form" onSubmit={(e) => void begin(e)}>
        <label class="again-query">Which events <input class="field mono" required placeholder="source:nginx" spellcheck={false} value={text} onInput={(e) => setText(e.currentTarget.value)} /></label>
        <label>Since <select class="field" value={from} onChange={(e) => setFrom(e.currentTarget.value)}><option value="now-1d">a day</option><option value="now-7d">7 days</option><option value="now-30d">30 days</option><option value="">ever</option></select></label>
        <button class="button main" disabled={lacks !== '' || sending || text.trim() === ''} title={lacks}>Read them again</button>
        {lacks !== '' && <span class="small mut">It {lacks}.</span>}
      </form>
      {error && <Problem error={error} />}
    </>
  )
}
