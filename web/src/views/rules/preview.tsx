import { useMemo } from 'preact/hooks'
import { checkRule } from '../../api/authoring'
import { backtest, type Backtest, type Found, type Rule, type StoredRule } from '../../api/rules'
import type { Histogram as Counts } from '../../api/facets'
import { searchSignals, severities, type Signal } from '../../api/signals'
import { Late } from '../../parts/asking'
import { Histogram } from '../../parts/histogram'
import { SeverityMark, stateName } from '../../parts/marks'
import { Problem } from '../../parts/problem'
import { TimeRange } from '../../parts/time-range'
import { change, pathOf, useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useMay } from '../../state/session'
import { dayAndClock, duration, momentOf, useZone, zoneName, type Range, type Zone } from '../../state/time'
import { count, oneLine, plural } from '../../state/text'
import { BacktestPlot } from './backtest-plot'
import { compare, isTruePositive, type Verdict } from './compare'
import { useSettled } from '../../state/settled'

const usual: Range = { from: 'now-24h', to: '' }
const listed = 100
const stretches = 60
const layers = { one: 'signal', names: severities, of: (by: Record<string, string>) => by['severity'] ?? '' }

interface PreviewProps {
  rule: Rule | undefined
  text: string
  changed: boolean
  /** It would not be evaluated: why. */
  unsupported: string
  /** The version in force, which a changed draft is set beside. */
  stored: StoredRule | undefined
}

/** Asked is what the engine found of a draft, and of the version in force where that is another. */
interface Answered {
  draft: Backtest
  inForce: Backtest | undefined
  signals: Signal[]
  took: number
}

/** Preview has the engine run the rule over stored events: what it would have given. */
export function Preview({ rule, text, changed, unsupported, stored }: PreviewProps) {
  const { query } = useAddress()
  const range: Range = query.has('from') ? { from: query.get('from') ?? '', to: query.get('to') ?? '' } : usual
  const settled = useSettled(text, 600)
  const lacks = useMay('preview')
  const beside = changed ? stored : undefined
  const key = lacks === '' && rule && unsupported === '' && settled === text ? JSON.stringify([text, range, beside?.version]) : null
  const asked = useAsk(key, (stop) => ask(rule as Rule, beside, range, stop), 'keep')
  const look = (r: Range) => change({ from: r.from === usual.from && r.to === '' ? undefined : r.from, to: r.to })
  const old = rule === undefined && asked.value ? ', of the last text without errors' : ''
  return (
    <section class="rule-part" aria-label="Preview">
      <div class="rule-part-head">
        <h2>Preview <small>{beside ? `v${beside.version} against this draft` : changed ? 'of this draft' : 'of the rule as it is'}, by the engine{asked.value && `, in ${duration(asked.value.took)}`}{old}</small></h2>
        <span class="grow" />
        {key !== null && <span class="small"><Late of={asked} /></span>}
        <TimeRange range={range} onChange={look} />
      </div>
      {unsupported === '' && asked.error && <Problem error={asked.error} again={asked.again} />}
      {unsupported !== '' ? <p class="medium">{oneLine(unsupported)}: it would be kept, and give nothing.</p>
        : asked.value ? <Given of={asked.value} range={range} at={asked.at} look={look} />
          : !asked.error && <p class="mut">{lacks !== '' ? `Running a rule over history ${lacks}.` : rule ? <i class="bone" /> : 'A rule without errors is run over stored events here.'}</p>}
    </section>
  )
}

/** How many stored signals are looked through, the newest first, for what became of them. */
const known = 1000

