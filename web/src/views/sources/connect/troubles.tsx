import { useEffect, useState } from 'preact/hooks'
import { listAudit, type Entry } from '../../../api/audit'
import { readHealth, type Health } from '../../../api/status'
import { useAsk, useEvery, useLate } from '../../../state/ask'
import { useMay } from '../../../state/session'
import { age } from '../../../state/time'
import { oneLine, plural } from '../../../state/text'

interface Seen {
  health: Health
  /** Refusals of the audit log, the newest first; undefined: they are not for the caller. */
  refusals: Entry[] | undefined
}

const filter = { from: '', to: '', caller: '', kind: 'refusal', outcome: '', object: '', text: '' }

/** Troubles say, while an event is waited for, what came and was not taken, or that nothing came at all. */
export function Troubles({ speaksSyslog }: { speaksSyslog: boolean }) {
  const lacks = useMay('audit')
  const seen = useAsk('troubles', async (stop): Promise<Seen> => {
    const [health, refusals] = await Promise.all([readHealth(stop), lacks === '' ? listAudit(filter, 0, 20, stop) : undefined])
    return { health, refusals }
  }, 'keep')
  const [before, setBefore] = useState<Seen | undefined>()
  useEvery(3000, seen.refresh)
  useEffect(() => {
    if (seen.value && !before) setBefore(seen.value)
  }, [seen.value])
  const long = useLate(true, 20_000)
  if (!before || !seen.value) return null
  const { health, refusals } = seen.value
  const last = before.refusals?.[0]?.seq ?? 0
  const refused = (refusals ?? []).filter((r) => r.seq > last)
  const bad = grown(before.health.intake.refused, health.intake.refused)
  const syslog = health.syslog.map((s) => ({ ...s, before: before.health.syslog.find((b) => b.address === s.address && b.protocol === s.protocol) }))
  const turnedAway = syslog.reduce((n, s) => n + s.refused - (s.before?.refused ?? 0), 0)
  const damaged = syslog.reduce((n, s) => n + s.damaged - (s.before?.damaged ?? 0), 0)
  const quiet = refused.length === 0 && bad.length === 0 && turnedAway + damaged === 0
  return (
    <ul class="troubles">
      {groups(refused).map(([text, of]) => <li key={text} class="critical">{plural(of.reduce((n, r) => n + r.count, 0), 'request')} {of.length === 1 && of[0]?.count === 1 ? 'was' : 'were'} refused, {age(of[0]?.at ?? 0)} ago, from {oneLine(of[0]?.address ?? '', 60) || 'an unknown address'}: {oneLine(text, 300)}. {adviceOn(text)}</li>)}
      {bad.map(([reason, n]) => <li key={reason} class="critical">{plural(n, 'request')} came and {n === 1 ? 'was' : 'were'} not taken in: {reasonOf(reason)}</li>)}
      {turnedAway > 0 && <li class="critical">{plural(turnedAway, 'syslog sender')} {turnedAway === 1 ? 'was' : 'were'} turned away: their address is not among <code>--syslog-allow</code>, or they have no certificate.</li>}
      {damaged > 0 && <li class="critical">{plural(damaged, 'syslog message')} could not be read: the framing or the protocol is another.</li>}
      {speaksSyslog && (health.syslog.length === 0 ? <li class="medium">This engine listens to no syslog: start it with <code>--syslog-tcp</code>, <code>--syslog-udp</code> or <code>--syslog-tls</code> and an address. What is sent over HTTP arrives all the same.</li>
        : <li>Syslog is listened to at {syslog.map((s) => `${s.address} (${s.protocol}, ${plural(s.messages - (s.before?.messages ?? 0), 'message')} since this page was opened)`).join(', ')}.</li>)}
      {quiet && long && <li>Nothing has come so far, and nothing was refused. Does it send to <code>{location.host}</code>, and may it connect there? Nightjar sees nothing of what goes to another port.</li>}
      {lacks !== '' && long && <li class="mut">Requests whose key was refused are in the audit log, which {lacks}.</li>}
    </ul>
  )
}

/** grown are the counts that have become more, and by how much. */
const grown = (before: Record<string, number>, now: Record<string, number>): [string, number][] =>
  Object.entries(now).map(([reason, n]): [string, number] => [reason, n - (before[reason] ?? 0)]).filter(([, n]) => n > 0)

/** groups are refusals by what is said of them, at most three. */
function groups(of: Entry[]): [string, Entry[]][] {
  const found = new Map<string, Entry[]>()
  for (const r of of) found.set(r.detail || r.action, [...(found.get(r.detail || r.action) ?? []), r])
  return [...found].slice(0, 3)
}

function adviceOn(detail: string): string {
  if (/certificate/.test(detail)) return 'This engine wants a certificate beside the key.'
  if (/expired/.test(detail)) return 'Make another key below.'
  if (/no key|no API key/i.test(detail)) return 'It sent no key: the one below goes where the configuration says NIGHTJAR_KEY.'
  if (/wrong|not known|invalid/i.test(detail)) return 'It is no key of this engine: make one below, and put it in.'
  return 'A key of role intake may send events: make one below.'
}

function reasonOf(reason: string): string {
  const known: Record<string, string> = {
    backpressure: 'the engine is busy; they come again.', disk: 'the disk is full, or its quota used up; see Operation.', too_large: 'they are larger than a request may be: send smaller batches.',
    bad_input: 'their text can’t be read. Is it JSON, in the form that this page shows?', bad_body: 'their body can’t be read, as what it says it is compressed with.',
  }
  return known[reason] ?? `${oneLine(reason, 60)}.`
}
