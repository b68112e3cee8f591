import type { Standing, Suppression } from '../../api/suppressions'
import { count, oneLine } from '../../state/text'
import { day, duration, useZone, wholeTime, zoneName } from '../../state/time'
import type { SuppressionState } from './state'

const dots: Record<SuppressionState, string> = { 'in force': '', 'ends soon': 'warn', begins: 'wait', off: 'off', ended: 'off' }

/** StateOf is a dot, and in words how a suppression stands. */
export function StateOf({ of: s, state, now = Date.now() }: { of: Suppression; state: SuppressionState; now?: number }) {
  const zone = useZone()
  const words = {
    'in force': 'In force', off: 'Off',
    'ends soon': `Ends in ${duration((s.until ?? now) - now)}`, ended: `Ended ${day(s.until ?? now, zone)}`, begins: `Begins ${day(s.from ?? now, zone)}`,
  }[state]
  return <span class={'keeping ' + state.replace(' ', '-')} title={s.until === undefined ? undefined : `Until ${wholeTime(s.until, zone)}`}><i class={'dot ' + dots[state]} />{words}</span>
}

/** RulesOf are the rules that a suppression is for, in a line. */
export function RulesOf({ standing, query }: { standing: Standing | undefined; query: string }) {
  if (!standing) return null
  if (standing.rulesTotal === 0) return <span class="high" title={oneLine(query)}>none</span>
  const first = standing.rules[0]
  const names = standing.rules.map((r) => oneLine(r.name, 80)).join(', ')
  return <span title={names}>{standing.rulesTotal === 1 && first ? oneLine(first.name) : `${count(standing.rulesTotal)} rules`}</span>
}

/** Days are what was hidden on each of the last days. */
export function Days({ of, days, tall = false }: { of: number[]; days: number[]; tall?: boolean }) {
  const zone = useZone()
  const most = Math.max(1, ...of)
  const total = of.reduce((a, b) => a + b, 0)
  const h = tall ? 56 : 16
  return (
    <svg class={'days' + (tall ? ' tall' : '')} viewBox={`0 0 ${of.length} ${h}`} preserveAspectRatio="none" role="img" aria-label={`${count(total)} hidden in ${of.length} days, at most ${count(Math.max(0, ...of))} on a day`}>
      {of.map((n, i) => (
        <g key={i}>
          <title>{`${day(days[i] ?? 0, zone)} ${zoneName(zone)}: ${count(n)}`}</title>
          <rect class="days-all" x={i} y={0} width={1} height={h} />
          {n > 0 && <rect class="days-some" x={i + 0.1} width={0.8} y={h - Math.max(1.5, (h * n) / most)} height={Math.max(1.5, (h * n) / most)} />}
        </g>
      ))}
    </svg>
  )
}
