// What counts over time tell, so that it need not be asked: how many there are, and how many
// of each severity and state.
import type { Facet, Histogram } from '../../api/facets'
import { split, valuesOf } from '../../state/query'

export const stateField = '@nightjar.state'

/** statesIn are the states that a list shows, where its query says them in one plain term; empty: all; undefined: it says more than that. */
function statesIn(query: string): string[] | undefined {
  const said = (split(query) ?? []).filter((t) => t.startsWith(stateField + ':') || t.startsWith('-' + stateField + ':'))
  const states = valuesOf(query, stateField)
  // Of archived ones a search that asks for them finds those, too, that the engine withdrew.
  return said.length <= 1 && said.length === Math.min(1, states.length) && states.every((s) => s === 'open' || s === 'under_review') ? states : undefined
}

/** shownBy adds up the counts of what a list shows, by a field; all are counts of its query in any state. */
function shownBy(field: string, query: string, all: Histogram): Map<string, number> | undefined {
  const states = statesIn(query)
  if (!states) return undefined
  const by = new Map<string, number>()
  for (const s of all.series) {
    if (states.length > 0 && !states.includes(s.by['state'] ?? '')) continue
    const value = s.by[field] ?? ''
    by.set(value, (by.get(value) ?? 0) + s.counts.reduce((n, c) => n + c, 0))
  }
  return by
}

/** totalOf is how many a list has; undefined: it has to be asked. */
export function totalOf(query: string, all: Histogram): number | undefined {
  const by = shownBy('state', query, all)
  return by && [...by.values()].reduce((n, c) => n + c, 0)
}

/** facetOf is how many there are of each severity, or in each state whatever state the list is in; undefined: it has to be asked. */
export function facetOf(field: string, query: string, all: Histogram): Facet | undefined {
  const by = field === stateField ? shownBy('state', '*', all) : field === 'severity' && valuesOf(query, field).length === 0 ? shownBy(field, query, all) : undefined
  if (!by) return undefined
  const values = [...by].filter(([value]) => value !== '').map(([value, count]) => ({ value, count, label: '' }))
  return { facet: field, values, distinct: values.length, lacking: by.get('') ?? 0 }
}
