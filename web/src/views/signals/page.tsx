import type { ComponentChildren } from 'preact'
import { APIError } from '../../api/client'
import { readSignal, type SignalDetail } from '../../api/signals'
import type { Change } from '../../api/triage'
import { Key } from '../../parts/key'
import { Markdown } from '../../parts/markdown'
import { SeverityMark, StateMark } from '../../parts/marks'
import { hasCome, InOrder, type Part } from '../../parts/in-order'
import { Problem } from '../../parts/problem'
import { copy } from '../../parts/value'
import { go } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useKeys } from '../../state/keys'
import { age, clock, dayAndClock, useZone, zoneName } from '../../state/time'
import { count, oneLine, plural, shown } from '../../state/text'
import { views } from '../../views'
import { act } from './act'
import { useActions } from './actions'
import { useAround } from '../../state/around'
import { Decide } from './decide'
import { EventTable } from './detail/event-table'
import { howMany, useEvents } from './detail/events'
import { Facts } from './detail/facts'
import { History } from './detail/history'
import { Known, useKnown } from './detail/known'
import { Lead, useSummary } from './detail/lead'
import { Why, kindOfWhy, useWhy } from './detail/why'
import { Respond, useTargets } from './respond'
import { Suppress } from './suppress'

/** SignalPage is one signal at an address of its own, with what is to be decided beside it; back leads to the list, where this address is the list's. */
export function SignalPage({ id, back }: { id: string; back?: () => void }) {
  const detail = useAsk(id, (stop) => readSignal(id, stop))
  const around = useAround(id)
  const lead = (to: string | undefined) => to && go('/signals/' + to)
  useKeys([
    { keys: 'j', does: 'next signal', act: () => lead(around.next) },
    { keys: 'k', does: 'signal before', act: () => lead(around.before) },
    { keys: 'Escape', does: 'back to the list', act: () => (back ?? (() => go(around.address)))() },
  ])
  return (
    <main class="signal">
      <div class="signal-main" tabIndex={0}>
        <div class="crumb">
          <a href={around.address} onClick={(e) => back && (e.preventDefault(), back())}>Signals</a>
          {around.at >= 0 && <span class="mut">{count(around.at + 1)} of {count(around.total)} <Key>k</Key> <Key>j</Key></span>}
          <span class="grow" />
          <button onClick={() => void copy(location.href)}>Copy link</button>
        </div>
        {detail.error && <NotRead error={detail.error} again={detail.again} id={id} />}
        {detail.value && <Story detail={detail.value} />}
        {!detail.value && !detail.error && <div class="bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>}
      </div>
      <aside class="deciding" aria-label="Decide, suppress, history" tabIndex={0}>
        {detail.value && <Beside key={id} detail={detail.value} put={(d) => detail.put(() => d)} again={detail.again} />}
      </aside>
    </main>
  )
}

function NotRead({ error, again, id }: { error: Error; again: () => void; id: string }) {
  if (!(error instanceof APIError && error.status === 404)) return <Problem error={error} again={again} />
  return (
    <div class="empty">
      <h1>There is no signal {oneLine(id, 60)}</h1>
      <p>It was never there, or is older than signals are kept. <a class="link" href="/signals">Go to the signals</a></p>
    </div>
  )
}

/** mostEvents is how many of its events a signal's page has. */
const mostEvents = 50

function Story({ detail: { signal: s } }: { detail: SignalDetail }) {
  const zone = useZone()
  const summary = useSummary(s)
  const why = useWhy(s)
  const known = useKnown(s)
  const events = useEvents(s, mostEvents, why)
  const link = views.some((v) => v.name === 'search') ? events.value?.address : undefined
  const parts: Part[] = [
    {
      id: 'lead', ready: hasCome(summary), content: (
        <div key="lead">
          <Lead asked={summary} />
          <p class="signal-sub mut">
            <span>Rule {oneLine(s.ruleName, 120)}{s.ruleVersion > 0 && ` v${s.ruleVersion}`}{s.method !== '' && `, ${s.method.replaceAll('_', ' ')}`}</span>
            <span>{plural(s.events, 'event')}</span>
            <code>{s.id}</code>
          </p>
        </div>
      ),
    },
    { id: 'why', ready: hasCome(why), content: <Section key="why" title="Why it fired" note={kindOfWhy(why.value)}><Why signal={s} asked={why} brief={false} /></Section> },
    { id: 'message', ready: true, content: s.message !== '' && <Section key="message" title="Message" note="from the rule"><Markdown text={s.message} /></Section> },
    { id: 'events', ready: hasCome(events), content: <Section key="events" title="Events" note={events.value && howMany(events.value.events.length, mostEvents, s.events)} link={link}><EventTable asked={events} /></Section> },
    { id: 'known', ready: hasCome(known), content: <Section key="known" title="Who and what"><Known asked={known} /><Facts signal={s} /></Section> },
  ]
  return (
    <>
      <p class="signal-state">
        <SeverityMark severity={s.severity} /><StateMark state={s.state} assignee={s.assignee} reason={s.reason} comment={s.comment} />
        <span class="mut">first seen {dayAndClock(s.firstSeen, zone)}, last {clock(s.lastSeen, zone)} {zoneName(zone)}, {age(s.lastSeen)} ago</span>
      </p>
      <h1>{shown(s.title)}</h1>
      <InOrder key={s.id} parts={parts} />
    </>
  )
}

function Section({ title, note, link, children }: { title: string; note?: string | undefined; link?: string | undefined; children: ComponentChildren }) {
  return (
    <section class="section" aria-label={title}>
      <div><h2>{title}</h2>{note && <p class="small mut">{note}</p>}{link && <a class="link small" href={link}>Search them</a>}</div>
      <div class="section-body">{children}</div>
    </section>
  )
}

/** Beside is what can be done with the signal, and what was. */
function Beside({ detail, put, again }: { detail: SignalDetail; put: (d: SignalDetail) => void; again: () => void }) {
  const zone = useZone()
  const { signal } = detail
  const change = async (c: Change) => {
    const ok = await act([signal], c, { put: (now) => now[0] && put({ ...detail, signal: now[0] }) })
    again()
    return ok
  }
  const { form } = useActions({ subject: { signals: [signal] }, known: [], shown: { put: (now) => now[0] && put({ ...detail, signal: now[0] }) }, onDone: () => setTimeout(again, 300), again })
  const targets = useTargets(signal)
  return (
    <>
      <Decide signal={signal} onChange={change} />
      <section class="aside-part" aria-label="Suppress"><h2>Suppress <small>this rule for</small></h2><Suppress signal={signal} /></section>
      <InOrder parts={[
        { id: 'respond', ready: hasCome(targets), content: <section key="respond" class="aside-part" aria-label="Respond"><h2>Respond</h2><Respond signal={signal} targets={targets} /></section> },
        { id: 'history', ready: true, content: <section key="history" class="aside-part" aria-label="History"><h2>History <small>{zoneName(zone)}</small></h2><History detail={detail} again={again} /></section> },
      ]} />
      {form}
    </>
  )
}