async function ask(rule: Rule, beside: StoredRule | undefined, range: Range, stop: AbortSignal): Promise<Answered> {
  const began = performance.now()
  const from = range.from === '' ? '0' : range.from
  const draft = await backtest(rule, from, range.to, stretches, stop)
  const runs = beside && (await checkRule(beside.rule, beside.id, stop))
  if (!beside || !runs?.valid || runs.unsupported !== '') return { draft, inForce: undefined, signals: [], took: performance.now() - began }
  const inForce = await backtest(beside.rule, from, range.to, stretches, stop)
  const { signals } = await searchSignals({ query: `rule_id:${beside.id}`, from: range.from, to: range.to }, '-timestamp', undefined, known, stop)
  return { draft, inForce, signals, took: performance.now() - began }
}

interface GivenProps {
  of: Answered
  range: Range
  at: number
  look: (r: Range) => void
}

function Given({ of: { draft, inForce, signals: stored }, range, at, look }: GivenProps) {
  const zone = useZone()
  const { signals, matches, suppressed } = draft
  const counts = useMemo(() => countsOf(signals, range, zone, at), [signals, zone, at])
  const groups = useMemo(() => groupsOf(signals), [signals])
  const [from, to] = [counts.starts[0] ?? 0, counts.end]
  const days = Math.max(1, (to - from) / 864e5)
  const verdicts = useMemo(() => compare(signals, inForce ? inForce.signals : signals, stored), [signals, inForce, stored])
  return (
    <>
      <dl class="rule-figures">
        <Figure n={signals.length} text={signals.length === 1 ? 'signal' : 'signals'} more={`${(signals.length / days).toFixed(1)} a day`} />
        {inForce ? <Compared of={verdicts} /> : <Figure n={groups.length} text={groups.length === 1 ? 'group' : 'groups'} more={groups[0] ? `most ${count(groups[0].n)} of one` : ''} />}
        {!inForce && <Figure n={matches} text={matches === 1 ? 'event matches' : 'events match'} more="a query, in a group" />}
        {suppressed > 0 && <Figure n={suppressed} text="suppressed" more="not among the signals" />}
      </dl>
      {draft.warnings.map((w) => <p key={w} class="medium small">{oneLine(w)}</p>)}
      {stored.length === known && <p class="mut small">What became of signals is known of the newest {count(known)} of this time; older lost ones may be true positives.</p>}
      {signals.length === 0 && <p class="mut">{matches === 0 ? 'No event of this time matches a query of it. Under each query stands which clause leaves nothing.' : 'Events match, and no case holds for any group: lower a threshold, or look at a longer time.'}</p>}
      {draft.peaks && <BacktestPlot now={draft.peaks} before={inForce?.peaks} from={from} to={to} onZoom={(a, b) => look({ from: String(a), to: String(b) })} />}
      {signals.length > 0 && (
        <>
          <div class="rule-plot"><Histogram counts={counts} layers={layers} onZoom={(a, b) => look({ from: String(a), to: String(b) })} /></div>
          {groups.length > 1 && <p class="small rule-groups"><span class="mut">Most often</span> {groups.slice(0, 5).map((g) => <span key={g.name}><code>{oneLine(g.name, 80)}</code> <span class="mut">{count(g.n)}</span></span>)}</p>}
        </>
      )}
      {verdicts.length > 0 && <Listed verdicts={verdicts} compared={inForce !== undefined} />}
    </>
  )
}

/** Compared is what the draft gives beside the version in force. */
function Compared({ of }: { of: Verdict[] }) {
  const [gained, lost, same] = (['new', 'lost', 'same'] as const).map((is) => of.filter((v) => v.is === is)) as [Verdict[], Verdict[], Verdict[]]
  const positives = lost.filter(isTruePositive).length
  const other = same.filter((v) => v.was !== '').length
  return (
    <>
      <Figure n={gained.length} sign="+" look="good" text="new" more={plural(new Set(gained.map((v) => v.signal.group.join())).size, 'group')} />
      <Figure n={lost.length} sign="−" look={lost.length > 0 ? 'critical' : ''} text="lost" more={positives > 0 ? plural(positives, 'true positive') : lost.length > 0 ? 'no true positive' : ''} />
      <Figure n={same.length} text="the same" more={other > 0 ? `${other} of other severity` : 'as in force'} />
    </>
  )
}

