import type { ComponentChildren } from 'preact'
import { readHealth, type Health as Of } from '../../../api/status'
import { wrongs } from '../../../state/wrongs'
import { Facts, Known, Section } from '../../../parts/keep'
import { useAsk, useEvery } from '../../../state/ask'
import { duration } from '../../../state/time'
import { count, plural } from '../../../state/text'
import { bytes, dayOf } from '../size'
import { Gaps } from './gaps'
import { Incoming } from './incoming'

/** Health is how the engine is: first what is wrong, then what it holds. */
export function Health() {
  const health = useAsk('health', readHealth, 'keep')
  useEvery(5000, health.refresh)
  return <Known of={health}>{(h) => <><Wrong of={h} /><Gaps of={h} onAccepted={health.again} /><Incoming of={h} /><Holds of={h} /><Syslog of={h} /></>}</Known>
}

function Wrong({ of: h }: { of: Of }) {
  const all = wrongs(h)
  if (all.length === 0) return <p class="place-lead"><i class="dot" />Nothing is wrong that the engine knows of. {h.caughtUp ? 'Every rule has seen every event.' : `Evaluation is ${duration(h.lagSeconds * 1000)} behind.`}</p>
  return (
    <Section title="To see to" note={plural(all.length, 'thing')}>
      <ul>{all.map(({ text, to }) => <li key={text} class="keep-line"><span class="say">{text}{to !== '/operation' && <> <a class="link" href={to}>Look</a></>}</span></li>)}</ul>
    </Section>
  )
}

function Holds({ of: h }: { of: Of }) {
  const s = h.storage
  const facts: [string, ComponentChildren][] = [
    ['Lag', h.caughtUp ? 'none' : `${h.lagSeconds.toFixed(1)} s`],
    ['Rules', `${count(h.rulesEnabled)} live of ${count(h.rulesTotal)}`],
    ['Disk', s.quota > 0 ? `${bytes(s.used)} of ${bytes(s.quota)}, ${Math.round((100 * s.used) / s.quota)} %` : `${bytes(s.used)}, without a quota`],
    ['Kept since', s.oldestDay === '' ? 'no event yet' : dayOf(s.oldestDay)],
    ['Dropped', s.dropped === 0 ? 'none' : `${plural(s.dropped, 'event')} by retention or quota`],
    ['ClickHouse', `${h.database.version}${h.database.embedded ? ', embedded' : ''}, ${h.database.state}`],
    ['nightjar', h.version],
    ...h.queries.map((q): [string, ComponentChildren] => [q.kind[0]?.toUpperCase() + q.kind.slice(1), `${q.running} of ${q.limit} run, ${q.waiting} wait`]),
  ]
  return <Section title="What it holds"><Facts of={facts} /><p class="keep-actions"><a class="link" href="/operation/storage">Tables, retention and backups</a><a class="link" href="/operation/evaluation">Each rule’s watermark and cost</a></p></Section>
}

function Syslog({ of: h }: { of: Of }) {
  if (h.syslog.length === 0) return null
  return (
    <Section title="Syslog">
      <ul>{h.syslog.map((s) => <li key={s.protocol + s.address} class="keep-line"><b>{s.protocol}</b><span class="say"><code>{s.address}</code> {plural(s.messages, 'message')}{s.protocol !== 'udp' && `, ${plural(s.connections, 'connection')}`}{s.lost + s.refused + s.damaged > 0 && <span class="high">; {count(s.lost)} lost, {count(s.refused)} refused, {count(s.damaged)} damaged</span>}</span></li>)}</ul>
    </Section>
  )
}
