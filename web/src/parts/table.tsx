import type { ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { useLate } from '../state/ask'
import { useVirtualRows } from './virtual'

export interface Column<T> {
  id: string
  title: string
  /** As a track of a CSS grid: 80px, minmax(0,1fr). */
  width: string
  number?: boolean
  /** What to sort by; undefined: it can't be. With a minus: downwards only. */
  sort?: string
  cell: (row: T) => ComponentChildren
}

/** Span is what a row has instead of columns. */
export interface Span {
  content: ComponentChildren
  /** Rows of its own are shown below it, or could be; undefined: it has none. */
  isOpen?: boolean
}

interface TableProps<T> {
  name: string
  columns: Column<T>[]
  rows: T[]
  /** How many there are, loaded or not; undefined: not known. */
  total: number | undefined
  keyOf: (row: T) => string
  rowHeight: number
  /** The key of the row that is open, and of those that are ticked. */
  current: string | undefined
  ticked?: ReadonlySet<string>
  sort: string
  onSort: (sort: string) => void
  onOpen: (row: T, how: 'panel' | 'page') => void
  /** Absent: nothing is ticked here. */
  onTick?: (row: T, how: 'one' | 'to here') => void
  /** Called when the end comes near. */
  onEnd: () => void
  /** No row is known yet: bones are shown in their place. */
  loading?: boolean
  /** Told how far the rows are scrolled, in pixels. */
  onScrolled?: (top: number) => void
  rowClass?: (row: T) => string
  /** A row that is one cell, such as the heading of a group; undefined: it has the columns. */
  span?: (row: T) => Span | undefined
  /** Between the headings and the rows. */
  strip?: ComponentChildren
}

/** Table is a grid of rows of one height; only those on the screen are in the document. */
export function Table<T>(p: TableProps<T>) {
  const box = useRef<HTMLDivElement>(null)
  const rows = useVirtualRows(box, p.rows.length, p.rowHeight)
  const tracks = p.columns.map((c) => c.width).join(' ')
  const at = p.current === undefined ? -1 : p.rows.findIndex((r) => p.keyOf(r) === p.current)
  useEffect(() => {
    if (at >= 0) rows.scrollTo(at)
  }, [p.current])
  useAnchor(box, p)
  const last = rows.shown.at(-1)?.index ?? 0
  useEffect(() => {
    if (p.rows.length > 0 && last >= p.rows.length - 30) p.onEnd()
  }, [last, p.rows.length])
  return (
    <div class="table">
      {p.strip}
      {p.loading && <Bones columns={p.columns.length} tracks={tracks} height={p.rowHeight} />}
      <div
        class="table-rows" role={p.span ? 'treegrid' : 'grid'} aria-label={p.name} aria-rowcount={p.total ?? -1} aria-multiselectable={p.onTick !== undefined} ref={box} tabIndex={0}
        onScroll={(e) => p.onScrolled?.(e.currentTarget.scrollTop)}
        aria-activedescendant={at >= 0 && rows.shown.some((v) => v.index === at) ? 'row-' + p.current : undefined}
      >
        <div role="rowgroup" class="table-heads">
          <div class="table-head" role="row" style={{ gridTemplateColumns: tracks }}>
            {p.columns.map((c) => <Heading key={c.id} column={c} sort={p.sort} onSort={p.onSort} />)}
          </div>
        </div>
        <div role="rowgroup" style={{ height: `${rows.height}px`, position: 'relative' }}>
          {rows.shown.map((v) => {
            const row = p.rows[v.index]
            return row === undefined ? null : <Row key={p.keyOf(row)} p={p} row={row} index={v.index} top={v.start} tracks={tracks} />
          })}
        </div>
      </div>
    </div>
  )
}

/** useAnchor keeps the row at the top of what is seen where it is, when others come or go above it; another order begins at its top. */
function useAnchor<T>(box: { current: HTMLElement | null }, p: TableProps<T>): void {
  const before = useRef({ rows: p.rows, sort: p.sort })
  useLayoutEffect(() => {
    const el = box.current
    const was = before.current
    before.current = { rows: p.rows, sort: p.sort }
    if (!el || el.scrollTop === 0) return
    if (was.sort !== p.sort) {
      el.scrollTop = 0
      return
    }
    const first = Math.floor(el.scrollTop / p.rowHeight)
    const seen = was.rows[first]
    const now = seen === undefined ? -1 : p.rows.findIndex((r) => p.keyOf(r) === p.keyOf(seen))
    if (now >= 0 && now !== first) el.scrollTop += (now - first) * p.rowHeight
  }, [p.rows, p.sort])
}

/** Bones stand where rows will, as tall as they; only when it takes a while. */
function Bones({ columns, tracks, height }: { columns: number; tracks: string; height: number }) {
  if (!useLate(true, 150)) return null
  return (
    <div class="table-bones" aria-hidden="true">
      {Array.from({ length: 12 }, (_, i) => (
        <div key={i} class="table-bone" style={{ gridTemplateColumns: tracks, height: `${height}px` }}>{Array.from({ length: columns }, (_, c) => <i key={c} class="bone" />)}</div>
      ))}
    </div>
  )
}

function Heading<T>({ column: c, sort, onSort }: { column: Column<T>; sort: string; onSort: (sort: string) => void }) {
  const only = c.sort?.startsWith('-')
  const name = c.sort?.replace(/^-/, '')
  const down = name !== undefined && sort === '-' + name
  const up = name !== undefined && sort === name
  return (
    <div role="columnheader" class={c.number ? 'number' : ''} aria-sort={down ? 'descending' : up ? 'ascending' : undefined}>
      {c.sort === undefined ? c.title : (
        <button onClick={() => onSort(down && !only ? (name ?? '') : '-' + name)}>
          {c.title}{down && <span aria-hidden="true"> ↓</span>}{up && <span aria-hidden="true"> ↑</span>}
        </button>
      )}
    </div>
  )
}

interface RowProps<T> {
  p: TableProps<T>
  row: T
  index: number
  top: number
  tracks: string
}

function Row<T>({ p, row, index, top, tracks }: RowProps<T>) {
  const key = p.keyOf(row)
  const isTicked = p.ticked?.has(key) === true
  const span = p.span?.(row)
  return (
    <div
      id={'row-' + key} role="row" aria-rowindex={index + 1} aria-selected={key === p.current} aria-expanded={span?.isOpen} aria-level={p.span ? (span?.isOpen === undefined ? 2 : 1) : undefined}
      class={`table-row ${isTicked ? 'ticked' : ''} ${span ? 'span' : ''} ${p.rowClass?.(row) ?? ''}`}
      style={{ gridTemplateColumns: tracks, transform: `translateY(${top}px)`, height: `${p.rowHeight}px` }}
      onClick={(e) => {
        if (p.onTick && e.shiftKey) p.onTick(row, 'to here')
        else if (p.onTick && (e.metaKey || e.ctrlKey)) p.onTick(row, 'one')
        else p.onOpen(row, 'panel')
      }}
      onDblClick={() => p.onOpen(row, 'page')}
    >
      {span ? <div role="gridcell" aria-colspan={p.columns.length} class="cell-span cut">{span.content}</div> : p.columns.map((c, i) => (
        <div key={c.id} role="gridcell" class={`cell-${c.id} ${c.number ? 'number' : 'cut'}`}>
          {i === 0 && p.onTick && (
            <input
              type="checkbox" class="tick" aria-label="Select" tabIndex={-1} checked={isTicked}
              onClick={(e) => (e.stopPropagation(), p.onTick?.(row, e.shiftKey ? 'to here' : 'one'))}
            />
          )}
          {c.cell(row)}
        </div>
      ))}
    </div>
  )
}
