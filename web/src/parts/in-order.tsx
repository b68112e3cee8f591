import type { ComponentChildren } from 'preact'
import { useRef } from 'preact/hooks'
import { useLate, type Asked } from '../state/ask'

/** Part is what stands below others, once it is known how tall these are. */
export interface Part {
  id: string
  /** What it needs has come, or failed. */
  ready: boolean
  content: ComponentChildren
}

/** hasCome reports whether what was asked for has come, or failed. */
export const hasCome = (a: Asked<unknown>): boolean => a.value !== undefined || a.error !== undefined

/**
 * InOrder shows parts in their order, each when those above it have come, so that nothing
 * that is read moves. What takes longer than a second goes below the others: until it comes,
 * the first of those says there that it is waited for.
 */
export function InOrder({ parts }: { parts: Part[] }) {
  const order = useRef<string[]>([])
  const isWaiting = parts.some((p) => !p.ready)
  const late = useLate(isWaiting, 1000)
  const bones = useLate(isWaiting, 150)
  order.current = orderOf(parts, order.current, late)
  const next = parts.find((p) => !order.current.includes(p.id))
  return (
    <>
      {order.current.flatMap((id) => parts.find((p) => p.id === id)?.content ?? [])}
      {/* A new element each time: it never was elsewhere. */}
      {next && bones && <div key={`next ${order.current.length}`} class={late ? undefined : 'part bones'} aria-busy="true">{late ? next.content : <><i class="bone" /><i class="bone" /><i class="bone" /></>}</div>}
    </>
  )
}

/** orderOf is what can be shown, after what is shown already. */
function orderOf(parts: Part[], shown: string[], late: boolean): string[] {
  const order = shown.filter((id) => parts.some((p) => p.id === id))
  for (const p of parts) {
    if (p.ready && !order.includes(p.id)) order.push(p.id)
    if (!p.ready && !late) break
  }
  return order
}
