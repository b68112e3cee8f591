import { useEffect, useRef, useState } from 'preact/hooks'
import { change } from '../../state/address'
import { useKeys } from '../../state/keys'
import { count, plural } from '../../state/text'
import { levelNames, levelOfRule, levels, levelSigns, type Cell, type ColumnOf } from './levels'

/** Item is what stands in a column: a technique, or one of its sub-techniques. */
interface Item {
  cell: Cell
  sub: boolean
}

/** itemsOf are a column's techniques, each followed by its sub-techniques that have rules; of all that are shown, by those of the open one. */
function itemsOf(column: ColumnOf, open: string, all: boolean): Item[] {
  return column.cells.flatMap((cell) => {
    const subs = cell.subs.filter((s) => s.level !== 'none' || (all && (open === cell.technique.id || open.startsWith(cell.technique.id + '.'))))
    return [{ cell, sub: false }, ...subs.map((s) => ({ cell: s, sub: true }))]
  })
}

interface GridProps {
  columns: ColumnOf[]
  /** The technique or tactic that is open; empty: none. */
  open: string
  all: boolean
}

/** Grid is the matrix: tactics are columns, and the arrows lead from cell to cell. */
export function Grid({ columns, open, all }: GridProps) {
  const table = useRef<HTMLTableElement>(null)
  const [at, setAt] = useState({ row: 0, column: 0 })
  const lists = columns.map((c) => itemsOf(c, open, all))
  const rows = Math.max(0, ...lists.map((l) => l.length))
  const column = Math.min(at.column, columns.length - 1)
  const row = Math.min(at.row, (lists[column]?.length ?? 1) - 1)
  const focus = (r: number, c: number) => {
    const to = { column: Math.max(0, Math.min(columns.length - 1, c)), row: Math.max(-1, r) }
    to.row = Math.min(to.row, (lists[to.column]?.length ?? 0) - 1)
    setAt(to)
    table.current?.querySelector<HTMLElement>(`[data-at='${to.row} ${to.column}']`)?.focus()
  }
  useEffect(() => {
    // What is open by the address is where the keys begin.
    const c = lists.findIndex((l) => l.some((i) => i.cell.technique.id === open))
    if (c >= 0) setAt({ column: c, row: lists[c]?.findIndex((i) => i.cell.technique.id === open) ?? 0 })
  }, [open])
  useKeys([{ keys: '/', does: 'find', act: () => document.getElementById('technique-words')?.focus() }])
  const keyed = (e: KeyboardEvent) => {
    const moves: Record<string, [number, number]> = { ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1], Home: [row, 0], End: [row, columns.length - 1], PageDown: [row + 10, column], PageUp: [Math.max(0, row - 10), column] }
    const to = moves[e.key]
    if (!to) return
    e.preventDefault()
    e.stopPropagation()
    focus(...to)
  }
  return (
    <div class="coverage-scroll">
      <table class="coverage-grid" role="grid" aria-label="Tactics and techniques" aria-rowcount={rows + 1} aria-colcount={columns.length} ref={table} style={{ minWidth: `${columns.length * 108}px` }} onKeyDown={keyed}>
        <thead>
          <tr role="row">{columns.map((c, i) => <TacticHead key={c.tactic.id} column={c} at={`-1 ${i}`} focused={row === -1 && column === i} open={open === c.tactic.id} enter={() => setAt({ row: -1, column: i })} />)}</tr>
        </thead>
        <tbody>
          {Array.from({ length: rows }, (_, r) => (
            <tr role="row" key={r}>
              {lists.map((l, c) => {
                const item = l[r]
                if (!item) return <td key={c} role="gridcell" class="coverage-void" />
                return (
                  <td key={c} role="gridcell" aria-selected={item.cell.technique.id === open}>
                    <CellButton item={item} at={`${r} ${c}`} focused={row === r && column === c} open={item.cell.technique.id === open} enter={() => setAt({ row: r, column: c })} />
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

interface Press {
  at: string
  focused: boolean
  open: boolean
  enter: () => void
}

function TacticHead({ column: c, at, focused, open, enter }: Press & { column: ColumnOf }) {
  return (
    <th role="columnheader" scope="col">
      <button class="coverage-tactic" data-at={at} tabIndex={focused ? 0 : -1} aria-pressed={open} onFocus={enter} onClick={() => change({ technique: open ? undefined : c.tactic.id })}>
        <span>{c.tactic.name}</span>
        <small>{count(c.proved)} of {count(c.total)} proved</small>
      </button>
    </th>
  )
}

/** CellButton is a technique: its name, how it is covered by sign, word and colour, and by how many rules. */
export function CellButton({ item: { cell, sub }, at, focused, open, enter }: Press & { item: Item }) {
  const told = levels.flatMap((l) => {
    const n = cell.rules.filter((r) => levelOfRule(r) === l).length
    return n > 0 ? [`${count(n)} ${levelNames[l].toLowerCase()}`] : []
  })
  const more = cell.subs.filter((s) => s.level === 'none').length
  return (
    <button
      class={`coverage-cell ${cell.level} ${sub ? 'sub' : ''}`} data-at={at} tabIndex={focused ? 0 : -1} aria-pressed={open} onFocus={enter}
      title={`${cell.technique.id} ${cell.technique.name}: ${cell.level === 'none' ? 'no rule' : told.join(', ')}${more > 0 ? `; ${plural(more, 'sub-technique has', 'sub-techniques have')} no rule` : ''}`}
      onClick={() => change({ technique: open ? undefined : cell.technique.id })}
    >
      <span class="coverage-name">{cell.technique.name}</span>
      <span class="coverage-sign"><i aria-hidden="true">{levelSigns[cell.level]}</i>{cell.rules.length > 0 && count(cell.rules.length)}<span class="unseen"> {cell.technique.id}, {cell.level === 'none' ? 'no rule' : told.join(', ')}</span></span>
    </button>
  )
}
