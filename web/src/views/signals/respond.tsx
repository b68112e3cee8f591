import { useState } from 'preact/hooks'
import { cancelResponse, respond, responsesOf, targetsOf, type Action, type Response, type Target } from '../../api/respond'
import type { Signal } from '../../api/signals'
import { Dialog } from '../../parts/dialog'
import { Problem } from '../../parts/problem'
import { useAsk, useEvery, type Asked } from '../../state/ask'
import { tell } from '../../state/done'
import { lacking, useCaller, type Power } from '../../state/session'
import { age, clock, useZone } from '../../state/time'
import { oneLine } from '../../state/text'

interface Offer {
  action: Action
  target: Target
  text: string
}

/** useTargets asks what of a signal's hosts an agent can act on. */
export const useTargets = (signal: Signal): Asked<Target[]> => useAsk('targets ' + signal.id, (stop) => targetsOf(signal.id, stop))

/** Respond offers what an agent can do about a signal, and shows what was done. */
export function Respond({ signal, targets }: { signal: Signal; targets: Asked<Target[]> }) {
  const responses = useAsk('responses ' + signal.id, (stop) => responsesOf(signal.id, stop), 'keep')
  const waits = responses.value?.some((r) => r.state === 'waiting') ?? false
  useEvery(2000, responses.refresh, waits)
  const [offer, setOffer] = useState<Offer | undefined>()
  const caller = useCaller()
  if (targets.error) return <Problem error={targets.error} again={targets.again} />
  if (!targets.value) return <div class="bones" aria-busy="true"><i class="bone" /></div>
  const offers = offersOf(targets.value)
  const lacks = [...new Set(offers.map((o) => lacking(caller, powerOf[o.action])))].filter((l) => l !== '')
  const unwatched = targets.value.filter((t) => !t.agent).map((t) => t.host)
  return (
    <>
      {offers.length > 0 && (
        <div class="actions">
          {offers.map((o) => {
            const lacks = lacking(caller, powerOf[o.action])
            return <button key={o.text} class={'button ' + (o.action === 'kill' || o.action === 'isolate' ? 'danger' : '')} disabled={lacks !== ''} title={lacks || undefined} onClick={() => setOffer(o)}>{o.text}</button>
          })}
          {lacks.map((l) => <span key={l} class="mut small">{l}</span>)}
        </div>
      )}
      {offers.length > 0 && <p class="small mut">Each shows what it will touch, then asks once. Isolating keeps the agent’s own connection.</p>}
      {offers.length === 0 && <p class="small mut">{unwatched.length > 0 ? `No agent is enrolled on ${[...new Set(unwatched)].map((h) => oneLine(h, 60)).join(', ')}, so nothing can be done there from here.` : 'Its events are about no host that an agent watches.'}</p>}
      {(responses.value ?? []).map((r) => <Done key={r.id} response={r} again={responses.again} />)}
      {offer && <Confirm offer={offer} signal={signal} close={() => setOffer(undefined)} again={responses.again} />}
    </>
  )
}

/** RespondDialog is the same in a dialog. */
export function RespondDialog({ signal, close }: { signal: Signal; close: () => void }) {
  const targets = useTargets(signal)
  return <Dialog title="Respond" close={close}><Respond signal={signal} targets={targets} /></Dialog>
}

const powerOf: Record<Action, Power> = { kill: 'kill', isolate: 'isolate', release: 'isolate', collect: 'collect' }

/** offersOf is each process to kill, and each host to cut off or let back, once. */
function offersOf(targets: Target[]): Offer[] {
  const offers: Offer[] = []
  const seen = new Set<string>()
  const add = (o: Offer) => {
    if (!seen.has(o.text)) offers.push(o)
    seen.add(o.text)
  }
  for (const t of targets) {
    if (!t.agent) continue
    if (t.process && t.process.pid > 0) add({ action: 'kill', target: t, text: `Kill ${nameOf(t)} (${t.process.pid})` })
  }
  for (const t of targets) {
    if (!t.agent) continue
    add(t.agent.isolated ? { action: 'release', target: t, text: `Let ${oneLine(t.host, 40)} back` } : { action: 'isolate', target: t, text: `Isolate ${oneLine(t.host, 40)}` })
    if (t.process) add({ action: 'collect', target: t, text: `Collect processes of ${oneLine(t.host, 40)}` })
  }
  return offers.slice(0, 8)
}

