import type { Known, Place } from '../../api/entity'
import type { Facet } from '../../api/facets'
import { PlaceMap } from '../../parts/place-map'
import { Value } from '../../parts/value'
import { listsPath, tablePath } from '../../state/address'
import { count, oneLine } from '../../state/text'

const titles: Record<string, string> = { source: 'Sources', service: 'Services', host: 'Hosts', status: 'Status', '@usr.id': 'Users', '@network.client.ip': 'Addresses' }

/** Beside says where an entity is, which lists and tables have it, and what it was seen with. */
export function Beside({ known, value }: { known: Known; value: string }) {
  const seen = known.events.facets.filter((f) => f.values.length > 0)
  return (
    <>
      {known.place && <Where place={known.place} />}
      <section class="aside-part" aria-label="Listed in">
        <h2>Listed in</h2>
        {known.lists.length + known.tables.length === 0 && <p class="mut small listed">No threat list and no reference table has it.</p>}
        {known.lists.length > 0 && <p class="listed critical">{known.lists.map((l, i) => <>{i > 0 && ', '}<a class="critical" href={listsPath(value)}>{oneLine(l, 120)}</a></>)} <span class="mut small">{known.lists.length === 1 ? 'threat list' : 'threat lists'}</span></p>}
        {known.tables.length > 0 && <p class="listed">{known.tables.map((t, i) => <>{i > 0 && ', '}<a class="link" href={tablePath(t.id, value)}>{oneLine(t.name, 120)}</a></>)} <span class="mut small">{known.tables.length === 1 ? 'reference table' : 'reference tables'}</span></p>}
      </section>
      {seen.length > 0 && <section class="aside-part" aria-label="Seen with"><h2>Seen with</h2>{seen.map((f) => <SeenWith key={f.facet} facet={f} />)}</section>}
    </>
  )
}

function Where({ place }: { place: Place }) {
  return (
    <section class="aside-part" aria-label="Where">
      <h2>Where</h2>
      {place.at && <PlaceMap latitude={place.at.latitude} longitude={place.at.longitude} name={[place.city, place.country].filter((t) => t !== '').join(', ')} />}
      <dl class="facts narrow">
        {place.city + place.country !== '' && <div><dt>Place</dt><dd class="hi">{oneLine([place.city, place.country].filter((t) => t !== '').join(', '))}</dd></div>}
        {place.network !== '' && <div><dt>Network</dt><dd class="hi">{oneLine(place.network)}</dd></div>}
      </dl>
      <p class="small mut credit">{place.credits.length > 0 ? place.credits.map((c) => oneLine(c, 200)).join('. ') : 'As its events say.'}</p>
    </section>
  )
}

const few = 6

function SeenWith({ facet }: { facet: Facet }) {
  const shown = facet.values.slice(0, few)
  const most = Math.max(...facet.values.map((v) => v.count))
  return (
    <div class="seen-with">
      <h3 class="small mut">{titles[facet.facet] ?? facet.facet}{facet.distinct > shown.length && ` · ${count(shown.length)} of ${count(facet.distinct)}`}</h3>
      {shown.map((v) => (
        <div key={v.value} class="seen-value">
          <span class="cut"><Value field={facet.facet} value={v.value} /></span>
          <span class="seen-share" aria-hidden="true"><i style={{ width: `${(100 * v.count) / most}%` }} /></span>
          <span class="mut small number">{count(v.count)}</span>
        </div>
      ))}
    </div>
  )
}
