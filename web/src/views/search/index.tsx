import { useSQL } from './use-sql'
import { EventList } from './list'
import { useSearchState } from './filter'
import '../../parts/list.css'
import './search.css'

/** Search finds events by a query, or asks them by SQL. */
export default function Search() {
  const { form } = useSearchState()
  const SQL = useSQL(form === 'sql')
  if (form === 'sql') return SQL ? <SQL /> : null
  return <EventList />
}
