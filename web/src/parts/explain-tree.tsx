import type { ComponentChildren } from 'preact'
import type { CaseExplained, Clause, Comparison, Explanation, StepExplained } from '../api/explain'
import { clockMillis, duration, useZone } from '../state/time'
import { amount, oneLine } from '../state/text'

/** ExplainTree is a rule's conditions: what each came to, and what of the query an event matches. */
export function ExplainTree({ why, at, window, brief }: { why: Explanation; at: number; window: number; brief: boolean }) {
  const named = new Set<string>()
  const lines = why.steps.length > 0 ? stepLines(why, named) : why.cases.filter((c) => !brief || c.holds).flatMap((c) => caseLines(why, c, at, window, named))
  const rest = why.queries.filter((q) => !named.has(q.name)).flatMap((q) => queryLines(q.name, why, ''))
  const shown = brief ? lines.filter((l) => !l.clause && !l.whole) : [...lines, ...rest]
  return (
    <div class={'tree' + (brief ? ' brief' : '')} role="table" aria-label="Conditions">
      {!brief && <div role="row" class="tree-row tree-head"><span role="columnheader"><span class="unseen">Holds</span></span><span role="columnheader">Condition</span><span role="columnheader">Window</span><span role="columnheader" class="number">Came to</span><span role="columnheader" class="number">Reached</span></div>}
      {shown.map((l, i) => <Row key={i} line={l} brief={brief} />)}
    </div>
  )
}

interface TreeLine {
  holds: boolean
  rails: string
  text: ComponentChildren
  title: string
  within: string
  came: string
  reached: number | undefined
  /** A part of a search; and the line that stands for all steps. */
  clause?: boolean
  whole?: boolean
}

const sign = (operator: string): string => ({ '>=': '≥', '<=': '≤', '!=': '≠', '==': '=' })[operator] ?? operator
const compared = (c: Comparison): string => `${c.query} ${sign(c.operator)} ${amount(c.number)}`
const inWindow = (ms: number): string => (ms > 0 ? `in ${duration(ms)}` : '')
const signs = (text: string): string => text.replace(/>=|<=|!=|==/g, sign)

/** stepLines are the whole sequence, and under it its steps with what each of their queries asks. */
function stepLines(why: Explanation, named: Set<string>): TreeLine[] {
  const complete = why.cases.some((c) => c.holds)
  const times = why.steps.flatMap((s) => (s.reached === undefined ? [] : [s.reached]))
  const all: TreeLine = {
    holds: complete, rails: '', whole: true, title: 'the sequence', text: <>sequence {complete ? 'complete' : 'not complete'}: {why.steps.map((s, i) => <>{i > 0 && ', then '}<b class="hi">{oneLine(s.name, 60)}</b></>)}</>,
    within: '', came: complete && times.length > 1 ? duration(Math.max(...times) - Math.min(...times)) : '', reached: undefined,
  }
  return [all, ...why.steps.flatMap((s, i) => oneStep(why, s, i === why.steps.length - 1, named))]
}

function oneStep(why: Explanation, s: StepExplained, isLast: boolean, named: Set<string>): TreeLine[] {
  const [first] = s.comparisons
  const below = isLast ? '  ' : '│ '
  const line: TreeLine = {
    holds: s.reached !== undefined, rails: isLast ? '└ ' : '├ ', title: `${s.name} ${s.condition}`, text: <><b class="hi">{oneLine(s.name, 60)}</b> {signs(oneLine(s.condition))}</>,
    within: [inWindow(s.window), s.within > 0 ? `≤ ${duration(s.within)} on` : ''].filter((t) => t !== '').join(', '), came: s.comparisons.length === 1 && first ? amount(first.most) : '', reached: s.reached,
  }
  const parts = s.comparisons.length > 1 ? s.comparisons.map((c): TreeLine => ({ holds: c.holds, rails: below + '├ ', title: compared(c), text: compared(c), within: '', came: amount(c.most), reached: undefined })) : []
  return [line, ...parts, ...s.comparisons.flatMap((c) => once(c.query, named, () => queryLines(c.query, why, below)))]
}

