import type { ComponentChildren } from 'preact'
import { createContext } from 'preact'
import { useContext, useLayoutEffect, useRef, useState } from 'preact/hooks'

const Close = createContext<() => void>(() => undefined)

interface MenuProps {
  label: ComponentChildren
  children: ComponentChildren
  class?: string
  /** Named for those who don't see the label. */
  name?: string
  disabled?: boolean
}

/** Menu is a button that opens a list of things to do. */
export function Menu({ label, children, class: look = 'button quiet', name, disabled }: MenuProps) {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const close = () => {
    setOpen(false)
    button.current?.focus()
  }
  return (
    <div class="menu-place" ref={box}>
      <button ref={button} class={look} aria-haspopup="menu" aria-expanded={open} aria-label={name} disabled={disabled} onClick={() => setOpen(!open)}>{label}</button>
      {open && <MenuBox inside={box} close={close} leave={() => setOpen(false)}>{children}</MenuBox>}
    </div>
  )
}

interface BoxProps {
  children: ComponentChildren
  inside: { current: HTMLElement | null }
  close: () => void
  leave: () => void
  at?: { x: number; y: number }
}

/** MenuBox is the list. Arrows move in it, Escape and a press beside it close it. */
export function MenuBox({ children, inside, close, leave, at }: BoxProps) {
  const box = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const el = box.current
    if (!el) return
    keepOnScreen(el, at)
    items(el)[0]?.focus()
    const press = (e: Event) => {
      if (!inside.current?.contains(e.target as Node)) leave()
    }
    document.addEventListener('pointerdown', press)
    return () => document.removeEventListener('pointerdown', press)
  }, [])
  const onKeyDown = (e: KeyboardEvent) => {
    const all = box.current ? items(box.current) : []
    const here = all.indexOf(document.activeElement as HTMLElement)
    const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: all.length - 1 }[e.key]
    if (to !== undefined) all[(to + all.length) % all.length]?.focus()
    else if (e.key === 'Escape') close()
    else if (e.key === 'Tab') return leave()
    else if (e.key.length === 1 && !e.metaKey && !e.ctrlKey) {
      const letter = e.key.toLowerCase()
      all.find((i) => i.dataset.key === letter)?.click()
    } else return
    e.preventDefault()
    e.stopPropagation()
  }
  return (
    <Close.Provider value={close}>
      <div class="menu" role="menu" ref={box} onKeyDown={onKeyDown}>{children}</div>
    </Close.Provider>
  )
}

const items = (el: HTMLElement): HTMLElement[] => [...el.querySelectorAll<HTMLElement>('[role^=menuitem]:not([aria-disabled=true])')]

function keepOnScreen(el: HTMLElement, at: { x: number; y: number } | undefined): void {
  if (at) {
    el.style.position = 'fixed'
    el.style.left = `${Math.max(8, Math.min(at.x, innerWidth - el.offsetWidth - 8))}px`
    el.style.top = `${Math.max(8, Math.min(at.y, innerHeight - el.offsetHeight - 8))}px`
    return
  }
  const r = el.getBoundingClientRect()
  if (r.right > innerWidth - 8) {
    el.style.left = 'auto'
    el.style.right = '0'
  }
  if (r.bottom > innerHeight - 8 && r.top - r.height > 40) {
    el.style.top = 'auto'
    el.style.bottom = '100%'
  }
}

interface ItemProps {
  children: ComponentChildren
  act: () => void
  checked?: boolean
  letter?: string
  /** Why it can't be done now. */
  lacks?: string
  /** Said to those who don't see what stands in it. */
  name?: string
  /** The menu stays open, for the next choice. */
  stays?: boolean
}

export function MenuItem({ children, act, checked, letter, lacks, name, stays }: ItemProps) {
  const close = useContext(Close)
  return (
    <button
      class="menu-item" role={checked === undefined ? 'menuitem' : 'menuitemcheckbox'} aria-checked={checked} aria-label={name} data-key={letter} tabIndex={-1}
      aria-disabled={lacks ? true : undefined}
      onClick={() => {
        if (lacks) return
        if (!stays) close()
        act()
      }}
    >
      {letter && <kbd aria-hidden="true">{letter}</kbd>}
      <span class="grow cut">{children}</span>
      {lacks && lacks.trim() !== '' && <span class="mut small">{lacks}</span>}
      {checked && <span aria-hidden="true">✓</span>}
    </button>
  )
}
