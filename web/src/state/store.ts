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
  const drawn = store.get()
  useEffect(() => {
    const stop = store.subscribe(() => redraw({}))
    if (!Object.is(drawn, store.get())) redraw({}) // it changed before anybody listened
    return stop
  }, [store])
  return drawn
}
