import { Key } from '../../parts/key'
import { count } from '../../state/text'
import type { Tail } from './tail'

/** TailButton begins and ends the tail, and says whether it stands still. */
export function TailButton({ tail, lacks }: { tail: Tail; lacks: string }) {
  const said = !tail.on ? 'Tail' : tail.error ? 'No answer' : tail.paused ? 'Paused' : 'Tailing'
  return (
    <button class="button live" aria-pressed={tail.on} disabled={!tail.on && lacks !== ''} title={lacks} onClick={tail.toggle}>
      {tail.on && <i class={tail.error ? 'dot warn' : tail.paused ? 'dot wait' : 'dot'} />}{said}
    </button>
  )
}

/** TailStrip says what waits while somebody reads. */
export function TailStrip({ tail, full }: { tail: Tail; full: number }) {
  if (!tail.on) return null
  if (tail.paused) {
    return (
      <button class="newer" onClick={tail.show}>
        <span class="grow" role="status">Paused, {count(tail.waiting)} waiting{tail.missed && ', and more than could be read'}</span><span class="mut">show <Key>.</Key></span>
      </button>
    )
  }
  if (tail.missed) return <div class="newer">More arrive than can be shown. Narrow the query to see each.</div>
  if (full >= 5000) return <div class="newer">Tailing: the list holds the newest {count(full)}.</div>
  return null
}
