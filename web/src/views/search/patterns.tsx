import { useState } from 'preact/hooks'
import { groupByPattern, type Example, type Pattern, type Patterns as Found } from '../../api/patterns'
import type { Filter } from '../../api/signals'
import { Late } from '../../parts/asking'
import { Problem } from '../../parts/problem'
import { Table, type Column } from '../../parts/table'
import { change, go, pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useRowHeight } from '../../state/size'
import { count, oneLine, plural } from '../../state/text'
import { clock, dayAndMinutes, useZone, wholeTime, zoneName, type Zone } from '../../state/time'
import { askFor } from './filter'

/** atOnce is how many milliseconds grouping may take, before somebody wants all. */
const atOnce = 2000

interface PatternsProps {
  filter: Filter
  /** When the rows came: they come first. 0: they did not. */
  at: number
  /** How many events there are in all, where that is known. */
  total: number | undefined
}

/** Patterns are the shapes that the messages of a search have: a press asks for the events of one. */
export function Patterns({ filter, at, total }: PatternsProps) {
  const zone = useZone()
  const rowHeight = useRowHeight()
  const asked = JSON.stringify([filter, at])
  const [whole, setWhole] = useState('') // what all is wanted of
  const answer = useAsk(at === 0 ? null : JSON.stringify([asked, whole === asked]), (stop) => groupByPattern(filter, whole === asked ? undefined : atOnce, stop), 'keep')
  const found = answer.value && answer.value.total === total ? { ...answer.value, from: undefined, partial: false } : answer.value // what was not looked at has none
  if (answer.error && (!found || answer.old)) return <div class="bar"><Problem error={answer.error} again={answer.again} /></div>
  return (
    <section class={'queue patterns' + (answer.old ? ' waiting' : '')} aria-label="Patterns" aria-busy={answer.asking}>
      <div class="bar">
        <span role="status">{found ? said(found, total, zone) : 'Patterns'}</span>
        {found?.from !== undefined && !answer.asking && <button class="link" onClick={() => setWhole(asked)}>Group all</button>}
        {at > 0 && <Late of={answer} what="events" />}
      </div>
      <Table
        name="Patterns" columns={columnsOf(found?.total ?? 0, zone)} rows={found?.patterns ?? []} total={found?.patterns.length} keyOf={(p) => p.first.id} rowHeight={rowHeight}
        current={undefined} sort="" onSort={() => undefined} onEnd={() => undefined} loading={!found} onOpen={(p) => p.query !== '' && ask(p)}
      />
    </section>
  )
}

/** ask shows the events of a pattern. */
function ask(p: Pattern) {
  change({ form: undefined }, 'replace')
  askFor(p.query)
}

/** said is of which events the patterns are: of the newest, of all, and how many patterns are not here. */
function said(f: Found, total: number | undefined, zone: Zone): string {
  const of = f.from !== undefined
    ? `of the newest ${count(f.total)}${total !== undefined && total > f.total ? ` of ${count(total)}` : ''} events, since ${dayAndMinutes(f.from, zone)} ${zoneName(zone)}`
    : `of ${f.partial ? 'at least ' : ''}${plural(f.total, 'event')}${f.partial ? ': the time ran out' : ''}`
  const rest = f.distinct - f.patterns.length
  return `${plural(f.distinct, 'pattern')} ${of}${rest > 0 ? `; ${count(rest)} more patterns with ${plural(f.others, 'event')} are not here` : ''}`
}

const columnsOf = (total: number, zone: Zone): Column<Pattern>[] => [
  { id: 'count', title: 'Events', width: '72px', number: true, cell: (p) => count(p.count) },
  { id: 'share', title: 'Share', width: '56px', number: true, cell: (p) => <span class="mut">{share(p.count, total)}</span> },
  { id: 'first', title: `First ${zoneName(zone)}`, width: '72px', cell: (p) => <Seen of={p.first} zone={zone} /> },
  { id: 'last', title: 'Last', width: '72px', cell: (p) => <Seen of={p.last} zone={zone} /> },
  { id: 'rule', title: 'Rule', width: '84px', cell: (p) => <button class="link" disabled={p.query === ''} title={p.query === '' ? 'No search can ask for it' : ''} onClick={(e) => (e.stopPropagation(), go(pathOf(['rules', 'new'], { query: p.query })))}>Make a rule</button> },
  { id: 'pattern', title: 'Pattern', width: 'minmax(160px,1fr)', cell: (p) => <PatternText of={p} /> },
]

const share = (n: number, total: number): string => (total === 0 ? '' : n / total < 0.001 ? '< 0.1 %' : `${(100 * n / total).toFixed(1)} %`)

/** Seen is an event of a pattern: a press shows it. */
function Seen({ of: e, zone }: { of: Example; zone: Zone }) {
  return <button class="mono mut" title={`${wholeTime(e.at, zone)}: ${oneLine(e.message, 500)}`} onClick={(click) => (click.stopPropagation(), change({ event: e.id }))}>{clock(e.at, zone)}</button>
}

/** PatternText is a pattern; what is named in it is set apart. A press asks for its events. */
function PatternText({ of: p }: { of: Pattern }) {
  if (p.pattern === '') return <button class="mut" onClick={(e) => (e.stopPropagation(), ask(p))}>no message</button>
  return (
    <button class="mono cut" disabled={p.query === ''} title={p.query === '' ? 'No search can ask for it' : oneLine(p.last.message, 500)} onClick={(e) => (e.stopPropagation(), ask(p))}>
      {oneLine(p.pattern, 600).split(/(<(?:number|hex|uuid|ip|quoted|control)>)/).map((part, i) => (i % 2 === 0 ? part : <span key={i} class="mut">{part}</span>))}
    </button>
  )
}
