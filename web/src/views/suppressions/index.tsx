import type { ViewProps } from '../../views'
import '../../parts/keep.css'
import { SuppressionList } from './list'
import { NewSuppression, SuppressionPage } from './page'
import './suppressions.css'

/** Suppressions is what is kept from people: the list, and one by itself. */
export default function Suppressions({ rest: [id] }: ViewProps) {
  if (id === 'new') return <NewSuppression />
  return id === undefined ? <SuppressionList /> : <SuppressionPage key={id} id={id} />
}
