import { readVersions, type Suppression, type Version } from '../../api/suppressions'
import { Problem } from '../../parts/problem'
import { pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useMay } from '../../state/session'
import { count, oneLine } from '../../state/text'
import { dayAndMinutes, useZone, wholeTime, zoneName, type Zone } from '../../state/time'

/** History is who changed a suppression, when, and what. */
export function History({ stored }: { stored: Suppression }) {
  const zone = useZone()
  const lacks = useMay('administer')
  const asked = useAsk(`${stored.id} ${stored.version}`, (stop) => readVersions(stored.id, stop), 'keep')
  const all = asked.value ?? []
  return (
    <section class="keeping-part" aria-label="History">
      <h2>History <small>{asked.value && count(all.length)}{all.length > 0 && `, ${zoneName(zone)}`}</small></h2>
      {asked.error && <Problem error={asked.error} again={asked.again} />}
      <ol class="keeping-history">
        {all.map((v, i) => (
          <li key={v.suppression.version}>
            <code class="hi">v{v.suppression.version}</code>
            <span>{said(v, all[i + 1]?.suppression, zone).map((line) => <span key={line} class="keeping-change">{line}</span>)}</span>
            <span class="mut small" title={wholeTime(v.suppression.changedAt, zone)}>{dayAndMinutes(v.suppression.changedAt, zone)}{v.suppression.changedBy !== '' && ` by ${oneLine(v.suppression.changedBy, 60)}`}</span>
          </li>
        ))}
      </ol>
      <p class="small mut">{lacks === '' ? <a class="link" href={pathOf(['operation', 'audit'], { text: stored.id })}>Every call about it is in the audit log</a> : <>The audit log has every call about it: {lacks}.</>}</p>
    </section>
  )
}

const names: Record<string, string> = {
  name: 'name', description: 'why', enabled: 'enabled', rule_query: 'rules', suppression_query: 'signals hidden', data_exclusion_query: 'events left out', start_date: 'from', expiration_date: 'until', tags: 'tags',
}

/** said is what a version changed, a line each. */
function said(v: Version, before: Suppression | undefined, zone: Zone): string[] {
  if (!before) return ['made']
  const lines = v.changes.map((c) => {
    const [was, is] = [valueOf(before, c.field, zone), valueOf(v.suppression, c.field, zone)]
    if (c.field === 'enabled') return v.suppression.enabled ? 'enabled' : 'disabled'
    return `${names[c.field] ?? c.field}: ${was || 'none'} → ${is || 'none'}`
  })
  return lines.length > 0 ? lines : ['stored as it was']
}

function valueOf(s: Suppression, field: string, zone: Zone): string {
  const time = (at: number | undefined, none: string) => (at === undefined ? none : dayAndMinutes(at, zone))
  switch (field) {
    case 'name': return oneLine(s.name, 120)
    case 'description': return oneLine(s.description, 120)
    case 'rule_query': return oneLine(s.ruleQuery, 120)
    case 'suppression_query': return oneLine(s.query, 120)
    case 'data_exclusion_query': return oneLine(s.exclusion, 120)
    case 'start_date': return time(s.from, 'open')
    case 'expiration_date': return time(s.until, 'without end')
    case 'tags': return oneLine(s.tags.join(' '), 120)
    default: return ''
  }
}
