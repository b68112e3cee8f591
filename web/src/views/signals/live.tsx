import { useEffect, useState } from 'preact/hooks'
import { countFacets } from '../../api/facets'
import { UnreachableError } from '../../api/client'
import type { Filter, Signal } from '../../api/signals'
import { useAsk, useEvery } from '../../state/ask'
import { clock, useZone, zoneName } from '../../state/time'

export interface Live {
  on: boolean
  /** How many signals the list does not have yet. */
  newer: number
  /** The engine does not answer. */
  error: Error | undefined
  /** When it is asked next, in milliseconds since 1970. */
  next: number
  toggle(): void
  again(): void
}

const pause = 5000

/** useLive asks how many signals are first seen after the list was asked for. Nothing moves by itself. */
export function useLive(filter: Filter, since: number, rows: Signal[]): Live {
  const [on, setOn] = useState(true)
  const [next, setNext] = useState(0)
  const asked = { ...filter, from: String(since), to: '' }
  const isOpen = filter.to === '' && since > 0
  const newer = useAsk(on && isOpen ? JSON.stringify([filter, since]) : null, (stop) => countFacets(asked, [], 1, stop))
  const again = () => {
    setNext(Date.now() + pause)
    newer.again()
  }
  useEvery(pause, () => (setNext(Date.now() + pause), newer.refresh()), on && isOpen)
  useEffect(() => {
    const seen = () => !document.hidden && on && isOpen && again()
    document.addEventListener('visibilitychange', seen)
    return () => document.removeEventListener('visibilitychange', seen)
  }, [on, isOpen])
  const held = rows.filter((r) => r.firstSeen >= since).length
  return {
    on: on && filter.to === '', newer: Math.max(0, (newer.value?.total ?? 0) - held), next, again, toggle: () => setOn(!on),
    error: newer.error instanceof UnreachableError ? newer.error : undefined,
  }
}

export function LiveButton({ live }: { live: Live }) {
  return (
    <button class="button live" aria-pressed={live.on} onClick={live.toggle}>
      <i class={live.error ? 'dot warn' : live.on ? 'dot' : 'dot off'} />{live.error ? 'Not live' : live.on ? 'Live' : 'Paused'}
    </button>
  )
}

/** StaleBar stands where the count was: since when nothing came, and what that means. */
export function StaleBar({ at, live, again }: { at: number; live: Live; again: () => void }) {
  const zone = useZone()
  return (
    <div class="bar stale" role="status">
      <b class="medium">Not live since {clock(at, zone)} {zoneName(zone)}.</b>
      <span class="cut">You see what was there then; triage waits for the engine.</span>
      <span class="grow" />
      {live.on && <Countdown to={live.next} />}
      <button class="link" onClick={again}>Try now</button>
    </div>
  )
}

function Countdown({ to }: { to: number }) {
  const [, redraw] = useState({})
  useEvery(1000, () => redraw({}))
  const s = Math.round((to - Date.now()) / 1000)
  return <span class="mut" aria-hidden="true">{s > 0 ? `Trying again in ${s} s` : 'Trying again'}</span>
}
