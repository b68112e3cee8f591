import type { ComponentChildren } from 'preact'
import { useKeys } from '../state/keys'
import './keep.css'

export interface Cell<T> {
  title: string
  cell: (row: T) => ComponentChildren
  number?: boolean
  /** It is left out on a telephone. */
  minor?: boolean
}

interface ListingProps<T> {
  name: string
  cells: Cell<T>[]
  rows: T[]
  keyOf: (row: T) => string
  /** The key of the row that is open. */
  current?: string | undefined
  /** Absent: rows don't open. */
  onOpen?: (key: string) => void
}

/** Listing is a table of a bounded number of rows, all of them in the document. */
export function Listing<T>(p: ListingProps<T>) {
  return (
    <table class={'listing ' + (p.onOpen ? 'opens' : '')} aria-label={p.name}>
      <thead>
        <tr>{p.cells.map((c) => <th key={c.title} scope="col" class={classOf(c)}>{c.title}</th>)}</tr>
      </thead>
      <tbody>
        {p.rows.map((row) => {
          const key = p.keyOf(row)
          return (
            <tr key={key} aria-current={key === p.current ? 'true' : undefined} onClick={(e) => isPressable(e.target) || p.onOpen?.(key)}>
              {p.cells.map((c, i) => (
                <td key={c.title} class={classOf(c)}>
                  {i === 0 && p.onOpen ? <button class="listing-open" onClick={() => p.onOpen?.(key)}>{c.cell(row)}</button> : c.cell(row)}
                </td>
              ))}
            </tr>
          )
        })}
      </tbody>
      {p.onOpen && <ListingKeys keys={p.rows.map(p.keyOf)} current={p.current} onOpen={p.onOpen} />}
    </table>
  )
}

/** isPressable reports whether something in a row has a press of its own. */
const isPressable = (at: EventTarget | null): boolean => at instanceof Element && at.closest('a, button, input, select, label') !== null

const classOf = <T,>(c: Cell<T>): string => `${c.number ? 'number' : ''} ${c.minor ? 'minor' : ''}`.trim()

/** ListingKeys lets j and k open the next row and the one before. */
function ListingKeys({ keys, current, onOpen }: { keys: string[]; current: string | undefined; onOpen: (key: string) => void }) {
  const at = current === undefined ? -1 : keys.indexOf(current)
  const to = (n: number) => {
    const key = keys[Math.max(0, Math.min(keys.length - 1, n))]
    if (key !== undefined) onOpen(key)
  }
  useKeys([
    { keys: 'j', does: 'next', act: () => to(at + 1) },
    { keys: 'k', does: 'before', act: () => to(at < 0 ? 0 : at - 1) },
    { keys: 'ArrowDown', does: '', act: () => to(at + 1) },
    { keys: 'ArrowUp', does: '', act: () => to(at < 0 ? 0 : at - 1) },
  ])
  return null
}
