// Keys of one letter, and two in a row (g then s), which can be switched off (WCAG 2.1.4). What a view binds counts while it is
// shown; what is bound last is asked first. Nothing acts while somebody types.
import { useEffect, useRef } from 'preact/hooks'
import { currentPreferences } from './preferences'
import { createStore, useStore } from './store'

export interface Binding {
  /** As KeyboardEvent.key says: j, Enter, Escape, ?, or two letters: g s. */
  keys: string
  /** What it does, for the list of keys; empty: it is not listed. */
  does: string
  act: () => void
  /** It acts while somebody types, too. */
  always?: boolean
}

const changes = createStore(0)
const layers: { current: Binding[] }[] = []
let first = ''
let firstAt = 0

/** useKeys binds keys while the component is shown. */
export function useKeys(bindings: Binding[]): void {
  const layer = useRef(bindings)
  layer.current = bindings
  useEffect(() => {
    layers.push(layer)
    changes.set(changes.get() + 1)
    return () => {
      layers.splice(layers.indexOf(layer), 1)
      changes.set(changes.get() + 1)
    }
  }, [])
}

/** useBound are the keys that act now, each once. */
export function useBound(): Binding[] {
  useStore(changes)
  const seen = new Set<string>()
  const all: Binding[] = []
  for (const layer of [...layers].reverse()) {
    for (const b of layer.current) {
      if (b.does === '' || seen.has(b.keys)) continue
      seen.add(b.keys)
      all.push(b)
    }
  }
  return all
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName))
}

function nameOf(e: KeyboardEvent): string {
  const command = e.metaKey || e.ctrlKey ? 'Mod+' : ''
  return command + (e.shiftKey && e.key.length === 1 && /[a-z]/i.test(e.key) ? 'Shift+' + e.key.toLowerCase() : e.key)
}

function find(keys: string): Binding | undefined {
  for (const layer of [...layers].reverse()) {
    const b = layer.current.find((b) => b.keys === keys)
    if (b) return b
  }
  return undefined
}

document.addEventListener('keydown', (e) => {
  if (e.defaultPrevented || e.altKey || e.isComposing) return
  const name = nameOf(e)
  const oneLetter = name.replace(/^Shift\+/, '').length === 1
  if (oneLetter && !currentPreferences().letters) return
  if (name === 'Enter' && e.target instanceof Element && e.target.closest('button, a, summary')) return
  const both = first !== '' && e.timeStamp - firstAt < 1000 ? find(first + ' ' + name) : undefined
  const b = both ?? find(name)
  first = oneLetter ? name : ''
  firstAt = e.timeStamp
  if (!b || (typing(e.composedPath()[0] ?? null) && !b.always)) return
  first = ''
  e.preventDefault()
  b.act()
})
