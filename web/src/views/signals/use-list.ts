import { useEffect, useMemo, useState } from 'preact/hooks'
import { searchBySeverity, searchSignals, type Filter, type Signal } from '../../api/signals'
import { usePages, type Pages } from '../../state/pages'

export interface List extends Omit<Pages<Signal>, 'put'> {
  /** put changes rows that are shown. */
  put(change: (s: Signal) => Signal): void
  /** hide takes rows out of sight, and unhide brings those back that are open again. */
  hide(ids: ReadonlySet<string>): void
  unhide(now: Signal[]): void
}

/** As the address says it: the worst first. */
export const bySeverity = '-severity'

const pageSize = 100

/** useList reads the signals of a filter, if there is one. */
export function useList(filter: Filter | undefined, sort: string): List {
  const key = filter ? JSON.stringify([filter, sort]) : null
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const pages = usePages<Signal>(key, async (cursor, stop, soFar) => {
    const asked = filter ?? { query: '*', from: '', to: '' }
    const page = await (sort === bySeverity ? searchBySeverity(asked, cursor, pageSize, stop, soFar) : searchSignals(asked, sort, cursor, pageSize, stop))
    return { rows: page.signals, next: page.next }
  })
  useEffect(() => setHidden(new Set()), [key])
  const rows = useMemo(() => (hidden.size === 0 ? pages.rows : pages.rows.filter((r) => !hidden.has(r.id))), [pages.rows, hidden])
  return {
    ...pages, rows,
    put: (change) => pages.put((all) => all.map(change)),
    hide: (ids) => setHidden((old) => new Set([...old, ...ids])),
    unhide: (now) => setHidden((old) => new Set([...old].filter((id) => !now.some((s) => s.id === id && s.state !== 'archived')))),
  }
}
