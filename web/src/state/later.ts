// What is loaded when it is needed, or when somebody begins to act: never for the first view.
import { useEffect, useState } from 'preact/hooks'
import { tell } from './done'

export interface Later<T> {
  /** What was loaded; undefined: it is not there yet. */
  get(): T | undefined
  load(): Promise<T>
}

const all: Later<unknown>[] = []

/** later is something that is loaded once, and again if that failed. */
export function later<T>(load: () => Promise<T>): Later<T> {
  let value: T | undefined
  let loading: Promise<T> | undefined
  const l: Later<T> = {
    get: () => value,
    load: () => {
      loading ??= load().then((v) => (value = v), (e: Error) => {
        loading = undefined
        throw e
      })
      return loading
    },
  }
  all.push(l)
  return l
}

// Who moves the pointer or presses a key is about to want what is left. A page that comes to
// lie under the pointer is told of a movement, too: of none.
const signs = ['pointermove', 'pointerdown', 'keydown']
function begin(e: Event) {
  if (e.type === 'pointermove' && (e as PointerEvent).movementX === 0 && (e as PointerEvent).movementY === 0) return
  for (const sign of signs) removeEventListener(sign, begin)
  for (const l of all) void l.load().catch(() => undefined)
}
for (const sign of signs) addEventListener(sign, begin, { passive: true })

/** useLater is what was loaded, once it is wanted; undefined until it is there. */
export function useLater<T>(l: Later<T>, wanted: boolean): T | undefined {
  const [, redraw] = useState({})
  useEffect(() => {
    if (wanted && l.get() === undefined) l.load().then(() => redraw({}), () => tell({ text: 'A part of the page could not be loaded. Load the page again.', failed: true }))
  }, [l, wanted])
  return wanted ? l.get() : undefined
}
