import { useMemo, useState } from 'preact/hooks'
import { count, oneLine, shown } from '../state/text'
import { places, press, within, type Found } from './with-values'
import './raw-record.css'

/** Mark is a value that stands in a record; the first of each value has its number. */
export interface Mark {
  n: number
  from: number
  to: number
  found: Found
  first: boolean
}

/** marksOf finds where in a record the values of fields stand, and numbers them as they come. */
export function marksOf(raw: string, fields: readonly Found[]): Mark[] {
  const numbers = new Map<string, number>()
  return places(raw.slice(0, within), [...fields]).map((p) => {
    const known = numbers.get(p.found.value)
    const n = known ?? numbers.size + 1
    numbers.set(p.found.value, n)
    return { ...p, n, first: known === undefined }
  })
}

interface RecordProps {
  raw: string
  marks: readonly Mark[]
  /** The number that is looked at. */
  lit: number | undefined
  onLight: (n: number) => void
}

/** RawRecord is an event as it came. A value has its menu; its number points to the fields that were read from it. */
export function RawRecord({ raw, marks, lit, onLight }: RecordProps) {
  const [all, setAll] = useState(false)
  const text = all ? raw : raw.slice(0, within)
  const parts = useMemo(() => {
    let at = 0
    const out: { text: string; mark?: Mark }[] = []
    for (const mark of marks) {
      out.push({ text: text.slice(at, mark.from) }, { text: text.slice(mark.from, mark.to), mark })
      at = mark.to
    }
    return [...out, { text: text.slice(at) }]
  }, [text, marks])
  return (
    <>
      <pre class="event-raw">
        {parts.map(({ text, mark }, i) => (mark ? <Marked key={i} text={text} mark={mark} lit={lit} onLight={onLight} /> : shown(text)))}
      </pre>
      {!all && raw.length > within && <button class="link" onClick={() => setAll(true)}>Show all {count(raw.length)} characters</button>}
    </>
  )
}

function Marked({ text, mark: { n, found, first }, lit, onLight }: { text: string; mark: Mark; lit: number | undefined; onLight: (n: number) => void }) {
  return (
    <>
      <span class={'value-in-text raw-mark' + (lit === n ? ' lit' : '')} data-field={found.field} data-value={found.value} onClick={(e) => press(e, found)}>{shown(text)}</span>
      {first && <button class="raw-number" aria-pressed={lit === n} aria-label={`${n}: the field ${oneLine(found.field, 80)}`} onClick={() => onLight(n)}>{n}</button>}
    </>
  )
}
