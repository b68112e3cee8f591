import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

export interface Page<T> {
  rows: T[]
  /** Where the next page begins; undefined: this is the last. */
  next: string | undefined
}

export interface Pages<T> {
  rows: T[]
  asking: boolean
  error: Error | undefined
  /** When the first page came, in milliseconds since 1970; 0: it has not. */
  at: number
  /** When it was asked for: what arrives later, the rows may lack. */
  since: number
  next(): void
  again(): void
  cancel(): void
  /** put changes what is known of the rows. */
  put(change: (rows: T[]) => T[]): void
}

/** Read reads a page; the first one may tell what it has so far. */
export type Read<T> = (cursor: string | undefined, signal: AbortSignal, soFar: (rows: T[]) => void) => Promise<Page<T>>

interface Held<T> {
  key: string
  rows: T[]
  cursor: string | undefined
  asking: boolean
  error: Error | undefined
  at: number
  since: number
}

/** usePages reads rows page by page, as they come near the screen; a null key asks nothing. */
export function usePages<T extends { id: string }>(key: string | null, read: Read<T>): Pages<T> {
  const [held, setHeld] = useState<Held<T>>({ key: '', rows: [], cursor: undefined, asking: true, error: undefined, at: 0, since: 0 })
  const running = useRef<AbortController | undefined>(undefined)
  const question = useRef(read)
  question.current = read

  const ask = useCallback((cursor: string | undefined) => {
    if (key === null) return
    running.current?.abort()
    const stop = new AbortController()
    const began = Date.now()
    running.current = stop
    setHeld((h) => ({ ...h, asking: true }))
    // While the first page comes, what is there of it is shown, where nothing else is.
    const soFar = (rows: T[]) => !stop.signal.aborted && cursor === undefined && setHeld((h) => (h.key === key && h.at > 0 ? h : { ...h, rows }))
    question.current(cursor, stop.signal, soFar).then(
      (page) => {
        if (stop.signal.aborted) return
        setHeld((h) => ({
          key, rows: cursor === undefined ? page.rows : joined(h.rows, page.rows), cursor: page.next, asking: false, error: undefined,
          at: cursor === undefined ? Date.now() : h.at, since: cursor === undefined ? began : h.since,
        }))
      },
      (error: Error) => {
        if (!stop.signal.aborted) setHeld((h) => ({ ...h, asking: false, error }))
      },
    )
  }, [key])

  useEffect(() => {
    ask(undefined)
    return () => running.current?.abort()
  }, [key])

  return {
    rows: held.rows, asking: held.asking && key !== null, error: held.error, at: held.at, since: held.since,
    next: () => {
      if (!held.asking && held.cursor !== undefined && held.error === undefined && held.key === key) ask(held.cursor)
    },
    again: () => ask(undefined),
    cancel: () => {
      running.current?.abort()
      setHeld((h) => ({ ...h, asking: false }))
    },
    put: (change) => setHeld((h) => ({ ...h, rows: change(h.rows) })),
  }
}

/** joined is rows and those of the next page; what moved between the two is there once. */
export function joined<T extends { id: string }>(rows: T[], more: T[]): T[] {
  const seen = new Set(rows.map((r) => r.id))
  return [...rows, ...more.filter((r) => !seen.has(r.id))]
}
