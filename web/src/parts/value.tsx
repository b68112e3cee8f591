import { oneLine, shown } from '../state/text'
import { openValue } from '../state/values'
import { tell } from '../state/done'

interface ValueProps {
  field: string
  value: string
  /** Shown instead of the value. */
  text?: string
  class?: string
}

/** Value is a value of an event or a signal. A press opens what can be done with it. */
export function Value({ field, value, text, class: look = 'mono' }: ValueProps) {
  return (
    <button
      class={'value ' + look} aria-haspopup="menu" aria-expanded="false" data-field={field} data-value={value} title={`${field}: ${oneLine(value, 500)}`}
      onClick={(e) => {
        e.stopPropagation()
        const r = e.currentTarget.getBoundingClientRect()
        openValue({ field, value, at: { x: r.left, y: r.bottom + 4 }, from: e.currentTarget })
      }}
    >{shown(text ?? value)}</button>
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
