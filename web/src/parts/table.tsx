import { Component, type ComponentChildren } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { useLate } from '../state/ask'
import { usePreferences } from '../state/preferences'
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

/** aging is after how many milliseconds a row is drawn again that is as it was: it may say how old it is. */
const aging = 10_000

/**
 * Table is a grid of rows of one height; only those on the screen are in the document. A row
 * is drawn again when what it is made of is another: its value, the columns, a preference.
 */
export function Table<T>(p: TableProps<T>) {
  const box = useRef<HTMLDivElement>(null)
  const latest = useRef(p)
  latest.current = p
  const preferences = usePreferences()
  const rows = useVirtualRows(box, p.rows.length, p.rowHeight)
  const tracks = p.columns.map((c) => c.width).join(' ')
  const at = p.current === undefined ? -1 : p.rows.findIndex((r) => p.keyOf(r) === p.current)
  useEffect(() => {
    if (at >= 0) rows.scrollTo(at)
  }, [p.current])
  const scrolled = useAnchor(box, p)
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
        onScroll={(e) => {
          scrolled.current = e.currentTarget.scrollTop
          p.onScrolled?.(scrolled.current)
        }}
        aria-activedescendant={at >= 0 && rows.shown.some((v) => v.index === at) ? 'row-' + p.current : undefined}
      >
        <div role="rowgroup" class="table-heads">
          <div class="table-head" role="row" style={{ gridTemplateColumns: tracks }}>
            {p.columns.map((c) => <Heading key={c.id} column={c} sort={p.sort} onSort={p.onSort} />)}
          </div>
        </div>
        <div role="rowgroup" class="table-body" style={{ height: `${rows.height}px`, position: 'relative' }}>
          {rows.shown.map((v) => {
            const row = p.rows[v.index]
            if (row === undefined) return null
            const key = p.keyOf(row)
            return (
              <Row<T>
                key={v.index} latest={latest} row={row} id={key} index={v.index} top={v.start} height={p.rowHeight} columns={p.columns} tracks={tracks} span={p.span?.(row)} tree={p.span !== undefined}
                ticks={p.onTick !== undefined} ticked={p.ticked?.has(key) === true} current={key === p.current} look={p.rowClass?.(row) ?? ''} preferences={preferences} age={Math.floor(Date.now() / aging)}
              />
            )
          })}
        </div>
      </div>
    </div>
  )
}

/**
 * useAnchor keeps the row at the top of what is seen where it is, when others come or go
 * above it; another order begins at its top. It gives how far the box is scrolled, as it was
 * told: to ask the box would have the browser lay out what was just drawn.
 */
function useAnchor<T>(box: { current: HTMLElement | null }, p: TableProps<T>): { current: number } {
  const before = useRef({ rows: p.rows, sort: p.sort })
  const scrolled = useRef(0)
  useLayoutEffect(() => {
    const el = box.current
    const was = before.current
    before.current = { rows: p.rows, sort: p.sort }
    if (!el || scrolled.current === 0) return
    if (was.sort !== p.sort) {
      el.scrollTop = 0
      return
    }
    const first = Math.floor(el.scrollTop / p.rowHeight)
    const seen = was.rows[first]
    const now = seen === undefined ? -1 : p.rows.findIndex((r) => p.keyOf(r) === p.keyOf(seen))
    if (now >= 0 && now !== first) el.scrollTop += (now - first) * p.rowHeight
  }, [p.rows, p.sort])
  return scrolled
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
  latest: { current: TableProps<T> }
  row: T
  id: string
  index: number
  /** In pixels. */
  top: number
  height: number
  columns: Column<T>[]
  tracks: string
  span: Span | undefined
  /** There are rows that are spans. */
  tree: boolean
  ticks: boolean
  ticked: boolean
  current: boolean
  look: string
  preferences: unknown
  age: number
}

/** Row is a place among the rows, which shows one after another: what stands there is changed, not made anew. */
class Row<T> extends Component<RowProps<T>> {
  override shouldComponentUpdate(next: RowProps<T>): boolean {
    return (Object.keys(next) as (keyof RowProps<T>)[]).some((name) => next[name] !== this.props[name])
  }

  override render({ latest, row, id, index, top, height, columns, tracks, span, tree, ticks, ticked, current, look }: RowProps<T>) {
    return (
      <div
        id={'row-' + id} role="row" aria-rowindex={index + 1} aria-selected={current} aria-expanded={span?.isOpen} aria-level={tree ? (span?.isOpen === undefined ? 2 : 1) : undefined}
        class={`table-row ${ticked ? 'ticked' : ''} ${span ? 'span' : ''} ${look}`}
        style={{ gridTemplateColumns: tracks, transform: `translateY(${top}px)`, height: `${height}px` }}
        onClick={(e) => {
          const p = latest.current
          if (p.onTick && e.shiftKey) p.onTick(row, 'to here')
          else if (p.onTick && (e.metaKey || e.ctrlKey)) p.onTick(row, 'one')
          else p.onOpen(row, 'panel')
        }}
        onDblClick={() => latest.current.onOpen(row, 'page')}
      >
        {span ? <div role="gridcell" aria-colspan={columns.length} class="cell-span cut">{span.content}</div> : columns.map((c, i) => (
          <div key={c.id} role="gridcell" class={`cell-${c.id} ${c.number ? 'number' : 'cut'}`}>
            {i === 0 && ticks && (
              <input
                type="checkbox" class="tick" aria-label="Select" tabIndex={-1} checked={ticked}
                onClick={(e) => (e.stopPropagation(), latest.current.onTick?.(row, e.shiftKey ? 'to here' : 'one'))}
              />
            )}
            {c.cell(row)}
          </div>
        ))}
      </div>
    )
  }
}
