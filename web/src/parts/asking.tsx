import { useProgress } from '../state/progress'
import { shortCount } from '../state/text'

/** Asking says that an answer is being waited for, how far it is, and ends it at a press. */
export function Asking({ what, cancel }: { what: string; cancel: () => void }) {
  const progress = useProgress(true)
  return (
    <span class="mut" role="status">
      {progress ? `Asking, ${shortCount(progress.read)} of ${shortCount(progress.of)} ${what} ` : 'Asking … '}
      <button class="link" onClick={cancel}>Cancel</button>
    </span>
  )
}
