// What was done last, told in the line at the bottom: with a way back for ten seconds.
import { createStore, useStore } from './store'

export interface Done {
  text: string
  undo?: () => void
  /** Something else that can be done about it. */
  otherwise?: { label: string; act: () => void }
  /** It went wrong. */
  failed?: boolean
}

const done = createStore<Done | undefined>(undefined)
let timer = 0

export const useDone = (): Done | undefined => useStore(done)

export function tell(what: Done): void {
  clearTimeout(timer)
  done.set(what)
  timer = window.setTimeout(() => done.set(undefined), 10_000)
}

/** undoLast takes back what the line offers to. */
export function undoLast(): void {
  const last = done.get()
  if (!last?.undo) return
  clearTimeout(timer)
  done.set(undefined)
  last.undo()
}
