import type { Filter } from '../../api/signals'
import { Clauses, useClauses } from '../../parts/clauses'
import { askFor } from './filter'

/** EachClause is how many events each clause of the query has, between the bar and the rows. */
export function EachClause({ filter }: { filter: Filter }) {
  const asked = useClauses(filter)
  const without = (i: number) => {
    const c = asked.value
    if (c) askFor(c.clauses.filter((_, k) => k !== i).map((x) => x.text).join(c.alternatives ? ' OR ' : ' '))
  }
  return <section class="clauses-strip" aria-label="Each clause" tabIndex={0}><Clauses of={asked} onWithout={asked.old || asked.value?.leftOut ? undefined : without} /></section>
}
