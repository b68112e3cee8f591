import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Agent } from '../../api/agents'
import { Facts, Section } from '../../parts/keep'
import { useKeys } from '../../state/keys'
import { age, dayAndClock, useZone, zoneName } from '../../state/time'
import { count, oneLine, plural, term } from '../../state/text'
import { pathOf } from '../../state/address'
import { Act } from './act'
import { Follows } from './follows'
import { losses, need } from './need'
import { Responses } from './responses'

/** AgentPanel is an agent: what it can do here and why not, how it sees, and what it lost. */
export function AgentPanel({ agent: a, close, onDone }: { agent: Agent | undefined; close: () => void; onDone: () => void }) {
  useKeys([{ keys: 'Escape', does: 'close', act: close }])
  const box = useRef<HTMLElement>(null)
  useEffect(() => {
    if (box.current) box.current.scrollTop = 0
  }, [a?.key])
  return (
    <aside class="keep-panel" aria-label="Agent" tabIndex={0} ref={box}>
      <div class="keep-panel-head"><span>Agent</span><button class="button quiet" onClick={close}>Close <kbd aria-hidden="true">Esc</kbd></button></div>
      {a ? <About agent={a} onDone={onDone} /> : <p>No agent of this address reported within a day, or is enrolled.</p>}
    </aside>
  )
}

function About({ agent: a, onDone }: { agent: Agent; onDone: () => void }) {
  const zone = useZone()
  const at = (moment: number) => (moment === 0 ? 'not known' : `${dayAndClock(moment, zone)} ${zoneName(zone)}, ${age(moment)} ago`)
  return (
    <>
      <h1>{oneLine(a.host, 200)}</h1>
      <p class={need(a).look}>{need(a).word}</p>
      {a.refused.map((r) => <p key={r} class="critical small">{oneLine(r, 500)}</p>)}
      <Section title="What it is">
        <Facts of={[
          ['Last contact', a.contact === 0 ? 'it has not asked for orders' : at(a.contact)],
          ...(a.reported > 0 ? [['Last report', at(a.reported)] as [string, string]] : []),
          ...(a.started > 0 ? [['Started', at(a.started)] as [string, string]] : []),
          ['Version', <code>{oneLine(a.version, 80) || 'not said'}</code>],
          ['Kernel', <code>{oneLine(a.kernel, 120) || 'not said'}</code>],
          ['Tags', a.tags.length === 0 ? 'none' : a.tags.map((t) => <code key={t}>{oneLine(t, 80)} </code>)],
          ['Policies', a.enrolled ? `${a.inForce === 0 ? 'none of the server’s' : `version ${count(a.inForce)}`} in force, version ${count(a.wanted)} wanted` : 'not enrolled: it has its own'],
          ...(a.policies.length > 0 ? [['Files', a.policies.map((p) => oneLine(p, 80)).join(', ')] as [string, string]] : []),
          ...(a.memory > 0 ? [['It takes', `${a.cpuPercent.toFixed(1)} % of a core, ${count(Math.round(a.memory / 1048576))} MiB`] as [string, string]] : []),
          ['Disarmed', disarmedOf(a, zone)],
          ['Isolated', a.isolated ? <span class="critical">yes: it reaches this engine only</span> : 'no'],
        ]} />
        <p class="keep-actions"><a class="link" href={pathOf(['signals'], { query: term('host', a.host), from: 'now-30d' })}>Its signals of 30 days</a></p>
        <Act agent={a} onDone={onDone} />
      </Section>
      <Follows of={a} />
      <Abilities of={a} />
      <Losses of={a} />
      <Hooks of={a} />
      {a.enrolled && <Section title="What was done to it"><Responses agent={a.key} /></Section>}
    </>
  )
}

/** disarmedOf says what the engine wants, and what the agent said: they differ until it has heard. */
function disarmedOf(a: Agent, zone: ReturnType<typeof useZone>): ComponentChildren {
  const said = a.disarmed === '' ? '' : a.disarmed === 'both' ? 'by its host and by the server' : `by ${a.disarmed === 'host' ? 'its host' : 'the server'}`
  if (!a.alone) return said === '' ? 'no' : <span class="critical">{said}</span>
  return <><span class="critical">by {oneLine(a.alone.by, 80)}</span> {dayAndClock(a.alone.since, zone)} {zoneName(zone)}: {oneLine(a.alone.reason, 300)}. {said === '' ? 'It has not heard of it yet.' : `It says: ${said}.`}</>
}

const words: Record<string, string> = { kill: 'kill a process', exec: 'deny an exec', open: 'deny an open', connect: 'deny a connection', network_filter: 'drop packets' }

function Abilities({ of: a }: { of: Agent }) {
  const all = Object.entries(a.abilities).sort(([x], [y]) => x.localeCompare(y))
  return (
    <Section title="What it can do here" note={`${plural(a.kills, 'kill')}, ${plural(a.denials, 'denial')}`}>
      {all.length === 0 ? <p class="mut">{a.enrolled ? 'It has not said yet.' : 'Only enrolled agents say it.'}</p> : (
        <ul class="keep-list">
          {all.map(([what, by]) => {
            const not = by.startsWith('no: ')
            return <li key={what}><b>{words[what] ?? oneLine(what, 60)}</b><span class={not ? 'high' : ''}>{not ? `no: ${oneLine(by.slice(4), 500)}` : `by ${oneLine(by, 200)}`}</span></li>
          })}
        </ul>
      )}
    </Section>
  )
}

function Losses({ of: a }: { of: Agent }) {
  const rows: [string, Record<string, number>][] = [['Events', a.lost], ['On the way', a.undelivered], ['Incomplete', a.incomplete]]
  const said = rows.flatMap(([kind, counts]) => Object.entries(counts).filter(([, n]) => n > 0).map(([cause, n]) => ({ kind, cause, n }))).sort((x, y) => y.n - x.n)
  return (
    <Section title="Losses" note={`since it started; ${count(losses(a))} of ${count(a.generated)} events`}>
      {said.length === 0 ? <p>None.</p> : (
        <ul class="keep-list">{said.map(({ kind, cause, n }) => <li key={kind + cause}><b>{count(n)}</b><span>{kind.toLowerCase()}: {oneLine(cause, 300)}</span></li>)}</ul>
      )}
      {a.reported > 0 && <p class="small mut">{count(a.filtered)} left out in the kernel, {count(a.delivered)} judged; {plural(a.matches, 'match', 'matches')}: {count(a.sent)} sent, {count(a.unsent)} in its spool, {count(a.heldBack)} held back by limits.</p>}
      <p class="small"><a class="link" href={pathOf(['search'], { query: `source:runtime-security-agent @agent.rule_id:lost_events ${term('host', a.host)}`, from: 'now-30d' })}>Each loss, and each time in which nobody watched</a></p>
    </Section>
  )
}

function Hooks({ of: a }: { of: Agent }) {
  if (a.hooks.length === 0 && a.unsupported.length === 0) return null
  return (
    <Section title="How it sees">
      <ul class="keep-list">
        {a.unsupported.map((u) => <li key={u.event}><b>{oneLine(u.event, 60)}</b><span class="high">not seen: {oneLine(u.reason, 400)}</span></li>)}
        {a.hooks.map((h) => <li key={h.event + h.provider}><b>{oneLine(h.event, 60)}</b><span>{oneLine(h.provider, 200)}{h.without !== '' && <span class="high">; without {oneLine(h.without, 300)}</span>}</span></li>)}
      </ul>
    </Section>
  )
}
