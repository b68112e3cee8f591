import type { Clause, Explanation } from '../api/explain'
import { clockMillis, duration, useZone } from '../state/time'
import { count, oneLine } from '../state/text'

/** ExplainTree is a rule's conditions: what each came to, and what of the query an event matches. */
export function ExplainTree({ why, window, brief }: { why: Explanation; window: number; brief: boolean }) {
  const zone = useZone()
  const within = window > 0 ? `in ${duration(window)}` : ''
  return (
    <div class={'tree' + (brief ? ' brief' : '')} role="table" aria-label="Conditions">
      {!brief && <div role="row" class="tree-row tree-head"><span role="columnheader"><span class="unseen">Holds</span></span><span role="columnheader">Condition</span><span role="columnheader">Window</span><span role="columnheader" class="number">Came to</span><span role="columnheader" class="number">Reached</span></div>}
      {why.steps.map((s, i) => (
        <Row key={'s' + i} holds={s.holds} text={`${s.name} ${s.condition}`} within="" came="" reached={s.reached === undefined ? 'not reached' : clockMillis(s.reached, zone)} />
      ))}
      {why.cases.filter((c) => !brief || c.holds).map((c, i) => (
        <>
          <Row key={'c' + i} holds={c.holds} text={[c.name === '' ? '' : c.name + ':', c.condition].join(' ').trim()} within={within} came={c.comparisons.length === 1 ? count(c.comparisons[0]?.value ?? 0) : ''} reached={c.severity} />
          {c.comparisons.length > 1 && c.comparisons.map((x, k) => (
            <Row key={`c${i} ${k}`} holds={x.holds} rails={k === c.comparisons.length - 1 ? '└ ' : '├ '} text={`${x.query} ${x.operator} ${x.number}`} within="" came={count(x.value)} reached="" />
          ))}
        </>
      ))}
      {!brief && why.queries.map((q, i) => (
        <>
          <Row key={'q' + i} holds={q.matches} text={`an event of ${q.name || 'the query'}`} within="" came="" reached="" />
          {q.clauses.map((c, k) => <Part key={`q${i} ${k}`} clause={c} rails="" isLast={k === q.clauses.length - 1} />)}
        </>
      ))}
    </div>
  )
}

function Part({ clause, rails, isLast }: { clause: Clause; rails: string; isLast: boolean }) {
  return (
    <>
      <Row holds={clause.matches} rails={rails + (isLast ? '└ ' : '├ ')} text={clause.text} within="" came="" reached="" />
      {clause.clauses.map((c, i) => <Part key={i} clause={c} rails={rails + (isLast ? '  ' : '│ ')} isLast={i === clause.clauses.length - 1} />)}
    </>
  )
}

function Row({ holds, rails = '', text, within, came, reached }: { holds: boolean; rails?: string; text: string; within: string; came: string; reached: string }) {
  return (
    <div role="row" class={'tree-row' + (holds ? '' : ' not')}>
      <span role="cell" class={holds ? 'good' : 'mut'}><span aria-hidden="true">{holds ? '✓' : '–'}</span><span class="unseen">{holds ? 'holds' : 'does not hold'}</span></span>
      <span role="cell" class="cut" title={oneLine(text, 1000)}><span class="rails" aria-hidden="true">{rails}</span>{oneLine(text)}</span>
      <span role="cell" class="mut">{within}</span>
      <span role="cell" class="number hi">{came}</span>
      <span role="cell" class="number mut">{reached}</span>
    </div>
  )
}
