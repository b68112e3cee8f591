import { later, useLater } from '../../state/later'
import { EventList } from './list'
import { useSearchState } from './filter'
import '../../parts/list.css'
import './search.css'

const statements = later(() => import('./sql'))

/** Search finds events by a query, or asks them by SQL. */
export default function Search() {
  const { form } = useSearchState()
  const sql = useLater(statements, form === 'sql')
  if (form === 'sql') return sql ? <sql.default /> : null
  return <EventList />
}
