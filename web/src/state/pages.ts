import { useCallback, useLayoutEffect, useRef, useState } from 'preact/hooks'

export interface Page<T> {
  rows: T[]
  /** Where the next page begins; undefined: this is the last. */
  next: string | undefined
  /** The page has less than it might, since its time ran out: while there are few rows, the next one is asked for at once. */
  short?: boolean
}

/** enough is how many rows a page that is read in parts has before more of it waits to be wanted. */
const enough = 100

export interface Pages<T> {
  rows: T[]
  asking: boolean
  error: Error | undefined
  /** When the first page came, in milliseconds since 1970; 0: it has not. */
  at: number
  /** When it was asked for: what arrives later, the rows may lack. */
  since: number
  /** Somebody cut the last question short. */
  cancelled: boolean
  /** The rows are those of the question before. */
  old: boolean
  next(): void
  again(): void
  cancel(): void
  /** goOn asks on where it was cancelled. */
  goOn(): void
  /** running is what ends the question that is being asked; none: none is. */
  running(): readonly AbortSignal[]
  /** put changes what is known of the rows; what it cuts off at the end, behind says how to read again. */
  put(change: (rows: T[]) => T[]): void
}

/** Read reads a page. Asked anew, the first one does well to have as many rows as were loaded. */
export type Read<T> = (cursor: string | undefined, signal: AbortSignal, loaded: number) => Promise<Page<T>>

interface Held<T> {
  key: string
  rows: T[]
  cursor: string | undefined
  asking: boolean
  error: Error | undefined
  at: number
  since: number
  cancelled: boolean
}

/**
 * usePages reads rows page by page, as they come near the screen; a null key asks nothing.
 * behind is the cursor of the page that follows a row.
 */
export function usePages<T extends { id: string }>(key: string | null, read: Read<T>, behind?: (last: T) => string): Pages<T> {
  const [held, setHeld] = useState<Held<T>>({ key: '', rows: [], cursor: undefined, asking: true, error: undefined, at: 0, since: 0, cancelled: false })
  const running = useRef<AbortController | undefined>(undefined)
  const latest = useRef(held)
  latest.current = held
  const question = useRef(read)
  question.current = read

  const ask = useCallback((cursor: string | undefined, had = 0) => {
    if (key === null) return
    running.current?.abort()
    const stop = new AbortController()
    const began = Date.now()
    running.current = stop
    setHeld((h) => ({ ...h, asking: true, cancelled: false }))
    const h = latest.current
    question.current(cursor, stop.signal, cursor === undefined && h.key === key ? h.rows.length : 0).then(
      (page) => {
        if (stop.signal.aborted) return
        const goesOn = page.short === true && page.next !== undefined && had + page.rows.length < enough
        setHeld((h) => ({
          key, rows: cursor === undefined ? page.rows : joined(h.rows, page.rows), cursor: page.next, asking: goesOn, error: undefined,
          at: cursor === undefined ? Date.now() : h.at, since: cursor === undefined ? began : h.since, cancelled: false,
        }))
        if (goesOn) ask(page.next, had + page.rows.length)
      },
      (error: Error) => {
        if (!stop.signal.aborted) setHeld((h) => ({ ...h, asking: false, error }))
      },
    )
  }, [key])

  useLayoutEffect(() => {
    ask(undefined)
    return () => running.current?.abort()
  }, [key])

  return {
    rows: held.rows, asking: held.asking && key !== null, error: held.error, at: held.at, since: held.since, cancelled: held.cancelled, old: key !== null && held.key !== key,
    next: () => {
      if (!held.asking && !held.cancelled && held.cursor !== undefined && held.error === undefined && held.key === key) ask(held.cursor)
    },
    goOn: () => ask(held.key === key ? held.cursor : undefined),
    running: () => (running.current && !running.current.signal.aborted && held.asking ? [running.current.signal] : []),
    again: () => ask(undefined),
    cancel: () => {
      running.current?.abort()
      setHeld((h) => ({ ...h, asking: false, cancelled: true }))
    },
    put: (change) => setHeld((h) => {
      const rows = change(h.rows)
      const last = rows.at(-1)
      const isCut = behind && last && h.rows.length > 0 && !rows.some((r) => r.id === h.rows.at(-1)?.id)
      return { ...h, rows, cursor: isCut ? behind(last) : h.cursor }
    }),
  }
}

/** joined is rows and those of the next page; what moved between the two is there once. */
export function joined<T extends { id: string }>(rows: T[], more: T[]): T[] {
  const seen = new Set(rows.map((r) => r.id))
  return [...rows, ...more.filter((r) => !seen.has(r.id))]
}
