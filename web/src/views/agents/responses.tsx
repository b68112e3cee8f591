import { cancelResponse, listResponses, type Listed } from '../../api/respond'
import { Known, Nothing } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { change, pathOf, useAddress } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { age, dayAndMinutes, useZone, zoneName } from '../../state/time'
import { count, oneLine } from '../../state/text'

const look: Record<string, string> = { done: 'good', failed: 'critical', expired: 'high', waiting: 'medium', cancelled: 'mut' }

/** Responses are what people had done to hosts, of all or of one agent, each with its place in the audit log. */
export function Responses({ agent }: { agent?: string }) {
  const { query } = useAddress()
  const state = agent === undefined ? (query.get('state') ?? '') : ''
  const action = agent === undefined ? (query.get('action') ?? '') : ''
  const responses = useAsk(`responses ${agent ?? ''} ${state} ${action}`, (stop) => listResponses({ ...(agent === undefined ? {} : { agent }), state, action }, stop), 'keep')
  useEvery(5000, responses.refresh)
  const collect = useMay('collect')
  const mayAudit = useMay('administer') === ''
  const zone = useZone()
  const cancel = async (r: Listed) => {
    try {
      await cancelResponse(r.id)
      tell({ text: 'It is taken back.' })
    } catch (e) {
      tell({ text: `It was not taken back: ${(e as Error).message}`, failed: true })
    }
    responses.again()
  }
  const cells: Cell<Listed>[] = [
    { title: 'Asked', cell: (r) => <span class="sure" title={`${dayAndMinutes(r.created, zone)} ${zoneName(zone)}`}>{age(r.created)} ago</span> },
    { title: 'What', cell: (r) => <><b class="hi">{r.action}</b> {oneLine(r.target, 200)}</> },
    { title: 'State', cell: (r) => <><span class={look[r.state] ?? ''}>{r.state}</span>{r.error !== '' && <span class="small"> {oneLine(r.error, 300)}</span>}{r.state === 'waiting' && <> <button class="link" disabled={collect !== ''} title={collect} onClick={() => void cancel(r)}>Take back<span class="unseen"> {r.action} {oneLine(r.target, 80)}</span></button></>}</> },
    { title: 'By', minor: true, cell: (r) => oneLine(r.by, 80) },
    { title: 'Why', minor: true, cell: (r) => oneLine(r.reason, 300) },
    { title: 'Of', minor: true, cell: (r) => <>{r.signalID !== '' && <a class="link" href={pathOf(['signals', r.signalID])}>signal</a>} {mayAudit && <a class="link" href={pathOf(['operation', 'audit'], { object: r.id })}>audit</a>}</> },
  ]
  return (
    <>
      {agent === undefined && (
        <div class="keep-form">
          <label>Action <select class="field" value={action} onChange={(e) => change({ action: e.currentTarget.value })}>{['', 'kill', 'isolate', 'release', 'collect'].map((a) => <option key={a} value={a}>{a || 'any'}</option>)}</select></label>
          <label>State <select class="field" value={state} onChange={(e) => change({ state: e.currentTarget.value })}>{['', 'waiting', 'done', 'failed', 'expired', 'cancelled'].map((s) => <option key={s} value={s}>{s || 'any'}</option>)}</select></label>
        </div>
      )}
      <Known of={responses}>
        {({ all, more }) => all.length > 0 ? <><Listing name="Responses" cells={cells} rows={all} keyOf={(r) => r.id} />{more > 0 && <p class="small mut">The newest {count(all.length)}; {count(more)} more.</p>}</>
          : agent !== undefined ? <p class="mut">Nothing was done to it.</p>
          : <Nothing title={state + action === '' ? 'Nothing was done to a host yet' : 'None is so'}><p>{state + action === '' ? 'A responder kills, isolates and collects from a signal, or from an agent.' : <button class="link" onClick={() => change({ state: '', action: '' })}>Show all</button>}</p></Nothing>}
      </Known>
    </>
  )
}