const nameOf = (t: Target): string => oneLine(t.process?.executable.split('/').at(-1) ?? '', 40)

function Confirm({ offer, signal, close, again }: { offer: Offer; signal: Signal; close: () => void; again: () => void }) {
  const [reason, setReason] = useState('')
  const [sending, setSending] = useState(false)
  const { target: t, action } = offer
  const send = async (e: Event) => {
    e.preventDefault()
    setSending(true)
    try {
      const r = await respond(signal.id, action, t, reason.trim())
      tell({ text: `Asked for: ${offer.text.toLowerCase()}.`, ...(r.state === 'waiting' ? { undo: () => void takeBack(r.id, again) } : {}) })
      again()
      close()
    } catch (err) {
      setSending(false)
      tell({ text: `Not asked for: ${(err as Error).message}`, failed: true })
    }
  }
  return (
    <Dialog title={`${offer.text}?`} close={close} class="confirm">
      <form onSubmit={(e) => void send(e)}>
        <dl class="facts narrow">
          <div><dt>Host</dt><dd class="mono">{oneLine(t.host)}</dd></div>
          {t.process && (action === 'kill' || action === 'collect') && <>
            <div><dt>Process</dt><dd class="mono">{oneLine(t.process.executable)} {t.process.pid}</dd></div>
            {t.process.args !== '' && <div><dt>Arguments</dt><dd class="mono">{oneLine(t.process.args, 400)}</dd></div>}
            {t.process.user !== '' && <div><dt>User</dt><dd class="mono">{oneLine(t.process.user)}</dd></div>}
          </>}
          {t.agent && <div><dt>Agent</dt><dd>{t.agent.lastContact === '' ? 'not heard of since the engine started' : `heard of ${age(Date.parse(t.agent.lastContact))} ago`}{t.agent.disarmed !== '' && `, disarmed by ${t.agent.disarmed}`}</dd></div>}
        </dl>
        <p class="small mut">{consequence[action]}</p>
        <input class="field" aria-label="Why" placeholder="Why: it is kept in the audit log" autofocus value={reason} onInput={(e) => setReason(e.currentTarget.value)} />
        <div class="actions">
          <button class="button danger" disabled={sending || reason.trim() === ''}>{offer.text}</button>
          <button type="button" class="button quiet" onClick={close}>Leave it</button>
        </div>
      </form>
    </Dialog>
  )
}

const consequence: Record<Action, string> = {
  kill: 'The process ends at once and can’t be brought back. One that has taken its number since is left alone.',
  isolate: 'The host reaches nothing but this engine until it is let back.',
  release: 'The host reaches the network again.',
  collect: 'The agent sends its process tree; nothing changes on the host.',
}

function Done({ response: r, again }: { response: Response; again: () => void }) {
  const zone = useZone()
  return (
    <p class="small response">
      <b class={r.state === 'done' ? 'good' : r.state === 'waiting' ? 'mut' : 'critical'}>{r.state}</b> {r.action} {oneLine(r.target)} <span class="mut">by {oneLine(r.by)} {clock(r.created, zone)}{r.error !== '' && `: ${oneLine(r.error)}`}</span>
      {r.state === 'waiting' && <button class="link" onClick={() => void takeBack(r.id, again)}>Cancel</button>}
    </p>
  )
}

async function takeBack(id: string, again: () => void): Promise<void> {
  try {
    await cancelResponse(id)
    tell({ text: 'Taken back before the agent heard of it.' })
  } catch (e) {
    tell({ text: `Not taken back: ${(e as Error).message}`, failed: true })
  }
  again()
}
