import { useState } from 'preact/hooks'
import { askedOf, call } from '../api/client'
import { useEvery } from './ask'

/** Progress is how many rows were read, of those that are to be read; done is the share of the time that is, 0 where nobody says. */
export interface Progress {
  read: number
  of: number
  done: number
}

interface Body {
  running?: boolean
  read_rows?: number
  total_rows?: number
  done?: number
}

const pause = 400

/** useProgress asks how far the calls are that signals end, while it is on; undefined: nobody knows. */
export function useProgress(running: () => readonly AbortSignal[], on = true): Progress | undefined {
  const [progress, setProgress] = useState<Progress | undefined>()
  useEvery(pause, () => void read(running()).then(setProgress, () => setProgress(undefined)), on)
  return on ? progress : undefined
}

async function read(signals: readonly AbortSignal[]): Promise<Progress | undefined> {
  const all = (await Promise.all(signals.flatMap(askedOf).map((id) => call<Body>(`/api/nightjar/v1/search/progress/${id}`)))).filter((b) => b.running)
  const sum = (of: (b: Body) => number | undefined) => all.reduce((n, b) => n + Number(of(b) ?? 0), 0)
  const total = sum((b) => b.total_rows)
  const done = all.length === 1 ? Number(all[0]?.done ?? 0) : 0
  return total === 0 && done === 0 ? undefined : { read: sum((b) => b.read_rows), of: total, done }
}
