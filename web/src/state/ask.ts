import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

/** Answer is what is known of a question: the last value stays while it is asked again. */
export interface Answer<T> {
  value: T | undefined
  error: Error | undefined
  asking: boolean
  /** When the value came, in milliseconds since 1970. */
  at: number
}

export interface Asked<T> extends Answer<T> {
  /** The value is that of the question before. */
  old: boolean
  again(): void
  /** refresh asks again, unless it is being asked: a slow answer is not cut short by the next question. */
  refresh(): void
  cancel(): void
  /** running is what ends the question that is being asked; none: none is. */
  running(): readonly AbortSignal[]
  /** put replaces the value by what is known to be so. */
  put(change: (value: T) => T): void
}

/** Held is an answer, the key that is asked for, and that of the value. */
interface Held<T> extends Answer<T> {
  key: string | null
  of: string | null
}

const nothing = { value: undefined, error: undefined, asking: true, at: 0, of: null }

/**
 * useAsk asks when the key changes, and forgets an older answer that comes late. With
 * keep, the value of the last key is shown until that of the new one is there. The question
 * leaves before what changed is painted.
 */
export function useAsk<T>(key: string | null, ask: (signal: AbortSignal) => Promise<T>, keep: 'keep' | 'clear' = 'clear'): Asked<T> {
  const [answer, setAnswer] = useState<Held<T>>({ ...nothing, key: null })
  const [round, setRound] = useState(0)
  const running = useRef<AbortController | undefined>(undefined)
  const question = useRef(ask)
  question.current = ask

  useLayoutEffect(() => {
    if (key === null) return
    const stop = new AbortController()
    running.current = stop
    setAnswer((a) => (a.key === key || keep === 'keep' ? { ...a, key, asking: true } : { ...nothing, key }))
    const told = (change: (a: Held<T>) => Held<T>) => {
      if (stop.signal.aborted) return
      running.current = undefined
      setAnswer(change)
    }
    question.current(stop.signal).then(
      (value) => told(() => ({ key, of: key, value, error: undefined, asking: false, at: Date.now() })),
      (error: Error) => told((a) => ({ ...a, error, asking: false })),
    )
    return () => {
      stop.abort()
      if (running.current === stop) running.current = undefined
    }
  }, [key, round])

  const again = useCallback(() => setRound((n) => n + 1), [])
  const refresh = useCallback(() => {
    if (!running.current) again()
  }, [])
  const cancel = useCallback(() => {
    running.current?.abort()
    running.current = undefined
    setAnswer((a) => ({ ...a, asking: false, error: a.value === undefined || a.of !== a.key ? new Error('Cancelled.') : a.error }))
  }, [])
  const asks = useCallback(() => (running.current ? [running.current.signal] : []), [])
  const put = useCallback((change: (value: T) => T) => setAnswer((a) => (a.value === undefined ? a : { ...a, value: change(a.value) })), [])
  const current = answer.key === key || keep === 'keep' ? answer : { ...nothing, key }
  return { value: current.value, old: current.value !== undefined && current.of !== key, error: current.error, asking: current.asking, at: current.at, again, refresh, cancel, running: asks, put }
}

/** useLate is true once something has gone on for so many milliseconds. */
export function useLate(going: boolean, after: number): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (!going) {
      setLate(false)
      return
    }
    const timer = setTimeout(() => setLate(true), after)
    return () => clearTimeout(timer)
  }, [going, after])
  return late && going
}

/**
 * useWaiting is true once the rows of another question are waited for, or its query is
 * checked: what is there within some frames needs no sign, and with this delay the sign is
 * seen about a tenth of a second after the press.
 */
export const useWaiting = (of: { old: boolean; asking: boolean }, check: { asking: boolean }): boolean => useLate(check.asking || (of.old && of.asking), 25)

/** useEvery calls while the tab is seen, so many milliseconds apart. */
export function useEvery(milliseconds: number, call: () => void, on = true): void {
  const latest = useRef(call)
  latest.current = call
  useEffect(() => {
    if (!on) return
    const timer = setInterval(() => {
      if (!document.hidden) latest.current()
    }, milliseconds)
    return () => clearInterval(timer)
  }, [milliseconds, on])
}
