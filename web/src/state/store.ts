import { useEffect, useState } from 'preact/hooks'

/** Store is a value that several parts of the page show. */
export interface Store<T> {
  get(): T
  set(next: T): void
  subscribe(told: () => void): () => void
}

export function createStore<T>(initial: T): Store<T> {
  let value = initial
  const told = new Set<() => void>()
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return
      value = next
      for (const tell of [...told]) tell()
    },
    subscribe(tell) {
      told.add(tell)
      return () => void told.delete(tell)
    },
  }
}

/** useStore is the store's value; the component is drawn again when it changes. */
export function useStore<T>(store: Store<T>): T {
  const [, redraw] = useState({})
  useEffect(() => {
    const before = store.get()
    const stop = store.subscribe(() => redraw({}))
    if (!Object.is(before, store.get())) redraw({})
    return stop
  }, [store])
  return store.get()
}
