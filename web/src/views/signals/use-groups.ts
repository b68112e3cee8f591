import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { countFacets, type FacetValue } from '../../api/facets'
import { searchSignals, severities, type Filter, type Severity, type Signal } from '../../api/signals'
import { useAsk } from '../../state/ask'
import { both, term } from '../../state/text'
import { fold } from './filter'
import { useHidden, type List } from './use-list'

/** Group is a value that signals have in common, and those of them that were asked for. */
export interface Group extends FacetValue {
  /** What finds them. */
  query: string
  isOpen: boolean
  rows: Signal[]
  asking: boolean
  error: Error | undefined
}

export interface Groups extends List {
  groups: Group[]
  /** How many groups there are, of which these are the largest. */
  distinct: number
  toggle(value: string): void
}

interface Held {
  rows: Signal[]
  asking: boolean
  error: Error | undefined
}

const mostGroups = 100
const mostRows = 100

/** useGroups counts the signals of a filter by a field, and reads those of the groups that are open. */
export function useGroups(filter: Filter | undefined, sort: string, field: string, unfolded: string[]): Groups {
  const key = filter && field !== '' ? JSON.stringify([filter, field]) : null
  const counted = useAsk(key, (stop) => countFacets(filter ?? { query: '*', from: '', to: '' }, [field], mostGroups, stop))
  const open = useMemo<ReadonlySet<string>>(() => new Set(field === '' ? [] : unfolded), [field, unfolded.join('\u0000')])
  const [held, setHeld] = useState<ReadonlyMap<string, Held>>(new Map())
  const since = useRef(0)
  const hidden = useHidden(key)
  const facet = counted.value?.facets[0]
  const queryOf = (value: string) => both(filter?.query ?? '*', term(field, value))
  useEffect(() => void (counted.asking && (since.current = Date.now())), [counted.asking])
  useEffect(() => setHeld(new Map()), [key]) // rows of another question are not those of its groups
  // What is open is asked for again with the counts, and in another order.
  useEffect(() => {
    const stop = new AbortController()
    if (counted.at > 0) for (const value of open) read(value, stop.signal)
    return () => stop.abort()
  }, [open, sort, counted.at])

  function read(value: string, stop: AbortSignal): void {
    if (!filter) return
    const put = (h: (old: Held | undefined) => Held) => !stop.aborted && setHeld((all) => new Map(all).set(value, h(all.get(value))))
    put((old) => ({ rows: old?.rows ?? [], asking: true, error: undefined }))
    searchSignals({ ...filter, query: queryOf(value) }, sort, undefined, mostRows, stop).then(
      (page) => put(() => ({ rows: page.signals, asking: false, error: undefined })),
      (error: Error) => put((old) => ({ rows: old?.rows ?? [], asking: false, error })),
    )
  }

  const groups = useMemo(() => inOrder(facet?.values ?? [], field).filter((v) => v.value !== '').map((v): Group => {
    const h = held.get(v.value)
    return { ...v, query: queryOf(v.value), isOpen: open.has(v.value), rows: hidden.less(h?.rows ?? []), asking: h?.asking ?? true, error: h?.error }
  }), [facet, open, held, hidden.ids])
  const rows = useMemo(() => joinedOnce(groups.filter((g) => g.isOpen).flatMap((g) => g.rows)), [groups])
  return {
    groups, rows, distinct: facet?.distinct ?? 0, asking: counted.asking && key !== null, error: counted.error, cancelled: false, old: false, at: counted.at, since: since.current,
    toggle: (value) => fold(value, unfolded),
    next: () => undefined, again: counted.again, cancel: counted.cancel, goOn: counted.again, running: counted.running,
    put: (change) => setHeld((all) => new Map([...all].map(([v, h]) => [v, { ...h, rows: h.rows.map(change) }]))),
    hide: hidden.hide, unhide: hidden.unhide,
  }
}

/** inOrder are the values of a field as groups stand: the largest first, of severities the worst. */
const inOrder = (values: FacetValue[], field: string): FacetValue[] =>
  field === 'severity' ? [...values].sort((a, b) => severities.indexOf(a.value as Severity) - severities.indexOf(b.value as Severity)) : values

/** joinedOnce has a signal once, which is in several groups where it is about several values. */
function joinedOnce(rows: Signal[]): Signal[] {
  const seen = new Set<string>()
  return rows.filter((r) => !seen.has(r.id) && seen.add(r.id))
}
