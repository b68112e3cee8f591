import { useEffect, useState } from 'preact/hooks'
import type { ComponentType } from 'preact'
import type { ViewProps } from '../../views'
import { Problem } from '../../parts/problem'
import { Bundled } from './bundled'
import { RuleList } from './list'
import { NewRule, RulePage } from './page'
import './rules.css'
import './rule.css'

/** Rules is what the engine looks for: the list by state, and a rule by itself. */
export default function Rules({ rest }: ViewProps) {
  if (rest[0] === 'new') return <NewRule />
  if (rest[0] === 'bundled') return <Bundled />
  if (rest[0] === 'coverage') return <LoadedCoverage />
  if (rest[0] !== undefined) return <RulePage key={rest[0]} id={rest[0]} />
  return <RuleList />
}

let Coverage: ComponentType | undefined

/** LoadedCoverage is the matrix, which is loaded when somebody opens it. */
function LoadedCoverage() {
  const [, redraw] = useState({})
  const [error, setError] = useState<Error>()
  useEffect(() => {
    if (!Coverage) import('../coverage').then((m) => ((Coverage = m.Coverage), redraw({})), setError)
  }, [])
  if (error) return <Problem error={new Error('The matrix could not be loaded.')} again={() => location.reload()} />
  return Coverage ? <Coverage /> : null
}
