import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { count, oneLine } from '../state/text'
import type { FacetValue } from '../api/facets'

interface FacetProps {
  title: string
  values: FacetValue[] | undefined
  distinct: number
  chosen: string[]
  onToggle: (value: string) => void
  show?: (value: string, label: string) => ComponentChildren
  /** Few are shown at first. */
  few?: number
  partial: boolean
}

/** Facet is a field's values, how many have each, and which of them are asked for. */
export function Facet({ title, values, distinct, chosen, onToggle, show, few = 6, partial }: FacetProps) {
  const [all, setAll] = useState(false)
  const known = withChosen(values ?? [], chosen)
  const seen = all ? known : known.slice(0, few)
  const rest = Math.max(distinct, known.length) - seen.length
  if (values !== undefined && known.length === 0) return null
  return (
    <section class="facet" aria-label={title}>
      <h2>{title}</h2>
      {values === undefined
        ? Array.from({ length: 3 }, (_, i) => <div key={i} class="facet-value"><i class="bone" /></div>)
        : seen.map((v) => (
            <button key={v.value} class="facet-value" aria-pressed={chosen.includes(v.value)} onClick={() => onToggle(v.value)} title={oneLine(v.label || v.value)}>
              <span class="cut">{show ? show(v.value, v.label) : oneLine(v.label || v.value)}</span>
              <span class="mut small">{count(v.count)}{partial && '+'}</span>
            </button>
          ))}
      {!all && rest > 0 && known.length > seen.length && <button class="facet-more" onClick={() => setAll(true)}>{count(rest)} more</button>}
      {all && distinct > known.length && <p class="facet-more">{count(distinct - known.length)} more, which the query finds</p>}
    </section>
  )
}

/** withChosen has those that are asked for, even where none has them. */
function withChosen(values: FacetValue[], chosen: string[]): FacetValue[] {
  return [...values, ...chosen.filter((c) => !values.some((v) => v.value === c)).map((value) => ({ value, count: 0, label: '' }))]
}
