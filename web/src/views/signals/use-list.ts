import { useEffect, useMemo, useState } from 'preact/hooks'
import { searchSignals, type Filter, type Signal } from '../../api/signals'
import { usePages, type Pages } from '../../state/pages'

export interface List extends Omit<Pages<Signal>, 'put'> {
  /** put changes rows that are shown. */
  put(change: (s: Signal) => Signal): void
  /** hide takes rows out of sight, and unhide brings those back that are open again. */
  hide(ids: ReadonlySet<string>): void
  unhide(now: Signal[]): void
}

/** pageSize is how many rows are asked for at once. */
export const pageSize = 100
// The API gives at most so many at once.
const largestPage = 1000

/** useList reads the signals of a filter, if there is one. */
export function useList(filter: Filter | undefined, sort: string): List {
  const key = filter ? JSON.stringify([filter, sort]) : null
  const hidden = useHidden(key)
  const pages = usePages<Signal>(key, async (cursor, stop, loaded) => {
    const page = await searchSignals(filter ?? { query: '*', from: '', to: '' }, sort, cursor, Math.min(largestPage, Math.max(pageSize, loaded)), stop)
    return { rows: page.signals, next: page.next }
  })
  const rows = useMemo(() => hidden.less(pages.rows), [pages.rows, hidden.ids])
  return { ...pages, rows, put: (change) => pages.put((all) => all.map(change)), hide: hidden.hide, unhide: hidden.unhide }
}

/** useHidden keeps what is out of sight, though the engine may still list it. */
export function useHidden(key: string | null) {
  const [ids, setIDs] = useState<ReadonlySet<string>>(new Set())
  useEffect(() => setIDs(new Set()), [key])
  return {
    ids,
    less: (rows: Signal[]) => (ids.size === 0 ? rows : rows.filter((r) => !ids.has(r.id))),
    hide: (more: ReadonlySet<string>) => setIDs((old) => new Set([...old, ...more])),
    unhide: (now: Signal[]) => setIDs((old) => new Set([...old].filter((id) => !now.some((s) => s.id === id && s.state !== 'archived')))),
  }
}
