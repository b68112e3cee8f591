import { useEffect, useState } from 'preact/hooks'
import { countFacets } from '../../api/facets'
import { UnreachableError } from '../../api/client'
import type { Filter, Signal } from '../../api/signals'
import { useAsk, useEvery } from '../../state/ask'

export interface Live {
  on: boolean
  /** How many signals the list does not have yet. */
  newer: number
  /** The engine does not answer. */
  error: Error | undefined
  toggle(): void
}

const pause = 5000

/** useLive asks how many signals are first seen after the list was asked for. Nothing moves by itself. */
export function useLive(filter: Filter, since: number, rows: Signal[]): Live {
  const [on, setOn] = useState(true)
  const asked = { ...filter, from: String(since), to: '' }
  const isOpen = filter.to === '' && since > 0
  const newer = useAsk(on && isOpen ? JSON.stringify([filter, since]) : null, (stop) => countFacets(asked, [], 1, stop))
  useEvery(pause, newer.again, on && isOpen)
  useEffect(() => {
    const seen = () => !document.hidden && on && isOpen && newer.again()
    document.addEventListener('visibilitychange', seen)
    return () => document.removeEventListener('visibilitychange', seen)
  }, [on, isOpen])
  return { on: on && filter.to === '', newer: Math.max(0, (newer.value?.total ?? 0) - rows.filter((r) => r.firstSeen >= since).length), error: newer.error instanceof UnreachableError ? newer.error : undefined, toggle: () => setOn(!on) }
}

export function LiveButton({ live }: { live: Live }) {
  return (
    <button class="button live" aria-pressed={live.on} onClick={live.toggle}>
      <i class={live.error ? 'dot warn' : live.on ? 'dot' : 'dot off'} />{live.error ? 'Not live' : live.on ? 'Live' : 'Paused'}
    </button>
  )
}
