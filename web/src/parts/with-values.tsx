import type { ComponentChildren } from 'preact'
import { shown } from '../state/text'
import { openValue } from '../state/values'

export interface Found {
  field: string
  value: string
}

// A text has the menus of so many values, in so much of it: a record may be a megabyte.
const most = 200
export const within = 16_384
const shortest = 3
const longest = 500

/**
 * WithValues is a text in which the values of fields can be pressed, where they stand in it as
 * they are. It stays text, which can be marked and copied; a list of the fields beside it has
 * the same values for who comes by the keyboard.
 */
export function WithValues({ text, values }: { text: string; values: Found[] }) {
  return <>{parts(text, values)}</>
}

function parts(text: string, values: Found[]): ComponentChildren[] {
  const out: ComponentChildren[] = []
  let at = 0
  for (const { from, to, found } of places(text.slice(0, within), values)) {
    if (from > at) out.push(shown(text.slice(at, from)))
    out.push(<span key={from} class="value-in-text" data-field={found.field} data-value={found.value} onClick={(e) => press(e, found)}>{shown(text.slice(from, to))}</span>)
    at = to
  }
  return [...out, shown(text.slice(at))]
}

/** press opens the menu of a value that stands in a text, unless somebody marks text. */
export function press(e: MouseEvent, { field, value }: Found): void {
  if (getSelection()?.isCollapsed === false) return
  openValue({ field, value, at: { x: e.clientX, y: e.clientY + 8 }, from: undefined })
}

/** places are where values stand in a text, the longest first where two would overlap, in the order of the text. */
export function places(text: string, values: Found[]): { from: number; to: number; found: Found }[] {
  const taken: { from: number; to: number; found: Found }[] = []
  const known = new Map(values.filter((v) => v.value.length >= shortest && v.value.length <= longest).map((v) => [v.value, v]))
  for (const found of [...known.values()].sort((a, b) => b.value.length - a.value.length).slice(0, most)) {
    for (let from = text.indexOf(found.value); from >= 0 && taken.length < most; from = text.indexOf(found.value, from + found.value.length)) {
      const to = from + found.value.length
      const isWord = !/[\p{L}\p{N}_]/u.test((text[from - 1] ?? '') + (text[to] ?? ''))
      if (isWord && !taken.some((t) => from < t.to && to > t.from)) taken.push({ from, to, found })
    }
  }
  return taken.sort((a, b) => a.from - b.from)
}
