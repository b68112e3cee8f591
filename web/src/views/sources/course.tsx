import type { Source } from '../../api/sources'
import { count } from '../../state/text'

/** Course is what arrived in 24 hours, a bar for each stretch. */
export function Course({ of: s }: { of: Source }) {
  const most = Math.max(1, ...s.counts)
  const n = Math.max(1, s.counts.length)
  return (
    <svg class="spark" viewBox={`0 0 ${n} 20`} preserveAspectRatio="none" role="img" aria-label={`Events of 24 hours, at most ${count(Math.max(0, ...s.counts))} in a stretch`}>
      {s.counts.map((v, i) => v > 0 && <rect key={i} x={i + 0.1} width={0.8} y={20 - Math.max(1, (20 * v) / most)} height={Math.max(1, (20 * v) / most)} />)}
    </svg>
  )
}
