import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { orderPipelines } from '../../../api/pipeline-documents'
import type { Pipeline } from '../../../api/pipeline-states'
import { tell } from '../../../state/done'
import { count, oneLine } from '../../../state/text'

/** Order is the order of all pipelines, as it is or as it is being changed. */
export interface Order {
  ids: string[]
  /** The one that was lifted, to be moved. */
  lifted: string | undefined
  /** What cannot be done, and why; empty: all can. */
  lacks: string
  lift: (id: string) => void
  /** move puts the lifted one at a place, which is stored when it is put down. */
  move: (to: number) => void
  putDown: () => void
  letGo: () => void
  /** put stores that one is at another place, at once. */
  put: (p: Pipeline, to: number) => void
}

/** moved is a list with one of its elements at another place. */
const moved = (ids: string[], id: string, to: number): string[] => {
  const rest = ids.filter((x) => x !== id)
  rest.splice(Math.max(0, Math.min(rest.length, to)), 0, id)
  return rest
}

/** useOrder is how the order is changed: one is lifted, moved and put down, by keys or by dragging. */
export function useOrder(all: Pipeline[], again: () => void, lacks: string): Order {
  const [held, setHeld] = useState<{ id: string; ids: string[] } | undefined>()
  const [storing, setStoring] = useState(false)
  const now = useRef(held) // what pointers and keys see, who may be quicker than a redraw
  const hold = (next: typeof held) => (now.current = next, setHeld(next))
  const present = all.map((p) => p.id)
  const store = async (ids: string[], text: string, undo?: string[]) => {
    setStoring(true)
    try {
      await orderPipelines(ids)
      tell({ text, ...(undo ? { undo: () => void store(undo, 'They run in the order from before.') } : {}) })
    } catch (e) {
      tell({ text: `The order was not changed: ${(e as Error).message}`, failed: true })
    }
    setStoring(false)
    again()
  }
  const say = (id: string, ids: string[]) => `${oneLine(all.find((p) => p.id === id)?.name ?? id, 80)} runs ${ids.indexOf(id) < present.indexOf(id) ? 'sooner' : 'later'}.`
  return {
    ids: held?.ids ?? present, lifted: held?.id, lacks: lacks || (storing ? 'the order is being stored' : ''),
    lift: (id) => hold({ id, ids: present }),
    move: (to) => now.current && hold({ id: now.current.id, ids: moved(now.current.ids, now.current.id, to) }),
    putDown: () => {
      const h = now.current
      hold(undefined)
      if (h && h.ids.some((id, i) => id !== present[i])) void store(h.ids, say(h.id, h.ids), present)
    },
    letGo: () => hold(undefined),
    put: (p, to) => {
      const ids = moved(present, p.id, to)
      void store(ids, say(p.id, ids), present)
    },
  }
}

/** Moves put a pipeline elsewhere: a handle to drag, or to press and move by the arrow keys, and a step up or down. */
export function Moves({ of: p, order }: { of: Pipeline; order: Order }) {
  const place = order.ids.indexOf(p.id)
  const name = oneLine(p.name, 80)
  const blocked = order.lacks !== ''
  return (
    <span class="sure row-acts order-acts">
      <Handle of={p} order={order} place={place} />
      <button class="link" disabled={blocked || order.lifted !== undefined || place === 0} title={order.lacks} onClick={() => order.put(p, place - 1)} aria-label={`Sooner: ${name}`}>↑</button>
      <button class="link" disabled={blocked || order.lifted !== undefined || place === order.ids.length - 1} title={order.lacks} onClick={() => order.put(p, place + 1)} aria-label={`Later: ${name}`}>↓</button>
    </span>
  )
}

function Handle({ of: p, order, place }: { of: Pipeline; order: Order; place: number }) {
  const button = useRef<HTMLButtonElement>(null)
  const lifted = order.lifted === p.id
  useLayoutEffect(() => {
    if (!lifted) return
    button.current?.focus() // a row that is moved in the document loses it
    button.current?.scrollIntoView({ block: 'nearest' })
  }, [lifted, place])
  const keys = (e: KeyboardEvent) => {
    const to = lifted ? { ArrowUp: place - 1, ArrowDown: place + 1, Home: 0, End: order.ids.length - 1 }[e.key] : undefined
    if (to !== undefined) order.move(to)
    else if (e.key === ' ' || e.key === 'Enter') lifted ? order.putDown() : order.lift(p.id)
    else if (lifted && e.key === 'Escape') order.letGo()
    else if (lifted && e.key === 'Tab') return order.putDown()
    else return
    e.preventDefault()
  }
  return (
    <>
      <button ref={button} class="order-handle" disabled={order.lacks !== ''} title={order.lacks || 'Drag it; or press it, and use the arrow keys'} aria-pressed={lifted}
        aria-label={`Move ${oneLine(p.name, 80)}, place ${place + 1} of ${order.ids.length}`} onKeyDown={keys} onPointerDown={(e) => e.button === 0 && drag(e, p.id, lifted, order)}>⠿</button>
      {lifted && <span class="unseen" role="status">Place {count(place + 1)} of {count(order.ids.length)}. Arrows move it, Enter puts it down, Escape leaves it where it was.</span>}
    </>
  )
}

/** drag moves a pipeline with the pointer, to the row that it is over; a press without a move lifts it for the keys, or puts it down. */
function drag(e: PointerEvent, id: string, lifted: boolean, order: Order): void {
  const table = (e.currentTarget as Element).closest('table')
  const y = e.clientY
  let dragged = false
  const over = (m: PointerEvent) => {
    if (!dragged && Math.abs(m.clientY - y) < 4) return
    if (!dragged) order.lift(id)
    dragged = true
    const scroller = table?.closest('main')
    const bounds = scroller?.getBoundingClientRect()
    if (scroller && bounds && m.clientY < bounds.top + 40) scroller.scrollBy(0, -24)
    if (scroller && bounds && m.clientY > bounds.bottom - 40) scroller.scrollBy(0, 24)
    const row = document.elementFromPoint(m.clientX, m.clientY)?.closest('tr')
    const at = row && table ? [...table.querySelectorAll('tbody tr')].indexOf(row) : -1
    if (at >= 0) order.move(at)
  }
  const end = (how: 'up' | 'cancel') => {
    for (const [name, act] of acts) removeEventListener(name, act)
    if (how === 'cancel') order.letGo()
    else if (dragged || lifted) order.putDown()
    else order.lift(id)
  }
  const acts: [string, (e: Event) => void][] = [
    ['pointermove', (m) => over(m as PointerEvent)], ['pointerup', () => end('up')], ['pointercancel', () => end('cancel')],
    ['keydown', (k) => dragged && (k as KeyboardEvent).key === 'Escape' && end('cancel')],
  ]
  for (const [name, act] of acts) addEventListener(name, act)
}
