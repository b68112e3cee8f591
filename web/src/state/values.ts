// The value whose menu is open. Whatever shows a value says which with data-field and
// data-value; a press of the right button on it, or the menu key, opens its menu, too.
import { createStore, useStore } from './store'

export interface OpenValue {
  /** As a search names it: host, @usr.id. */
  field: string
  value: string
  at: { x: number; y: number }
  /** Where the keyboard goes back to. */
  from: HTMLElement | undefined
}

const open = createStore<OpenValue | undefined>(undefined)

// What was pressed says that its menu is open. It does so here, since there are hundreds in
// a list, and none of them need be drawn again for that.
let expanded: HTMLElement | undefined
open.subscribe(() => {
  expanded?.setAttribute('aria-expanded', 'false')
  const now = open.get()
  expanded = now?.from?.dataset['field'] === now?.field ? now?.from : undefined // it may have been opened from elsewhere
  expanded?.setAttribute('aria-expanded', 'true')
})

export const useOpenValue = (): OpenValue | undefined => useStore(open)

/** openValue opens the menu of a value; of the one that is open, it closes it. */
export function openValue(v: OpenValue): void {
  const now = open.get()
  open.set(now && now.field === v.field && now.value === v.value && now.from === v.from ? undefined : v)
}

export const closeValue = (): void => open.set(undefined)

/** followValues opens the menu of what is under the pointer, or has the keyboard, when it is asked for. */
export function followValues(): void {
  document.addEventListener('contextmenu', (e) => {
    if (e.shiftKey || e.defaultPrevented || !(e.target instanceof Element)) return // with shift: the browser's own
    const shows = e.target.closest<HTMLElement | SVGElement>('[data-field]')
    const field = shows?.dataset['field']
    if (!shows || !field || shows.dataset['value'] === undefined) return
    e.preventDefault()
    const r = shows.getBoundingClientRect()
    const at = e.clientX === 0 && e.clientY === 0 ? { x: r.left, y: r.bottom + 4 } : { x: e.clientX, y: e.clientY }
    open.set({ field, value: shows.dataset['value'], at, from: document.activeElement instanceof HTMLElement ? document.activeElement : undefined })
  })
}