function caseLines(why: Explanation, c: CaseExplained, at: number, window: number, named: Set<string>): TreeLine[] {
  const [first] = c.comparisons
  const single = c.comparisons.length === 1 && first
  const text = [c.name === '' ? '' : c.name + ':', single ? compared(first) : signs(c.condition || impliedBy(why, c))].filter((t) => t !== '').join(' ')
  const measured = why.journey.length > 0 || why.band.length > 0
  const line: TreeLine = { holds: c.holds, rails: '', title: text, text: oneLine(text), within: measured ? (why.band.length > 0 ? `in ${duration(why.bucket)}` : '') : inWindow(window), came: single ? amount(first.value) : '', reached: c.holds ? at : undefined }
  const parts = c.comparisons.length > 1 ? c.comparisons.map((x, k): TreeLine => ({ holds: x.holds, rails: k === c.comparisons.length - 1 ? '└ ' : '├ ', title: compared(x), text: compared(x), within: '', came: amount(x.value), reached: undefined })) : []
  const asked = c.comparisons.length > 0 ? c.comparisons.map((x) => x.query) : why.queries.map((q) => q.name)
  return [line, ...parts, ...asked.flatMap((q) => once(q, named, () => queryLines(q, why, '')))]
}

/** impliedBy is what a case without a condition asks for. */
function impliedBy(why: Explanation, c: CaseExplained): string {
  if (why.journey.length > 0) return 'further and faster than anybody travels'
  if (why.valueFields.length > 0) return `a new value of ${why.valueFields.join(', ')}`
  return c.severity === '' ? 'an event' : `an event, ${c.severity}`
}

const once = (name: string, named: Set<string>, lines: () => TreeLine[]): TreeLine[] => {
  if (named.has(name)) return []
  named.add(name)
  return lines()
}

/** queryLines are the parts of a query's search, and which of them an event matches. */
function queryLines(name: string, why: Explanation, rails: string): TreeLine[] {
  const q = why.queries.find((x) => x.name === name)
  if (!q) return []
  const [only] = q.clauses
  const parts = q.clauses.length === 1 && only && only.clauses.length > 0 ? only.clauses : q.clauses
  return parts.flatMap((c, i) => clauseLines(c, rails, i === parts.length - 1))
}

function clauseLines(c: Clause, rails: string, isLast: boolean): TreeLine[] {
  const colon = c.clauses.length === 0 ? c.text.indexOf(':') : -1
  const text = colon > 0 ? <><span class="mut">{oneLine(c.text.slice(0, colon + 1))}</span>{oneLine(c.text.slice(colon + 1))}</> : oneLine(c.text)
  return [
    { holds: c.matches, rails: rails + (isLast ? '└ ' : '├ '), title: c.text, text, within: '', came: '', reached: undefined, clause: true },
    ...c.clauses.flatMap((x, i) => clauseLines(x, rails + (isLast ? '  ' : '│ '), i === c.clauses.length - 1)),
  ]
}

function Row({ line: l, brief }: { line: TreeLine; brief: boolean }) {
  const zone = useZone()
  return (
    <div role="row" class={'tree-row' + (l.holds ? '' : ' not')}>
      <span role="cell" class={l.holds ? 'good' : 'mut'}><span aria-hidden="true">{l.holds ? '✓' : '–'}</span><span class="unseen">{l.holds ? 'holds' : 'does not hold'}</span></span>
      <span role="cell" class="cut" title={oneLine(l.title, 1000)}><span class="rails" aria-hidden="true">{brief ? '' : l.rails}</span>{l.text}</span>
      <span role="cell" class="mut">{l.within}</span>
      <span role="cell" class="number hi">{l.came}</span>
      <span role="cell" class="number mut">{l.reached === undefined ? '' : clockMillis(l.reached, zone)}</span>
    </div>
  )
}

