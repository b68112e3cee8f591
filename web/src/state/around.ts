// The list that a signal was opened from: its page leads on to the next one.
import { createStore, useStore } from './store'

interface Around {
  ids: string[]
  /** Where the list is. */
  address: string
  total: number
}

const around = createStore<Around>({ ids: [], address: '/signals', total: 0 })

export const cameFrom = (a: Around): void => around.set(a)

/** useAround is the place of a signal in the list it was opened from. */
export function useAround(id: string): { address: string; at: number; total: number; next: string | undefined; before: string | undefined } {
  const a = useStore(around)
  const at = a.ids.indexOf(id)
  return { address: a.address, at, total: a.total, next: at < 0 ? undefined : a.ids[at + 1], before: at < 0 ? undefined : a.ids[at - 1] }
}

/** cameFromNow is what the list asks for that led here, by the names of its address. */
export function cameFromNow(): URLSearchParams {
  const { address } = around.get()
  const at = address.indexOf('?')
  return new URLSearchParams(at < 0 ? '' : address.slice(at))
}
