import { countFacets, type FacetValue } from '../../../api/facets'
import { searchesOfSignal } from '../../../api/events'
import type { Signal } from '../../../api/signals'
import { Problem } from '../../../parts/problem'
import { Value } from '../../../parts/value'
import { useAsk } from '../../../state/ask'
import { count, oneLine, plural } from '../../../state/text'

const past = 30
const few = 6

/** SeenBefore shows new values beside those that the same group had in the days before. */
export function SeenBefore({ signal, fields, values, brief }: { signal: Signal; fields: string[]; values: string[]; brief: boolean }) {
  const [field] = fields
  const one = fields.length === 1 && field !== undefined
  const usual = useAsk(one ? `usual ${signal.id} ${field}` : null, async (stop) => {
    const [search] = await searchesOfSignal(signal.id, stop)
    const found = await countFacets({ query: search?.query ?? '*', from: String(signal.firstSeen - past * 864e5), to: String(signal.firstSeen) }, [field ?? ''], few + 1, stop, 'events')
    return found.facets[0]
  })
  const known: FacetValue[] = (usual.value?.values ?? []).filter((v) => !values.includes(v.value)).slice(0, brief ? 3 : few)
  const most = Math.max(1, ...known.map((v) => v.count))
  return (
    <div class="seen-before">
      <p class="small mut">{fields.map((f) => oneLine(f, 80)).join(', ')}: events in the {past} days before</p>
      {usual.error && <Problem error={usual.error} again={usual.again} />}
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
      {usual.value && known.length === 0 && <p class="small mut">None of the group’s events of {plural(past, 'day')} had another value.</p>}
      {values.length > 10 && <p class="small mut">and {count(values.length - 10)} more new values</p>}
    </div>
  )
}
