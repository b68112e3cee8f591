import type { ViewProps } from '../../views'
import { fieldOfKind } from '../../api/entity'
import { useAddress } from '../../state/address'
import { EntityPage } from './page'
import '../../parts/list.css'
import '../../parts/story.css'
import './entity.css'

/** EntityView is what is known of a value: /entity/FIELD/VALUE, or /entity/FIELD?value=VALUE for what no path can hold. */
export default function EntityView({ rest }: ViewProps) {
  const { query } = useAddress()
  const field = fieldOfKind(rest[0] ?? '')
  const value = rest.length > 1 ? rest.slice(1).join('/') : (query.get('value') ?? '')
  if (field === '' || value === '') return <Nobody />
  return <EntityPage key={field + '\u0000' + value} entity={{ field, value }} />
}

function Nobody() {
  return (
    <main class="empty">
      <h1>About whom?</h1>
      <p>Press a value anywhere, such as an address or a user, and choose <b>All about it</b>. <a class="link" href="/signals">Go to the signals</a></p>
    </main>
  )
}
