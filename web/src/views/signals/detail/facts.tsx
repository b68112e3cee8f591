import type { Signal } from '../../../api/signals'
import { Value } from '../../../parts/value'
import { age, dayAndClock, clock, day, useZone, zoneName } from '../../../state/time'
import { count, oneLine } from '../../../state/text'
import { kindOf } from '../../../state/field'
import { views } from '../../../views'

/** Facts are what is known of a signal without asking further. */
export function Facts({ signal: s }: { signal: Signal }) {
  const zone = useZone()
  const sameDay = day(s.firstSeen, zone) === day(s.lastSeen, zone)
  const attack = s.tags.filter((t) => /^(technique|tactic):/.test(t))
  const hasRules = views.some((v) => v.name === 'rules')
  return (
    <dl class="facts">
      {s.group.map((value, i) => value !== '' && value !== 'N/A' && (
        <div key={i}><dt title={s.groupBy[i]}>{factName(s.groupBy[i] ?? '')}</dt><dd class="cut"><Value field={s.groupBy[i] ?? ''} value={value} /></dd></div>
      ))}
      <div><dt>Seen</dt><dd>{dayAndClock(s.firstSeen, zone)} to {sameDay ? clock(s.lastSeen, zone) : dayAndClock(s.lastSeen, zone)} {zoneName(zone)} <span class="mut">· {age(s.lastSeen)} ago</span></dd></div>
      <div><dt>Events</dt><dd>{count(s.events)}</dd></div>
      <div><dt>Rule</dt><dd>{hasRules ? <a class="link" href={'/rules/' + s.ruleID}>{oneLine(s.ruleName, 120)}</a> : oneLine(s.ruleName, 120)} {s.ruleVersion > 0 && `v${s.ruleVersion}`} <span class="mut">{s.method !== '' && `· ${s.method.replaceAll('_', ' ')}`}</span></dd></div>
      {attack.length > 0 && <div><dt>ATT&amp;CK</dt><dd>{attack.map((t, i) => <span key={t}>{i > 0 && ', '}<Value field={t.slice(0, t.indexOf(':'))} value={t.slice(t.indexOf(':') + 1)} text={attackName(t)} class="" /></span>)}</dd></div>}
    </dl>
  )
}

const names: Record<string, string> = { ip: 'Client', usr: 'User', host: 'Host', ctr: 'Container', svc: 'Service', src: 'Source', file: 'File' }
const factName = (field: string): string => names[kindOf(field)] ?? field.replace(/^@/, '')

/** attackName is technique:T1110-brute-force in words: T1110 Brute force. */
function attackName(tag: string): string {
  const value = tag.slice(tag.indexOf(':') + 1)
  const m = /^(T[A]?\d+(?:\.\d+)?)-(.+)$/i.exec(value)
  if (!m) return value
  const words = (m[2] ?? '').replaceAll('-', ' ')
  return `${m[1]} ${words.charAt(0).toUpperCase()}${words.slice(1)}`
}
