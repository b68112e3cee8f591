import { useEffect, useRef, useState } from 'preact/hooks'
import { searchEvents, type Event } from '../../api/events'
import type { Filter } from '../../api/signals'
import { useEvery } from '../../state/ask'
import { joined } from '../../state/pages'

/** How often it asks, how far it looks back for what comes late, and what a list holds at most. */
const pause = 2000
const overlap = 30_000
const held = 5000

export interface Tail {
  on: boolean
  /** What came while somebody read: the rows stand still. */
  waiting: number
  paused: boolean
  /** More came at once than were read; they are stored, and not in the list. */
  missed: boolean
  error: Error | undefined
  toggle(): void
  /** show puts what waits above the rows. */
  show(): void
}

interface TailProps {
  filter: Filter | undefined
  rows: Event[]
  /** Somebody reads: a row is open, or the rows are scrolled. */
  reading: boolean
  put: (change: (rows: Event[]) => Event[]) => void
}

/** useTail puts new events above the rows, as long as nobody reads. */
export function useTail({ filter, rows, reading, put }: TailProps): Tail {
  const [on, setOn] = useState(false)
  const [{ waiting, more }, setCame] = useState(nothing)
  const [missed, setMissed] = useState(false)
  const [error, setError] = useState<Error>()
  const running = useRef<AbortController | undefined>(undefined)
  const key = JSON.stringify(filter)
  const newest = Math.max(0, ...[...rows.slice(0, 50), ...waiting.slice(0, 50)].map((e) => e.at))
  const ask = async () => {
    if (!filter || running.current) return
    const stop = new AbortController()
    running.current = stop
    try {
      const since = Math.max(newest, Date.now() - 600_000) - overlap
      const page = await searchEvents(filter.query, String(since), '', undefined, 1000, stop.signal)
      if (stop.signal.aborted) return
      const known = new Set([...rows, ...waiting].map((e) => e.id))
      const oldest = rows.at(-1)?.at ?? 0
      const fresh = page.events.filter((e) => !known.has(e.id) && e.at >= oldest)
      setMissed(page.next !== undefined && page.events.length === 1000 && fresh.length === 1000)
      setError(undefined)
      if (fresh.length > 0) setCame((c) => heldOf(joined(fresh, c.waiting), c.more))
    } catch (e) {
      if (!stop.signal.aborted) setError(e as Error)
    } finally {
      if (running.current === stop) running.current = undefined
    }
  }
  const show = () => {
    const came = waiting
    setCame(nothing)
    put((rows) => joined(came, rows).sort(newestFirst).slice(0, held))
  }
  useEvery(pause, () => void ask(), on)
  useEffect(() => {
    if (on) void ask()
    return () => {
      running.current?.abort()
      running.current = undefined
      setCame(nothing)
      setError(undefined)
    }
  }, [key, on])
  useEffect(() => {
    if (on && !reading && waiting.length > 0) show()
  }, [waiting, reading, on])
  return { on, waiting: waiting.length + more, paused: on && reading, missed, error: on ? error : undefined, toggle: () => setOn(!on), show }
}

/** Came is what waits: the newest, and how many more than a list holds. */
interface Came {
  waiting: Event[]
  more: number
}
const nothing: Came = { waiting: [], more: 0 }

/** heldOf is as many of the events as a list holds; the others are stored, and only counted. */
const heldOf = (events: Event[], more: number): Came => ({ waiting: events.sort(newestFirst).slice(0, held), more: more + Math.max(0, events.length - held) })

const newestFirst = (a: Event, b: Event): number => b.at - a.at || (a.id < b.id ? 1 : -1)
