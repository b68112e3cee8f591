import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { searchBySeverity, searchSignals, type Filter, type Signal } from '../../api/signals'

export interface List {
  rows: Signal[]
  asking: boolean
  error: Error | undefined
  /** When the first page came, in milliseconds since 1970; 0: it has not. */
  at: number
  /** When it was asked for: what is first seen later, the list may lack. */
  since: number
  /** There are further rows. */
  more: boolean
  next(): void
  again(): void
  cancel(): void
  /** put changes rows that are shown. */
  put(change: (s: Signal) => Signal): void
  /** hide takes rows out of sight, and unhide brings those back that are open again. */
  hide(ids: ReadonlySet<string>): void
  unhide(now: Signal[]): void
}

interface Held {
  key: string
  rows: Signal[]
  cursor: string | undefined
  asking: boolean
  error: Error | undefined
  at: number
  since: number
}

/** As the address says it: the worst first. */
export const bySeverity = '-severity'

const pageSize = 100

/** useList reads the signals of a filter, if there is one, page by page, as they come near the screen. */
export function useList(filter: Filter | undefined, sort: string): List {
  const key = JSON.stringify([filter, sort])
  const [held, setHeld] = useState<Held>({ key: '', rows: [], cursor: undefined, asking: true, error: undefined, at: 0, since: 0 })
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set())
  const running = useRef<AbortController | undefined>(undefined)

  const ask = useCallback((cursor: string | undefined) => {
    if (!filter) return
    running.current?.abort()
    const stop = new AbortController()
    const began = Date.now()
    running.current = stop
    setHeld((h) => ({ ...h, asking: true }))
    // While the first page comes, what is there of it is shown, where nothing else is.
    const part = (signals: Signal[]) => !stop.signal.aborted && cursor === undefined && setHeld((h) => (h.key === key && h.at > 0 ? h : { ...h, rows: signals }))
    const page = sort === bySeverity ? searchBySeverity(filter, cursor, pageSize, stop.signal, part) : searchSignals(filter, sort, cursor, pageSize, stop.signal)
    page.then(
      (page) => {
        if (stop.signal.aborted) return
        setHeld((h) => ({
          key, rows: cursor === undefined ? page.signals : joined(h.rows, page.signals), cursor: page.next, asking: false, error: undefined,
          at: cursor === undefined ? Date.now() : h.at, since: cursor === undefined ? began : h.since,
        }))
      },
      (error: Error) => {
        if (!stop.signal.aborted) setHeld((h) => ({ ...h, asking: false, error }))
      },
    )
  }, [key])

  useEffect(() => {
    setHidden(new Set())
    ask(undefined)
    return () => running.current?.abort()
  }, [key])

  const rows = useMemo(() => (hidden.size === 0 ? held.rows : held.rows.filter((r) => !hidden.has(r.id))), [held.rows, hidden])
  return {
    rows, asking: held.asking && filter !== undefined, error: held.error, at: held.at, since: held.since, more: held.cursor !== undefined,
    next: () => {
      if (!held.asking && held.cursor !== undefined && held.error === undefined && held.key === key) ask(held.cursor)
    },
    again: () => ask(undefined),
    cancel: () => {
      running.current?.abort()
      setHeld((h) => ({ ...h, asking: false }))
    },
    put: (change) => setHeld((h) => ({ ...h, rows: h.rows.map(change) })),
    hide: (ids) => setHidden((old) => new Set([...old, ...ids])),
    unhide: (now) => setHidden((old) => new Set([...old].filter((id) => !now.some((s) => s.id === id && s.state !== 'archived')))),
  }
}

/** joined is rows and those of the next page; what moved between the two is there once. */
function joined(rows: Signal[], more: Signal[]): Signal[] {
  const seen = new Set(rows.map((r) => r.id))
  return [...rows, ...more.filter((r) => !seen.has(r.id))]
}
