// What was done last, told in the line at the bottom: with a way back for ten seconds.
import { createStore, useStore } from './store'

export interface Done {
  text: string
  undo?: () => void
  /** What can be done about it. It stays until one is chosen, or something else was done. */
  choices?: { label: string; act: () => void }[]
  /** It went wrong. */
  failed?: boolean
}

const done = createStore<Done | undefined>(undefined)
let timer = 0

export const useDone = (): Done | undefined => useStore(done)

export function tell(what: Done): void {
  clearTimeout(timer)
  done.set(what)
  if (!what.choices) timer = window.setTimeout(() => done.set(undefined), 10_000)
}

/** choose does what the line offers. */
export function choose(choice: { act: () => void }): void {
  done.set(undefined)
  choice.act()
}

/** undoLast takes back what the line offers to. */
export function undoLast(): void {
  const last = done.get()
  if (!last?.undo) return
  clearTimeout(timer)
  done.set(undefined)
  last.undo()
}
