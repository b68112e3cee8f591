import { useState } from 'preact/hooks'
import type { Filter } from '../../../api/signals'
import { Clauses, useClauses } from '../../../parts/clauses'
import { Late } from '../../../parts/asking'
import { pathOf, useAddress } from '../../../state/address'
import { useSettled } from '../../../state/settled'
import { both, count, plural } from '../../../state/text'
import { rangeName, type Range } from '../../../state/time'
import { useForm } from './context'
import { textAt, textsAt, valueAt } from './place'

/** Reads says how many events a query of the rule finds in the time of the preview, and which clause leaves nothing. */
export function Reads({ at }: { at: string }) {
  const { rule, faultsAt } = useForm()
  const { query } = useAddress()
  const [each, setEach] = useState(false)
  const range: Range = query.has('from') ? { from: query.get('from') ?? '', to: query.get('to') ?? '' } : { from: 'now-24h', to: '' }
  const [own, more] = [textAt(rule, at + '.query'), textAt(rule, at + '.customQueryExtension').trim()]
  const text = more === '' ? own : both(own, more)
  const fields = valueAt(rule, at + '.hasOptionalGroupByFields') === true ? [] : textsAt(rule, at + '.groupByFields')
  const key = JSON.stringify([text, fields])
  const settled = useSettled(key, 700)
  const readable = settled === key && !['', '*'].includes(text.trim()) && faultsAt(at + '.query').length === 0
  const filter: Filter = { query: text, ...range }
  const asked = useClauses(readable ? filter : undefined, fields)
  const c = asked.value
  if (!readable && !c) return null
  if (asked.error) return <p class="small mut rule-note">Not counted: {asked.error.message}</p>
  if (!c) return <p class="small rule-note"><Late of={asked} what="events" /></p>
  const nothing = c.total === 0
  return (
    <div class={'rule-reads small' + (readable && !asked.old ? '' : ' old')}>
      <p class={nothing ? 'medium' : 'mut'}>
        Reads {c.partial && 'at least '}{count(c.total)} of {plural(c.events, 'event')} of {range.from === '' ? 'all time' : rangeName(range).replace(/^Last/, 'the last')}.{' '}
        {!nothing && <><a class="link" href={pathOf(['search'], { query: filter.query, from: range.from === '' ? 'all' : range.from, to: range.to })}>See them</a>{' '}</>}
        {!nothing && c.clauses.length > 1 && <button type="button" class="link" aria-expanded={each} onClick={() => setEach(!each)}>Each clause</button>}
      </p>
      {(each || nothing) && c.clauses.length > 0 && <Clauses of={asked} />}
    </div>
  )
}
