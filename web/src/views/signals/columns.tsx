import type { Column } from '../../parts/table'
import { SeverityMark, StateMark, severityName } from '../../parts/marks'
import { Value } from '../../parts/value'
import type { Signal } from '../../api/signals'
import { age, dayAndClock, wholeTime } from '../../state/time'
import { isNarrow } from '../../state/size'
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
  const narrow = isNarrow() // where a press is to open the row, wherever it falls
  const severity = narrow && <span class={`entity-severity ${signal.severity}`} aria-hidden="true">{severityName(signal.severity)}</span>
  if (!e) return <>{severity}<span class="mut">–</span></>
  return <>{severity}<span class="kind mut">{e.kind}</span>{narrow ? <span class="mono">{oneLine(e.value)}</span> : <Value field={e.field} value={e.value} text={oneLine(e.value)} />}</>
}

/** Of is a value in a cell, whose menu the right button opens. */
const Of = ({ field, value, text }: { field: string; value: string; text?: string }) => (value === '' ? <span class="mut">–</span> : <span data-field={field} data-value={value}>{oneLine(text ?? value)}</span>)

export const allColumns: Column<Signal>[] = [
  { id: 'severity', title: 'Severity', width: '80px', sort: 'severity', cell: (s) => <span data-field="severity" data-value={s.severity}><SeverityMark severity={s.severity} /></span> },
  { id: 'title', title: 'Signal', width: 'minmax(160px,1fr)', cell: (s) => <span title={oneLine(s.title)} data-field="title" data-value={s.title}>{oneLine(s.title)}</span> },
  { id: 'entity', title: 'Entity', width: '176px', cell: (s) => <Entity signal={s} /> },
  { id: 'events', title: 'Events', width: '56px', number: true, sort: 'events', cell: (s) => count(s.events) },
  { id: 'last', title: 'Last', width: '36px', number: true, sort: 'last_seen', cell: (s) => <time title={wholeTime(s.lastSeen)}>{age(s.lastSeen)}</time> },
  { id: 'state', title: 'State', width: '92px', cell: (s) => <span data-field="@nightjar.state" data-value={s.state}><StateMark state={s.state} assignee={s.assignee} reason={s.reason} comment={s.comment} /></span> },
  { id: 'first', title: 'First seen', width: '112px', sort: 'timestamp', cell: (s) => dayAndClock(s.firstSeen) },
  { id: 'rule', title: 'Rule', width: '160px', cell: (s) => <Of field="rule_id" value={s.ruleID} text={s.ruleName} /> },
  { id: 'source', title: 'Source', width: '100px', cell: (s) => <Of field="source" value={s.source} /> },
  { id: 'host', title: 'Host', width: '100px', cell: (s) => <Of field="host" value={s.host} /> },
  { id: 'assignee', title: 'Assignee', width: '100px', cell: (s) => <Of field="assignee" value={s.assignee} /> },
  { id: 'method', title: 'Method', width: '112px', cell: (s) => s.method.replaceAll('_', ' ') },
]
export const usualColumns = ['severity', 'title', 'entity', 'events', 'last', 'state']
