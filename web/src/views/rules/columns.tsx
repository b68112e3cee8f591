import type { Column } from '../../parts/table'
import { SeverityMark } from '../../parts/marks'
import { age, wholeTime } from '../../state/time'
import { oneLine } from '../../state/text'
import { stateNames, type RuleRow, type RuleState } from './state'

const dots: Record<RuleState, string> = { failing: 'bad', unsupported: 'bad', dead: 'warn', never: 'wait', live: '', disabled: 'off', unknown: 'off' }

/** RuleStateMark is a dot and a word. */
export function RuleStateMark({ state, reason = '' }: { state: RuleState; reason?: string }) {
  return <span class={'rule-state ' + state} title={reason === '' ? undefined : oneLine(reason)}><i class={'dot ' + dots[state]} />{stateNames[state]}</span>
}

/** dailyText is signals a day, with a decimal where there are few. */
export function dailyText(n: number | undefined): string {
  if (n === undefined) return ''
  if (n === 0) return '0'
  return n >= 100 ? Math.round(n).toLocaleString('en-US') : n < 0.1 ? '< 0.1' : n.toFixed(1)
}

/** costText is CPU time of an event. */
export const costText = (microseconds: number | undefined): string =>
  microseconds === undefined ? '–' : microseconds < 0.01 ? '< 0.01 µs' : microseconds >= 1000 ? `${(microseconds / 1000).toFixed(1)} ms` : `${microseconds.toFixed(microseconds < 10 ? 2 : 0)} µs`

export const ruleColumns: Column<RuleRow>[] = [
  { id: 'state', title: 'State', width: '128px', sort: 'state', cell: (r) => <RuleStateMark state={r.state} reason={r.reason} /> },
  { id: 'severity', title: 'Severity', width: '88px', sort: 'severity', cell: (r) => (r.severity ? <SeverityMark severity={r.severity} /> : <span class="mut">–</span>) },
  {
    id: 'name', title: 'Rule', width: 'minmax(0,1fr)', sort: 'name',
    cell: (r) => <><span class="rule-name" title={oneLine(r.name)}>{oneLine(r.name)}</span>{r.reason !== '' && <span class="mut rule-why">{oneLine(r.reason, 300)}</span>}</>,
  },
  { id: 'method', title: 'Method', width: '132px', sort: 'method', cell: (r) => <span class="mut">{oneLine(r.method)}</span> },
  { id: 'daily', title: 'Signals a day', width: '88px', number: true, sort: 'daily', cell: (r) => dailyText(r.daily) },
  { id: 'cost', title: 'An event costs', width: '100px', number: true, sort: 'cost', cell: (r) => <span title={r.alone === '' ? undefined : `Evaluated by itself: ${r.alone}`} class={r.alone === '' ? '' : 'medium'}>{costText(r.cost)}</span> },
  { id: 'changed', title: 'Changed', width: '64px', number: true, sort: 'changed', cell: (r) => <time title={`${wholeTime(r.changedAt)} ${oneLine(r.changedBy)}`}>{age(r.changedAt)}</time> },
]
