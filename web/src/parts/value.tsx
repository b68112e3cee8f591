import { useRef, useState } from 'preact/hooks'
import { entityPath, go, pathOf, useAddress } from '../state/address'
import { tell } from '../state/done'
import { excluding } from '../state/query'
import { both, oneLine, shown, term } from '../state/text'
import { views } from '../views'
import { MenuBox, MenuItem } from './menu'

interface ValueProps {
  field: string
  value: string
  /** Shown instead of the value. */
  text?: string
  class?: string
}

/** Value is a value of an event or a signal. A press opens what can be done with it. */
export function Value({ field, value, text, class: look = 'mono' }: ValueProps) {
  const [at, setAt] = useState<{ x: number; y: number } | undefined>()
  const box = useRef<HTMLSpanElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  return (
    <span class="value-place" ref={box}>
      <button
        ref={button} class={'value ' + look} aria-haspopup="menu" aria-expanded={at !== undefined} title={`${field}: ${oneLine(value, 500)}`}
        onClick={(e) => {
          e.stopPropagation()
          const r = e.currentTarget.getBoundingClientRect()
          setAt(at ? undefined : { x: r.left, y: r.bottom + 4 })
        }}
      >{shown(text ?? value)}</button>
      {at && (
        <MenuBox inside={box} at={at} close={() => (setAt(undefined), button.current?.focus())} leave={() => setAt(undefined)}>
          <ValueActions field={field} value={value} />
        </MenuBox>
      )}
    </span>
  )
}

/** ValueActions are what can be done with a value, wherever it is seen. */
export function ValueActions({ field, value }: { field: string; value: string }) {
  const { parts, query } = useAddress()
  const here = parts[0] === 'search' ? 'search' : 'signals'
  const inList = parts.length === 1
  const asked = inList ? (query.get('query') ?? (here === 'search' ? '*' : '@nightjar.state:(open OR under_review)')) : '*'
  const keep = (q: string) => go(pathOf([here], { ...(inList ? Object.fromEntries(query) : {}), query: q }))
  const has = (name: string) => views.some((v) => v.name === name)
  return (
    <>
      <p class="menu-head"><code>{oneLine(field, 80)}</code> {oneLine(value, 120)}</p>
      <MenuItem letter="+" act={() => keep(both(asked, term(field, value)))}>Only these</MenuItem>
      <MenuItem letter="-" act={() => keep(excluding(asked, field, value))}>Not these</MenuItem>
      {has('search') && <MenuItem letter="=" act={() => go(pathOf(['search'], { query: term(field, value) }))}>Search events with it</MenuItem>}
      {has('entity') && <MenuItem letter="i" act={() => go(entityPath(field, value))}>All about it</MenuItem>}
      <MenuItem letter="s" act={() => go(pathOf(['signals'], { query: term(field, value), from: 'now-30d' }))}>Its signals of 30 days</MenuItem>
      <MenuItem letter="c" act={() => void copy(value)}>Copy</MenuItem>
    </>
  )
}

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    tell({ text: 'Copied.' })
  } catch {
    tell({ text: 'This browser lets the page copy nothing.', failed: true })
  }
}
