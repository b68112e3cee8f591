import { useEffect, useState } from 'preact/hooks'
import type { Signal } from '../../api/signals'
import { tickedThen } from '../../state/ticked'

export interface Selection {
  ticked: ReadonlySet<string>
  /** All that the filter selects, loaded or not. */
  everything: boolean
  toggle(id: string): void
  /** extend ticks all rows from the last one that was ticked to this one. */
  extend(id: string): void
  all(): void
  clear(): void
}

/** useSelection keeps which rows are ticked, by id: new rows and a new order change nothing. */
export function useSelection(rows: Signal[], key: string): Selection {
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set())
  const [last, setLast] = useState('')
  const [everything, setEverything] = useState(false)
  const clear = () => {
    setTicked(new Set())
    setEverything(false)
  }
  useEffect(clear, [key])
  return {
    ticked, everything, clear,
    all: () => {
      setTicked(new Set(rows.map((r) => r.id)))
      setEverything(true)
    },
    toggle: (id) => {
      setTicked(tickedThen(ticked, [], id))
      setEverything(false)
      setLast(id)
    },
    extend: (id) => {
      const ids = rows.map((r) => r.id)
      setTicked(tickedThen(ticked, ids, id, ids.includes(last) ? last : id))
      setLast(id)
    },
  }
}
