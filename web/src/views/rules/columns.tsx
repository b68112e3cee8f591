import type { Column } from '../../parts/table'
import { SeverityMark } from '../../parts/marks'
import { age, wholeTime } from '../../state/time'
import { useMatches } from '../../state/size'
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

/** Days is how many signals a rule gave on each of 30 days, as bars of one scale. */
export function Days({ of }: { of: number[] }) {
  const most = Math.max(...of, 1)
  const total = of.reduce((sum, n) => sum + n, 0)
  if (total === 0) return null
  return (
    <svg class="rule-days" viewBox={`0 0 ${of.length * 3} 16`} preserveAspectRatio="none" role="img" aria-label={`${total} in 30 days, at most ${most} on one`}>
      {of.map((n, i) => n > 0 && <rect key={i} x={i * 3} y={16 - Math.max(2, (n / most) * 16)} width="2" height={Math.max(2, (n / most) * 16)} />)}
    </svg>
  )
}

const ruleColumns: Column<RuleRow>[] = [
  { id: 'state', title: 'State', width: '128px', sort: 'state', cell: (r) => <RuleStateMark state={r.state} reason={r.reason} /> },
  { id: 'severity', title: 'Severity', width: '88px', sort: 'severity', cell: (r) => (r.severity ? <SeverityMark severity={r.severity} /> : <span class="mut">–</span>) },
  {
    id: 'name', title: 'Rule', width: 'minmax(160px,1fr)', sort: 'name',
    cell: (r) => <><span class="rule-name" title={oneLine(r.name)}>{oneLine(r.name)}</span>{r.reason !== '' && <span class="mut rule-why">{oneLine(r.reason, 300)}</span>}</>,
  },
  { id: 'method', title: 'Method', width: '132px', sort: 'method', cell: (r) => <span class="mut">{oneLine(r.method)}</span> },
  { id: 'days', title: '30 days', width: '92px', cell: (r) => <Days of={r.byDay} /> },
  { id: 'daily', title: 'A day', width: '56px', number: true, sort: '-daily', cell: (r) => dailyText(r.daily) },
  { id: 'covers', title: 'Covers', width: '96px', cell: (r) => <span class="mono mut" title={r.techniques.join(', ')}>{r.techniques.length > 1 ? `${r.techniques[0]} +${r.techniques.length - 1}` : r.techniques[0]}</span> },
  { id: 'cost', title: 'An event', width: '84px', number: true, sort: '-cost', cell: (r) => <span title={r.alone === '' ? undefined : `Evaluated by itself: ${r.alone}`} class={r.alone === '' ? '' : 'medium'}>{costText(r.cost)}</span> },
  { id: 'changed', title: 'Changed', width: '64px', number: true, sort: 'changed', cell: (r) => <time title={`${wholeTime(r.changedAt)} ${oneLine(r.changedBy)}`}>{age(r.changedAt)}</time> },
]

const ofWide = ['method', 'changed', 'covers']
const narrowColumns = ruleColumns.filter((c) => !ofWide.includes(c.id))

/** useShownColumns are those that there is room for. */
export const useShownColumns = (): Column<RuleRow>[] => (useMatches('(max-width: 1240px)') ? narrowColumns : ruleColumns)
