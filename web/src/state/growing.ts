import { useState } from 'preact/hooks'
import { useAsk, type Asked } from './ask'

/**
 * useGrowing is useAsk of an answer that comes in parts: what is told is shown until more is
 * known. Until something is, the last answer stays. What is cancelled ends with what was told.
 */
export function useGrowing<T>(key: string | null, ask: (signal: AbortSignal, told: (value: T) => void) => Promise<T>): Asked<T> {
  const [known, setKnown] = useState<{ key: string; value: T } | undefined>()
  const answer = useAsk(key, (stop) => {
    const of = key ?? ''
    setKnown(undefined)
    return ask(stop, (value) => {
      if (!stop.aborted) setKnown({ key: of, value })
    })
  }, 'keep')
  const grows = known !== undefined && known.key === key && (answer.asking || answer.value === undefined || answer.old)
  const ended = grows && !answer.asking && answer.error?.message === 'Cancelled.'
  return { ...answer, value: grows ? known.value : answer.value, old: answer.old && !grows, error: ended ? undefined : answer.error }
}
