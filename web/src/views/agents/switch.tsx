import { useState } from 'preact/hooks'
import { readArming, switchAgents, type Arming } from '../../api/agents'
import { Dialog } from '../../parts/dialog'
import { Facts, Known } from '../../parts/keep'
import { useAsk, useEvery } from '../../state/ask'
import { tell } from '../../state/done'
import { useMay } from '../../state/session'
import { dayAndClock, useZone, zoneName } from '../../state/time'
import { oneLine, plural } from '../../state/text'

const names = (hosts: string[]): string => hosts.slice(0, 8).map((h) => oneLine(h, 60)).join(', ') + (hosts.length > 8 ? ` and ${hosts.length - 8} more` : '')

/** Switch says whether agents may kill and block, and stops it, or lets them again. */
export function Switch() {
  const arming = useAsk('arming', readArming, 'keep')
  useEvery(5000, arming.refresh)
  const [asking, setAsking] = useState(false)
  const lacks = useMay('switch')
  const zone = useZone()
  return (
    <Known of={arming}>
      {(a) => (
        <div class="keep-line">
          <b>Kill and deny</b>
          <span class="say">
            {a.disarmed
              ? <><span class="critical">Disarmed</span> by {oneLine(a.by, 60)} {dayAndClock(a.since, zone)} {zoneName(zone)}: {oneLine(a.reason, 300)}. {a.said} of {plural(a.agents, 'agent')} said so{a.away.length > 0 && `; not yet ${names(a.away)}`}.</>
              : <><span class="good">Armed</span>: agents do what their policies say{a.alone.length > 0 && <>, but for <span class="critical">{names(a.alone)}</span>, disarmed by {a.alone.length === 1 ? 'itself' : 'themselves'}</>}.{a.isolated.length > 0 && ` Isolated: ${names(a.isolated)}.`}</>}
          </span>
          <button class={'button ' + (a.disarmed ? '' : 'danger')} disabled={lacks !== ''} title={lacks} onClick={() => setAsking(true)}>{a.disarmed ? 'Arm all agents' : 'Disarm all agents'}</button>
          {lacks !== '' && <span class="mut small">{lacks}</span>}
          {asking && <Confirm arming={a} close={() => setAsking(false)} onDone={arming.put} />}
        </div>
      )}
    </Known>
  )
}

function Confirm({ arming, close, onDone }: { arming: Arming; close: () => void; onDone: (change: (a: Arming) => Arming) => void }) {
  const [reason, setReason] = useState('')
  const [sending, setSending] = useState(false)
  const to = arming.disarmed ? 'arm' : 'disarm'
  const text = arming.disarmed ? 'Arm all agents' : 'Disarm all agents'
  const send = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    try {
      const now = await switchAgents(to, reason.trim())
      onDone(() => now)
      tell({ text: now.disarmed ? `Disarmed.${now.takenBack > 0 ? ` ${plural(now.takenBack, 'response')} taken back.` : ''}` : 'Armed.' })
      close()
    } catch (err) {
      setSending(false)
      tell({ text: `Nothing was switched: ${(err as Error).message}`, failed: true })
    }
  }
  return (
    <Dialog title={`${text}?`} close={close} class="keep-dialog">
      <form onSubmit={(e) => void send(e)}>
        <Facts of={[
          ['Touches', plural(arming.agents, 'enrolled agent')],
          ...(arming.isolated.length > 0 && to === 'disarm' ? [['Lets back', names(arming.isolated)] as [string, string]] : []),
        ]} />
        <p class="small mut">{to === 'disarm'
          ? 'All killing and blocking ends, isolation too, whatever policies say, until somebody arms them. Responses that wait are taken back. What is seen is still told.'
          : 'Agents kill and deny again as their policies say. One that its own host disarmed stays so.'}</p>
        <input class="field" aria-label="Why" placeholder="Why: it is kept in the audit log" autofocus value={reason} onInput={(e) => setReason(e.currentTarget.value)} />
        <div class="keep-actions">
          <button class="button danger" disabled={sending || reason.trim() === ''}>{text}</button>
          <button type="button" class="button quiet" onClick={close}>Leave it</button>
        </div>
      </form>
    </Dialog>
  )
}
