import { useLate } from '../state/ask'
import { useProgress } from '../state/progress'
import { shortCount } from '../state/text'

/** Asks is a question that can be waited for: what useAsk and usePages give. */
export interface Asks {
  asking: boolean
  /** running are what ends the questions that are being asked; none: nothing is. */
  running(): readonly AbortSignal[]
  cancel(): void
}

/** together are several questions as one. */
export const together = (...all: Asks[]): Asks => ({
  asking: all.some((a) => a.asking), running: () => all.flatMap((a) => a.running()), cancel: () => all.forEach((a) => a.cancel()),
})

/** Asking says that an answer is being waited for, how far it is, and ends it at a press. */
export function Asking({ of, what = 'rows' }: { of: Asks; what?: string }) {
  const p = useProgress(of.running)
  const far = !p ? '' : p.of > 0 ? `, ${shortCount(p.read)} of ${shortCount(p.of)} ${what}` : ''
  const share = p && p.done > 0 ? `, ${Math.floor(p.done * 100)} % of the time` : ''
  return (
    <span class="mut asking-far" role="status">
      Asking{share || far}{share === '' && far === '' && ' …'} <button type="button" class="link" onClick={of.cancel}>Cancel</button>
    </span>
  )
}

/** Late is Asking, once it has been waited for a second. */
export function Late({ of, what = 'rows', after = 1000 }: { of: Asks; what?: string; after?: number }) {
  const late = useLate(of.asking && of.running().length > 0, after)
  return late ? <Asking of={of} what={what} /> : null
}
