import { listRuleRuns, type RuleRun } from '../../api/rule-costs'
import { readHealth } from '../../api/status'
import { Known, Nothing } from '../../parts/keep'
import { Listing, type Cell } from '../../parts/listing'
import { pathOf } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { duration } from '../../state/time'
import { count, oneLine, plural } from '../../state/text'

const cost = (µs: number): string => (µs < 0.01 ? '< 0.01 µs' : µs >= 1000 ? `${(µs / 1000).toFixed(1)} ms` : `${µs.toFixed(µs < 10 ? 2 : 0)} µs`)
const rank = (r: RuleRun): number => (r.state === 'failing' ? 0 : r.behind > 0 ? 1 : r.alone !== '' ? 2 : r.state === 'unsupported' ? 3 : 4)

/** Evaluation is how far each rule is, and what it costs: first what fails or is behind, then the dearest. */
export function Evaluation() {
  const runs = useAsk('rule runs', listRuleRuns, 'keep')
  const health = useAsk('health', readHealth, 'keep')
  useEvery(5000, () => (runs.refresh(), health.refresh()))
  const newest = health.value?.eventsReceived ?? 0
  const all = runs.value?.reduce((sum, r) => sum + (r.cost ?? 0), 0) ?? 0
  const cells: Cell<RuleRun>[] = [
    { title: 'Rule', cell: (r) => <a class="link" href={pathOf(['rules', r.id])}>{oneLine(r.name, 160) || r.id}</a> },
    { title: 'State', cell: (r) => <><span class={r.state === 'failing' ? 'critical' : r.state === 'unsupported' ? 'medium' : r.alone !== '' ? 'medium' : 'good'}>{r.alone !== '' && r.state === 'running' ? 'by itself' : r.state}</span>{(r.reason || r.alone) !== '' && <span class="small mut"> {oneLine(r.reason || r.alone, 200)}</span>}</> },
    { title: 'Behind', number: true, cell: (r) => (r.state === 'unsupported' ? '' : r.behind === 0 ? <span class="mut">0</span> : <span class="high">{count(r.behind)}</span>) },
    { title: 'Watermark', number: true, minor: true, cell: (r) => (r.through === 0 ? <span class="mut">as all</span> : count(r.through)) },
    { title: 'An event', number: true, cell: (r) => (r.cost === undefined ? <span class="mut">not known</span> : <span class="sure">{cost(r.cost)}</span>) },
    { title: 'Of all', number: true, minor: true, cell: (r) => (r.cost === undefined || all === 0 ? '' : `${Math.round((100 * r.cost) / all)} %`) },
    { title: 'Matches', number: true, minor: true, cell: (r) => count(r.matches) },
    { title: 'Groups', number: true, minor: true, cell: (r) => count(r.groups) },
  ]
  return (
    <Known of={runs}>
      {(rows) => rows.length === 0 ? (
        <Nothing title="No rule is live"><p>Events are stored, and nothing looks at them. <a class="link" href="/rules">Enable a rule</a>, or bring the bundled ones into force.</p></Nothing>
      ) : (
        <>
          <p class="place-lead">{health.value && (health.value.caughtUp ? `Every rule has seen every event, up to arrival ${count(newest)}.` : `Evaluation is ${duration(health.value.lagSeconds * 1000)} behind: arrival ${count(health.value.evaluatedThrough)} of ${count(newest)}.`)} {plural(rows.length, 'rule')} take{rows.length === 1 ? 's' : ''} {cost(all)} of CPU an event, by estimate since the start.</p>
          <Listing name="Rule runs" cells={cells} rows={[...rows].sort((a, b) => rank(a) - rank(b) || b.behind - a.behind || (b.cost ?? 0) - (a.cost ?? 0) || a.name.localeCompare(b.name)).slice(0, 1000)} keyOf={(r) => r.id} />
          {rows.length > 1000 && <p class="small mut">The first 1,000 of {count(rows.length)}; <code>GET /api/nightjar/v1/rule_costs</code> has all.</p>}
        </>
      )}
    </Known>
  )
}
