import type { ComponentChildren } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { listSuppressions, readStandings } from '../../api/suppressions'
import { Problem } from '../../parts/problem'
import { Table, type Column } from '../../parts/table'
import { change, go, pathOf, useAddress } from '../../state/address'
import { useAsk, useEvery } from '../../state/ask'
import { useKeys } from '../../state/keys'
import { useMay } from '../../state/session'
import { useRowHeight } from '../../state/size'
import { count, oneLine, plural } from '../../state/text'
import { tickedThen } from '../../state/ticked'
import { age, clock, day, useZone, wholeTime, zoneName, zoneOf } from '../../state/time'
import { Bulk } from './bulk'
import { Days, RulesOf, StateOf } from './marks'
import { has, rowOf, sorted, type Row } from './state'

/** SuppressionList is what is kept from people: first what ends soon, then what hides most. */
export function SuppressionList() {
  const { query } = useAddress()
  const rowHeight = useRowHeight()
  const zone = useZone()
  const lacks = useMay('configure')
  const all = useAsk('suppressions', listSuppressions, 'keep')
  const standings = useAsk(zoneOf(zone), (stop) => readStandings(zoneOf(zone), '', stop), 'keep')
  useEvery(15_000, () => [all, standings].forEach((a) => a.refresh()))
  const [at, setAt] = useState<string>()
  const words = query.get('words') ?? ''
  const sort = query.get('sort') ?? 'first'
  const ended = query.get('state') === 'ended'
  const rows = useMemo(() => (all.value ?? []).map((s) => rowOf(s, standings.value?.of.get(s.id), Date.now())), [all.value, standings.value])
  const shown = useMemo(() => sorted(rows.filter((r) => (r.state === 'ended') === ended && has(r, words)), sort), [rows, ended, words, sort])
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set())
  const chosen = shown.filter((r) => ticked.has(r.id))
  const tick = (r: Row, how: 'one' | 'to here') => {
    setTicked((was) => tickedThen(was, shown.map((x) => x.id), r.id, how === 'to here' ? at : undefined))
    setAt(r.id)
  }
  const open = (r: Row | undefined) => r && go(pathOf(['suppressions', r.id]))
  const step = (by: number) => {
    const now = shown.findIndex((r) => r.id === at)
    setAt(shown[now < 0 ? 0 : Math.max(0, Math.min(shown.length - 1, now + by))]?.id)
  }
  useKeys([
    { keys: 'j', does: 'move', act: () => step(1) },
    { keys: 'k', does: 'move up', act: () => step(-1) },
    { keys: 'ArrowDown', does: '', act: () => step(1) },
    { keys: 'ArrowUp', does: '', act: () => step(-1) },
    { keys: 'Enter', does: 'open the suppression', act: () => open(shown.find((r) => r.id === at)) },
    { keys: 'x', does: 'select', act: () => { const r = shown.find((x) => x.id === at); if (r) tick(r, 'one') } },
    { keys: 'n', does: 'new suppression', act: () => lacks === '' && go('/suppressions/new') },
    { keys: '/', does: 'find', act: () => document.getElementById('words')?.focus() },
  ])
  const columns = useColumns(standings.value?.days ?? [], standings.error)
  const stale = all.error && all.value
  return (
    <main class="keeping-list">
      <h1 class="unseen">Suppressions</h1>
      <div class="keeping-asking">
        <input id="words" class="field" type="search" aria-label="Find suppressions" placeholder="Find by name, owner, rule or query" value={words} onInput={(e) => change({ words: e.currentTarget.value }, 'replace')} onKeyDown={(e) => e.key === 'Escape' && e.currentTarget.blur()} />
        <button class="button" disabled={lacks !== ''} title={lacks} onClick={() => go('/suppressions/new')}>New suppression</button>
      </div>
      <div class={'keeping-bar' + (stale ? ' stale' : '')}>
        {chosen.length > 0
          ? <Bulk rows={chosen} clear={() => setTicked(new Set())} again={() => [all, standings].forEach((a) => a.again())} />
          : <Bar rows={rows} ended={ended} asking={all.value === undefined} />}
        {stale && <span role="status">Not live since {clock(all.at, zone)} {zoneName(zone)}: {all.error?.message} You see what was there then. <button class="link" onClick={all.again}>Try again</button></span>}
        {standings.error && !stale && <span role="status" class="medium">What they hide is not known: {standings.error.message} <button class="link" onClick={standings.again}>Try again</button></span>}
      </div>
      {all.error && !all.value ? <div class="keeping-alone"><Problem error={all.error} again={all.again} /></div>
        : all.value && shown.length === 0 ? <None stored={rows.length} ended={ended} words={words} lacks={lacks} /> : (
        <Table
          name="Suppressions" columns={columns} rows={shown} total={shown.length} keyOf={(r) => r.id} rowHeight={rowHeight}
          current={at} ticked={ticked} onTick={tick} sort={sort} loading={all.value === undefined} onSort={(s) => change({ sort: s === 'first' ? undefined : s })} onOpen={open} onEnd={() => undefined}
          rowClass={(r) => 'keeping-row ' + r.state.replace(' ', '-')}
        />
      )}
    </main>
  )
}

