import { useMemo } from 'preact/hooks'
import { backtest, type Found, type Rule } from '../../api/rules'
import type { Histogram as Counts } from '../../api/facets'
import { severities } from '../../api/signals'
import { Histogram } from '../../parts/histogram'
import { SeverityMark } from '../../parts/marks'
import { Problem } from '../../parts/problem'
import { TimeRange } from '../../parts/time-range'
import { change, useAddress } from '../../state/address'
import { useAsk, useLate } from '../../state/ask'
import { useMay } from '../../state/session'
import { dayAndClock, momentOf, useZone, zoneName, type Range, type Zone } from '../../state/time'
import { count, oneLine } from '../../state/text'
import { useSettled } from '../../state/settled'

const usual: Range = { from: 'now-24h', to: '' }
const listed = 100
const layers = { one: 'signal', names: severities, of: (by: Record<string, string>) => by['severity'] ?? '' }

/** Preview has the engine run the rule over stored events: what it would have given. */
export function Preview({ rule, text, changed }: { rule: Rule | undefined; text: string; changed: boolean }) {
  const { query } = useAddress()
  const range: Range = query.has('from') ? { from: query.get('from') ?? '', to: query.get('to') ?? '' } : usual
  const settled = useSettled(text, 600)
  const lacks = useMay('triage')
  const key = lacks === '' && rule && settled === text ? JSON.stringify([text, range]) : null
  const asked = useAsk(key, (stop) => backtest(rule as Rule, range.from === '' ? '0' : range.from, range.to, stop), 'keep')
  const late = useLate(asked.asking && key !== null, 1000)
  const look = (r: Range) => change({ from: r.from === usual.from && r.to === '' ? undefined : r.from, to: r.to })
  return (
    <section class="rule-part" aria-label="Preview">
      <div class="rule-part-head">
        <h2>Preview <small>{changed ? 'of this draft' : 'of the rule as it is'}, by the engine{rule === undefined && asked.value && ', of the last text without errors'}</small></h2>
        <span class="grow" />
        {late && <span class="mut small" role="status">Asking <button class="link" onClick={asked.cancel}>Cancel</button></span>}
        <TimeRange range={range} onChange={look} />
      </div>
      {asked.error && <Problem error={asked.error} again={asked.again} />}
      {asked.value ? <Given signals={asked.value.signals} matches={asked.value.matches} suppressed={asked.value.suppressed} warnings={asked.value.warnings} range={range} at={asked.at} look={look} />
        : !asked.error && <p class="mut">{lacks !== '' ? `Running a rule over history ${lacks}.` : rule ? <i class="bone" /> : 'A rule without errors is run over stored events here.'}</p>}
    </section>
  )
}

interface GivenProps {
  signals: Found[]
  matches: number
  suppressed: number
  warnings: string[]
  range: Range
  at: number
  look: (r: Range) => void
}

function Given({ signals, matches, suppressed, warnings, range, at, look }: GivenProps) {
  const zone = useZone()
  const counts = useMemo(() => countsOf(signals, range, zone, at), [signals, zone, at])
  const groups = useMemo(() => groupsOf(signals), [signals])
  const days = Math.max(1, (counts.end - (counts.starts[0] ?? 0)) / 864e5)
  const newest = useMemo(() => [...signals].sort((a, b) => b.firstSeen - a.firstSeen), [signals])
  return (
    <>
      <dl class="rule-figures">
        <Figure n={signals.length} text={signals.length === 1 ? 'signal' : 'signals'} more={`${(signals.length / days).toFixed(1)} a day`} />
        <Figure n={groups.length} text={groups.length === 1 ? 'group' : 'groups'} more={groups[0] ? `most ${count(groups[0].n)} of one` : ''} />
        <Figure n={matches} text={matches === 1 ? 'event matches' : 'events match'} more="a query, in a group" />
        {suppressed > 0 && <Figure n={suppressed} text="suppressed" more="not among the signals" />}
      </dl>
      {warnings.map((w) => <p key={w} class="medium small">{oneLine(w)}</p>)}
      {signals.length === 0
        ? <p class="mut">{matches === 0 ? 'No event of this time matches a query of it.' : 'Events match, and no case holds for any group: lower a threshold, or look at a longer time.'}</p>
        : (
          <>
            <div class="rule-plot"><Histogram counts={counts} layers={layers} onZoom={(a, b) => look({ from: String(a), to: String(b) })} /></div>
            {groups.length > 1 && <p class="small rule-groups"><span class="mut">Most often</span> {groups.slice(0, 5).map((g) => <span key={g.name}><code>{oneLine(g.name, 80)}</code> <span class="mut">{count(g.n)}</span></span>)}</p>}
            <table class="rule-given">
              <thead><tr><th>First seen {zoneName(zone)}</th><th>Severity</th><th>Group</th><th class="number">Events</th></tr></thead>
              <tbody>
                {newest.slice(0, listed).map((s, i) => (
                  <tr key={i}><td>{dayAndClock(s.firstSeen, zone)}</td><td><SeverityMark severity={s.severity} /></td><td class="mono">{oneLine(s.group.join(', ') || '–', 300)}</td><td class="number">{count(s.events)}</td></tr>
                ))}
              </tbody>
            </table>
            {newest.length > listed && <p class="mut small">{count(listed)} of {count(newest.length)}, the newest</p>}
          </>
        )}
    </>
  )
}

function Figure({ n, text, more }: { n: number; text: string; more: string }) {
  return <div><dt><span>{text}</span><span class="mut">{more}</span></dt><dd>{count(n)}</dd></div>
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
