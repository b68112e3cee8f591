import { useEffect, useRef, useState } from 'preact/hooks'
import { Virtualizer, elementScroll, observeElementOffset, observeElementRect, type VirtualItem } from '@tanstack/virtual-core'

/** Rows are those on the screen and five beyond, and how tall all are together. */
export interface Rows {
  shown: VirtualItem[]
  height: number
  scrollTo(index: number): void
}

/** How tall the headings are, which stay above the rows. */
const head = 24

/** useVirtualRows keeps a long list short in the document. Every row is as tall. */
export function useVirtualRows(box: { current: HTMLElement | null }, count: number, height: number): Rows {
  const [, redraw] = useState({})
  const held = useRef<Virtualizer<HTMLElement, Element> | undefined>(undefined)
  const options = {
    count, estimateSize: () => height, overscan: 5, scrollPaddingEnd: head, getScrollElement: () => box.current,
    scrollToFn: elementScroll, observeElementRect, observeElementOffset, onChange: () => redraw({}),
  }
  held.current ??= new Virtualizer<HTMLElement, Element>(options)
  const v = held.current
  v.setOptions(options)
  useEffect(() => v._didMount(), [])
  useEffect(() => v._willUpdate())
  useEffect(() => v.measure(), [height])
  return { shown: v.getVirtualItems(), height: v.getTotalSize(), scrollTo: (i) => v.scrollToIndex(i, { align: 'auto' }) }
}
