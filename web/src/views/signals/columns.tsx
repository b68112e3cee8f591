import type { Column } from '../../parts/table'
import { SeverityMark, StateMark } from '../../parts/marks'
import type { Signal } from '../../api/signals'
import { age, dayAndClock, wholeTime } from '../../state/time'
import { kindOf } from '../../state/field'
import { count, oneLine } from '../../state/text'

/** entityOf is whom a signal is about, in a row: the first value of its group. */
export function entityOf(s: Signal): { kind: string; field: string; value: string } | undefined {
  for (const [i, value] of s.group.entries()) {
    const field = s.groupBy[i] ?? ''
    if (value !== '' && value !== 'N/A') return { kind: kindOf(field), field, value }
  }
  return undefined
}

function Entity({ signal }: { signal: Signal }) {
  const e = entityOf(signal)
  if (!e) return <span class="mut">–</span>
  return <><span class="kind mut">{e.kind}</span><span class="mono">{oneLine(e.value)}</span></>
}

export const allColumns: Column<Signal>[] = [
  { id: 'severity', title: 'Severity', width: '88px', sort: '-severity', cell: (s) => <SeverityMark severity={s.severity} /> },
  { id: 'title', title: 'Signal', width: 'minmax(0,1fr)', cell: (s) => <span title={s.title}>{oneLine(s.title)}</span> },
  { id: 'entity', title: 'Entity', width: '176px', cell: (s) => <Entity signal={s} /> },
  { id: 'events', title: 'Events', width: '52px', number: true, cell: (s) => count(s.events) },
  { id: 'last', title: 'Last', width: '36px', number: true, cell: (s) => <time title={wholeTime(s.lastSeen)}>{age(s.lastSeen)}</time> },
  { id: 'state', title: 'State', width: '96px', cell: (s) => <StateMark state={s.state} assignee={s.assignee} reason={s.reason} /> },
  { id: 'first', title: 'First seen', width: '112px', sort: 'timestamp', cell: (s) => dayAndClock(s.firstSeen) },
  { id: 'rule', title: 'Rule', width: '160px', cell: (s) => oneLine(s.ruleName) },
  { id: 'source', title: 'Source', width: '100px', cell: (s) => oneLine(s.source) },
  { id: 'host', title: 'Host', width: '100px', cell: (s) => oneLine(s.host) },
  { id: 'assignee', title: 'Assignee', width: '100px', cell: (s) => oneLine(s.assignee) },
]
export const usualColumns = ['severity', 'title', 'entity', 'events', 'last', 'state']
