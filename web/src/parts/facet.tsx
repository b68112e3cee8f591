import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { count, oneLine } from '../state/text'
import { openValue } from '../state/values'
import type { FacetValue } from '../api/facets'
import { HowFar, type Counting } from './counting'

interface FacetProps {
  title: string
  /** As a search of signals or events names it, so that each value has its menu; absent: they have none. */
  field?: string
  values: FacetValue[] | undefined
  distinct: number
  chosen: string[]
  onToggle: (value: string) => void
  show?: (v: FacetValue) => ComponentChildren
  /** Few are shown at first. */
  few?: number
  partial: boolean
  /** How many values are expected. */
  bones?: number
  /** How far its counts are; absent: they are all there. */
  counting?: Counting
}

/** Facet is a field's values, how many have each, and which of them are asked for. */
export function Facet({ title, field, values, distinct, chosen, onToggle, show, few = 6, partial, bones = 3, counting }: FacetProps) {
  const [all, setAll] = useState(false)
  const known = withChosen(values ?? [], chosen)
  const seen = all ? known : known.slice(0, few)
  const rest = Math.max(distinct, known.length) - seen.length
  if (values !== undefined && known.length === 0) return null
  return (
    <section class={'facet' + (counting?.waiting ? ' waiting' : '')} aria-label={title} aria-busy={counting?.waiting}>
      <div class="facet-head"><h2 class="cut">{title}</h2>{counting && <HowFar of={counting} />}</div>
      {values === undefined
        ? Array.from({ length: bones }, (_, i) => <div key={i} class="facet-value"><i class="bone" /></div>)
        : seen.map((v) => (
            <div key={v.value} class="facet-place" data-field={field} data-value={v.value}>
              <button class="facet-value" aria-pressed={chosen.includes(v.value)} onClick={() => onToggle(v.value)} title={oneLine(v.label || v.value)}>
                <span class="cut">{show ? show(v) : oneLine(v.label || v.value)}</span>
                <span class="mut small">{count(v.count)}{partial && '+'}</span>
              </button>
              {field !== undefined && <More field={field} value={v.value} />}
            </div>
          ))}
      {!all && rest > 0 && known.length > seen.length && <button class="facet-more" onClick={() => setAll(true)}>{count(rest)} more</button>}
      {all && distinct > known.length && <p class="facet-more">{count(distinct - known.length)} more, which the query finds</p>}
    </section>
  )
}

/** More opens what else can be done with a value of a facet. */
function More({ field, value }: { field: string; value: string }) {
  return (
    <button
      class="facet-menu mut" aria-haspopup="menu" aria-label={`More about ${oneLine(value, 80)}`}
      onClick={(e) => {
        const r = e.currentTarget.getBoundingClientRect()
        openValue({ field, value, at: { x: r.left, y: r.bottom + 2 }, from: e.currentTarget })
      }}
    >⋯</button>
  )
}

/** withChosen has those that are asked for, even where none has them. */
function withChosen(values: FacetValue[], chosen: string[]): FacetValue[] {
  return [...values, ...chosen.filter((c) => !values.some((v) => v.value === c)).map((value) => ({ value, count: 0, label: '' }))]
}
