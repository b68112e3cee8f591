import { endSession, listSessions, type Session } from '../../api/access'
import { Known, Section } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { useAsk, useEvery } from '../../state/ask'
import { tell } from '../../state/done'
import { leave } from '../../state/session'
import { dayAndMinutes, duration, useZone, zoneName } from '../../state/time'
import { oneLine } from '../../state/text'

/** Sessions are who has signed in: oneself, or everybody, where one manages keys. */
export function Sessions() {
  const sessions = useAsk('sessions', listSessions, 'keep')
  useEvery(10_000, sessions.refresh)
  const zone = useZone()
  const end = async (s: Session) => {
    if (s.current) return void leave()
    try {
      await endSession(s.id)
      tell({ text: `${oneLine(s.name, 80)} is signed out there.` })
    } catch (e) {
      tell({ text: `It was not ended: ${(e as Error).message}`, failed: true })
    }
    sessions.again()
  }
  const cells: Cell<Session>[] = [
    { title: 'Who', cell: (s) => <><b class="hi">{oneLine(s.name, 120)}</b>{s.current && <span class="good"> this one</span>}</> },
    { title: 'Role', minor: true, cell: (s) => s.role },
    { title: 'By', minor: true, cell: (s) => (s.provider === 'local' ? 'password' : <code>{oneLine(s.provider, 200)}</code>) },
    { title: 'Since', cell: (s) => <span class="sure">{dayAndMinutes(s.begun, zone)} {zoneName(zone)}</span> },
    { title: 'Ends', minor: true, number: true, cell: (s) => `in ${duration(Math.max(0, s.expires - Date.now()))}` },
    { title: 'End', cell: (s) => <button class="link sure" onClick={() => void end(s)}>Sign out<span class="unseen"> {oneLine(s.name, 80)}, since {dayAndMinutes(s.begun, zone)}</span></button> },
  ]
  return (
    <Section title="Sessions" note="twelve hours each">
      <Known of={sessions}>{(all) => (all.length === 0 ? <p class="mut">Nobody has signed in; keys have no sessions.</p> : <Listing name="Sessions" cells={cells} rows={all} keyOf={(s) => s.id} />)}</Known>
    </Section>
  )
}
