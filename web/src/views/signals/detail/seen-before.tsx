import { countFacets, type FacetValue } from '../../../api/facets'
import { searchesOfSignal } from '../../../api/events'
import type { Signal } from '../../../api/signals'
import { Problem } from '../../../parts/problem'
import { Value } from '../../../parts/value'
import { count, oneLine, plural } from '../../../state/text'

const past = 30
const few = 6

/** Usual is what a group had before: the values of a field, or why they are not known. */
export type Usual = FacetValue[] | Error

/** usualOf are the values that a signal's group had of a field in the days before it. */
export async function usualOf(signal: Signal, field: string, stop: AbortSignal): Promise<Usual> {
  try {
    const [search] = await searchesOfSignal(signal.id, stop)
    const found = await countFacets({ query: search?.query ?? '*', from: String(signal.firstSeen - past * 864e5), to: String(signal.firstSeen) }, [field], few + 1, stop, 'events')
    return found.facets[0]?.values ?? []
  } catch (e) {
    if (stop.aborted) throw e
    return e as Error
  }
}

/** SeenBefore shows new values beside those that the same group had in the days before. */
export function SeenBefore({ fields, values, usual, brief }: { fields: string[]; values: string[]; usual: Usual | undefined; brief: boolean }) {
  const [field] = fields
  const one = fields.length === 1 && field !== undefined
  const known: FacetValue[] = (usual instanceof Error || !usual ? [] : usual).filter((v) => !values.includes(v.value)).slice(0, brief ? 3 : few)
  const most = Math.max(1, ...known.map((v) => v.count))
  return (
    <div class="seen-before">
      <p class="small mut">{fields.map((f) => oneLine(f, 80)).join(', ')}: events in the {past} days before</p>
      {usual instanceof Error && <Problem error={usual} />}
      {known.map((v) => (
        <div key={v.value} class="seen-before-row">
          <span class="cut"><Value field={field ?? ''} value={v.value} /></span>
          <span class="seen-share" aria-hidden="true"><i style={{ width: `${(100 * v.count) / most}%` }} /></span>
          <span class="number">{count(v.count)}</span>
        </div>
      ))}
      {values.slice(0, 10).map((v) => (
        <div key={v} class="seen-before-row new">
          <span class="cut">{one ? <Value field={field} value={v} /> : oneLine(v)}</span>
          <span class="seen-share" aria-hidden="true" />
          <span class="number critical">never before</span>
        </div>
      ))}
      {usual && !(usual instanceof Error) && known.length === 0 && <p class="small mut">None of the group’s events of {plural(past, 'day')} had another value.</p>}
      {values.length > 10 && <p class="small mut">and {count(values.length - 10)} more new values</p>}
    </div>
  )
}
