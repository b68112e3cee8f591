import type { ViewProps } from '../../views'
import { later, useLater } from '../../state/later'
import { Bundled } from './bundled'
import { RuleList } from './list'
import { NewRule, RulePage } from './page'
import './rules.css'
import './rule.css'

const matrices = later(() => import('../coverage'))

/** Rules is what the engine looks for: the list by state, and a rule by itself. */
export default function Rules({ rest }: ViewProps) {
  if (rest[0] === 'new') return <NewRule />
  if (rest[0] === 'bundled') return <Bundled />
  if (rest[0] === 'coverage') return <LoadedCoverage />
  if (rest[0] !== undefined) return <RulePage key={rest[0]} id={rest[0]} />
  return <RuleList />
}

/** LoadedCoverage is the matrix, which is loaded when somebody opens it. */
function LoadedCoverage() {
  const matrix = useLater(matrices, true)
  return matrix ? <matrix.Coverage /> : null
}
