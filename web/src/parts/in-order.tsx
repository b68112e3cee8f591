import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'
import { useLate } from '../state/ask'

/** Part is what stands below others, once it is known how tall these are. */
export interface Part {
  id: string
  /** What it needs has come, or failed. */
  ready: boolean
  content: ComponentChildren
}

/**
 * InOrder shows parts in their order, each when those above it have come, so that nothing
 * that is read moves. What takes longer than a second goes below the others.
 */
export function InOrder({ parts }: { parts: Part[] }) {
  const order = useRef<string[]>([])
  const isWaiting = parts.some((p) => !p.ready)
  const late = useLate(isWaiting, 1000)
  const bones = useLate(isWaiting, 150)
  order.current = orderOf(parts, order.current, late)
  const all = order.current.length >= parts.length
  return (
    <>
      {order.current.flatMap((id) => parts.find((p) => p.id === id)?.content ?? [])}
      {/* A new element each time: it never was elsewhere. */}
      {!all && bones && <div key={`bones ${order.current.length}`} class="part bones" aria-busy="true"><i class="bone" /><i class="bone" /><i class="bone" /></div>}
    </>
  )
}

/** orderOf is what can be shown, after what is shown already. */
function orderOf(parts: Part[], shown: string[], late: boolean): string[] {
  const order = shown.filter((id) => parts.some((p) => p.id === id))
  for (const p of parts) {
    if (order.includes(p.id)) continue
    if (!p.ready && !late) return order
    if (p.ready) order.push(p.id)
  }
  for (const p of parts) if (!order.includes(p.id)) order.push(p.id)
  return order
}
