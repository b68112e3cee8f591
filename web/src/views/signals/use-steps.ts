import { useEffect, useState } from 'preact/hooks'
import { readAhead, type Signal } from '../../api/signals'
import { change, go, pathOf } from '../../state/address'
import { useKeys } from '../../state/keys'
import type { Item } from './items'
import type { Queue } from './use-queue'
import type { Selection } from './use-selection'

/** Steps is where the keyboard is in the list: on the open signal, or on the heading of a group. */
export interface Steps {
  /** The key of the row. */
  at: string | undefined
  /** The group whose heading it is on. */
  group: (Item & { kind: 'group' })['group'] | undefined
  open(s: Signal | undefined, how?: 'panel' | 'page'): void
  /** The row was pressed. */
  press(i: Item, how: 'panel' | 'page'): void
}

/** useSteps moves through the rows by key, opens and ticks them. */
export function useSteps(queue: Queue, open: string, opened: Signal | undefined, selection: Selection, narrow: boolean): Steps {
  const { items } = queue
  const [heading, setHeading] = useState('')
  useEffect(() => setHeading(''), [open])
  const key = heading !== '' && items.some((i) => i.key === heading) ? heading : open
  const at = items.findIndex((i) => i.key === key)
  const here = items[at]
  const group = here?.kind === 'group' ? here.group : undefined
  const openSignal = (s: Signal | undefined, how: 'panel' | 'page' = 'panel') => {
    if (!s) return
    setHeading('')
    if (how === 'page') go(pathOf(['signals', s.id]))
    else change({ signal: s.id }, open === '' || narrow ? 'push' : 'replace')
  }
  const to = (i: Item | undefined) => {
    if (i?.kind === 'signal') openSignal(i.signal)
    else if (i?.kind === 'group') setHeading(i.key)
  }
  const next = (by: number): Item | undefined => {
    let n = at < 0 ? 0 : at + by
    while (items[n]?.kind === 'note') n += by
    return items[Math.max(0, Math.min(items.length - 1, n))]
  }
  const step = (by: number, extend = false) => {
    const i = next(by)
    const ahead = items[items.indexOf(i as Item) + by]
    if (ahead?.kind === 'signal') readAhead(ahead.signal.id)
    if (extend && i?.kind === 'signal') {
      if (here?.kind === 'signal' && selection.ticked.size === 0) selection.toggle(here.signal.id)
      selection.extend(i.signal.id)
    }
    to(i)
  }
  const fold = (wanted: boolean) => group && group.isOpen !== wanted && queue.toggle(group.value)
  useKeys([
    { keys: 'j', does: 'move', act: () => step(1) },
    { keys: 'k', does: 'move up', act: () => step(-1) },
    { keys: 'Shift+j', does: 'select further', act: () => step(1, true) },
    { keys: 'Shift+k', does: 'select further up', act: () => step(-1, true) },
    { keys: 'ArrowDown', does: '', act: () => step(1) },
    { keys: 'ArrowUp', does: '', act: () => step(-1) },
    { keys: 'ArrowRight', does: '', act: () => fold(true) },
    { keys: 'ArrowLeft', does: '', act: () => fold(false) },
    { keys: 'x', does: 'select', act: () => here?.kind === 'signal' && selection.toggle(here.signal.id) },
    { keys: 'Enter', does: 'full page', act: () => (group ? queue.toggle(group.value) : openSignal(opened, 'page')) },
    { keys: 'Escape', does: 'close, select nothing', act: () => (selection.ticked.size > 0 ? selection.clear() : change({ signal: undefined })) },
    { keys: '.', does: 'show newer', act: queue.list.again },
  ])
  return {
    at: key === '' ? undefined : key, group, open: openSignal,
    press: (i, how) => {
      if (i.kind === 'signal') openSignal(i.signal, how)
      else if (i.kind === 'group') (setHeading(i.key), queue.toggle(i.group.value))
    },
  }
}