const words = { new: '+', lost: '−', same: '' } as const

function Listed({ verdicts, compared }: { verdicts: Verdict[]; compared: boolean }) {
  const zone = useZone()
  return (
    <>
      <table class="rule-given">
        <thead><tr>{compared && <th><span class="unseen">Change</span></th>}<th>First seen {zoneName(zone)}</th><th>Severity</th><th>Group</th><th class="number">Events</th>{compared && <th>What became of it</th>}</tr></thead>
        <tbody>
          {verdicts.slice(0, listed).map((v, i) => (
            <tr key={i} class={isTruePositive(v) && v.is === 'lost' ? 'rule-lost' : ''}>
              {compared && <td class={v.is === 'new' ? 'good' : 'critical'}><span aria-hidden="true">{words[v.is]}</span><span class="unseen">{v.is}</span></td>}
              <td>{dayAndClock(v.signal.firstSeen, zone)}</td><td><SeverityMark severity={v.signal.severity} />{v.was !== '' && <span class="mut small"> was {v.was}</span>}</td>
              <td class="mono">{oneLine(v.signal.group.join(', ') || '–', 300)}</td><td class="number">{count(v.signal.events)}</td>
              {compared && <td>{v.is === 'new' ? <span class="mut">new</span> : v.stored ? <a class={'link ' + (isTruePositive(v) ? 'critical' : '')} href={pathOf(['signals', v.stored.id])}>{stateName(v.stored.state, v.stored.reason)}{v.stored.assignee !== '' && `, ${oneLine(v.stored.assignee, 40)}`}</a> : <span class="mut">none is stored</span>}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      {verdicts.length > listed && <p class="mut small">{count(listed)} of {count(verdicts.length)}{compared ? '' : ', the newest'}</p>}
    </>
  )
}

function Figure({ n, text, more, sign = '', look = '' }: { n: number; text: string; more: string; sign?: string; look?: string }) {
  return <div class={look}><dt><span>{text}</span><span class="mut">{more}</span></dt><dd>{n > 0 && sign}{count(n)}</dd></div>
}

function groupsOf(signals: Found[]): { name: string; n: number }[] {
  const by = new Map<string, number>()
  for (const s of signals) {
    const name = s.group.join(', ') || '–'
    by.set(name, (by.get(name) ?? 0) + 1)
  }
  return [...by].map(([name, n]) => ({ name, n })).sort((a, b) => b.n - a.n)
}

/** countsOf counts signals a day, or where that is too coarse an hour or ten minutes, from round times of the zone. */
export function countsOf(signals: Found[], range: Range, zone: Zone, now: number): Counts {
  const first = signals[0]?.firstSeen ?? now
  const from = range.from === '' ? first : (momentOf(range.from, now) ?? first)
  const to = momentOf(range.to, now) ?? now
  const span = to - from
  const step = span > 5 * 864e5 ? 864e5 : span > 12 * 36e5 ? 36e5 : span > 36e5 ? 6e5 : 6e4
  const off = zone === 'utc' ? 0 : -new Date(from).getTimezoneOffset() * 60_000
  const begin = Math.floor((from + off) / step) * step - off
  const n = Math.max(1, Math.min(1000, Math.ceil((to - begin) / step)))
  const series = severities.map((severity) => ({ by: { severity, state: '' }, counts: new Array<number>(n).fill(0) }))
  for (const s of signals) {
    const of = series[severities.indexOf(s.severity)]
    const i = Math.max(0, Math.min(n - 1, Math.floor((s.firstSeen - begin) / step)))
    if (of) of.counts[i] = (of.counts[i] ?? 0) + 1
  }
  return { interval: '', starts: Array.from({ length: n }, (_, i) => begin + i * step), end: begin + n * step, series, total: signals.length, partial: false }
}
