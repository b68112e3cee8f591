import { useState } from 'preact/hooks'
import { call, asked } from '../api/client'
import { useEvery } from './ask'

/** Progress is how many rows were read, of those that are to be read. */
export interface Progress {
  read: number
  of: number
}

interface Body {
  running?: boolean
  read_rows?: number
  total_rows?: number
}

const pause = 400

/** useProgress asks, while on, how far all is that the page waits for; undefined: nobody knows. */
export function useProgress(on: boolean): Progress | undefined {
  const [progress, setProgress] = useState<Progress | undefined>()
  useEvery(pause, () => void read().then(setProgress, () => setProgress(undefined)), on)
  return on ? progress : undefined
}

async function read(): Promise<Progress | undefined> {
  const all = await Promise.all([...asked].map((id) => call<Body>(`/api/nightjar/v1/search/progress/${id}`)))
  const sum = (of: (b: Body) => number | undefined) => all.reduce((n, b) => n + Number(b.running ? (of(b) ?? 0) : 0), 0)
  const total = sum((b) => b.total_rows)
  return total === 0 ? undefined : { read: sum((b) => b.read_rows), of: total }
}