function Bar({ rows, ended, asking }: { rows: Row[]; ended: boolean; asking: boolean }) {
  const over = rows.filter((r) => r.state === 'ended').length
  const soonest = rows.filter((r) => r.state === 'ends soon').length
  const hidden = rows.reduce((n, r) => n + (r.standing?.perDay.reduce((a, b) => a + b, 0) ?? 0), 0)
  if (asking) return <span class="strong">Suppressions</span>
  return (
    <>
      <nav class="keeping-states" aria-label="Which suppressions">
        <a href="/suppressions" aria-current={ended ? undefined : 'page'}>{plural(rows.length - over, 'suppression')}</a>
        <a href="/suppressions?state=ended" aria-current={ended ? 'page' : undefined}>{count(over)} ended</a>
      </nav>
      {rows.some((r) => r.standing) && <span class="mut">{plural(hidden, 'signal')} of the last 30 days {hidden === 1 ? 'is' : 'are'} hidden</span>}
      {soonest > 0 && <span class="medium">{soonest === 1 ? '1 ends' : `${count(soonest)} end`} within 7 days</span>}
    </>
  )
}

function useColumns(days: number[], error: Error | undefined): Column<Row>[] {
  const zone = useZone()
  const known = (r: Row, what: () => ComponentChildren) => (r.standing ? what() : error ? <span class="mut">not known</span> : null)
  return [
    { id: 'state', title: 'State', width: '136px', cell: (r) => <StateOf of={r} state={r.state} /> },
    {
      id: 'name', title: 'Suppression', width: 'minmax(120px,1.6fr)', sort: 'name',
      cell: (r) => <><span class="keeping-name" title={oneLine(r.name)}>{oneLine(r.name)}</span>{r.worth !== '' ? <span class="high keeping-worth">{r.worth}</span> : r.description !== '' && <span class="mut keeping-worth">{oneLine(r.description, 200)}</span>}</>,
    },
    { id: 'rules', title: 'Of', width: 'minmax(80px,.7fr)', cell: (r) => <RulesOf standing={r.standing} query={r.ruleQuery} /> },
    { id: 'days', title: '30 days', width: '104px', cell: (r) => r.standing && (r.query === '' ? <span class="mut" title="It keeps events from the rules: they make no signal to count.">events</span> : <Days of={r.standing.perDay} days={days} />) },
    { id: 'hidden', title: 'Hides', width: '72px', number: true, sort: 'hidden', cell: (r) => known(r, () => (r.query === '' ? <span class="mut">–</span> : <span title={`Signals it withholds, since ${wholeTime(r.standing?.countedSince ?? 0, zone)}`}>{count(r.standing?.hidden ?? 0)}</span>)) },
    { id: 'last', title: 'Last', width: '52px', number: true, sort: 'last', cell: (r) => known(r, () => ((r.standing?.lastHidden ?? 0) === 0 ? <span class="mut">–</span> : <time title={wholeTime(r.standing?.lastHidden ?? 0, zone)}>{age(r.standing?.lastHidden ?? 0)}</time>)) },
    { id: 'owner', title: 'Owner', width: '112px', sort: 'owner', cell: (r) => (r.createdBy === '' ? <span class="mut">not kept</span> : <span title={`Changed by ${oneLine(r.changedBy, 80)}`}>{oneLine(r.createdBy, 80)}</span>) },
    { id: 'ends', title: `Ends, ${zoneName(zone)}`, width: '88px', number: true, sort: 'ends', cell: (r) => (r.until === undefined ? <span class="mut">never</span> : <time title={wholeTime(r.until, zone)}>{day(r.until, zone)}</time>) },
  ]
}

function None({ stored, ended, words, lacks }: { stored: number; ended: boolean; words: string; lacks: string }) {
  if (words !== '') return <div class="keeping-alone"><h2>No suppression says that</h2><p><button class="link" onClick={() => change({ words: undefined })}>Show all</button></p></div>
  if (ended) return <div class="keeping-alone"><h2>No suppression has ended</h2><p>One that reaches its end hides nothing more, and is listed here until somebody deletes it.</p></div>
  return (
    <div class="keeping-alone">
      <h2>{stored === 0 ? 'Nothing is suppressed' : 'Nothing is suppressed any more'}</h2>
      <p>Every signal that a rule finds is shown. Where one is known and harmless, suppress it from the signal (<kbd>s</kbd>): it shows first what that would have hidden in 90 days.</p>
      <p class="keep-actions"><a class="button" href="/signals">Go to the signals</a><button class="button" disabled={lacks !== ''} title={lacks} onClick={() => go('/suppressions/new')}>New suppression</button>{lacks !== '' && <span class="mut">{lacks}</span>}</p>
    </div>
  )
}
