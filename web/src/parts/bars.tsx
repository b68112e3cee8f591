import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { count, oneLine } from '../state/text'
import './bars.css'

const few = 40
const number = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 })

/** Bars are numbers of names: a row for each, so that long names are read and nothing turns. */
export function Bars({ name, value, bars, show = (n) => oneLine(n, 200) }: { name: string; value: string; bars: { name: string; value: number }[]; show?: (name: string) => ComponentChildren }) {
  const [all, setAll] = useState(false)
  const most = bars.reduce((m, b) => Math.max(m, Math.abs(b.value)), 0) || 1
  const seen = all ? bars.slice(0, 2000) : bars.slice(0, few)
  return (
    <div class="bars" tabIndex={0} role="region" aria-label={`${value} by ${name}`}>
      <table>
        <thead><tr><th scope="col">{oneLine(name, 80)}</th><td /><th scope="col" class="number">{oneLine(value, 80)}</th></tr></thead>
        <tbody>
          {seen.map((b, i) => (
            <tr key={i}>
              <th scope="row" class="mono">{show(b.name)}</th>
              <td class="bar-track" aria-hidden="true"><i class={b.value < 0 ? 'less' : ''} style={{ width: `${(Math.abs(b.value) / most) * 100}%` }} /></td>
              <td class="number">{number.format(b.value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {!all && bars.length > few && <button type="button" class="link" onClick={() => setAll(true)}>{count(bars.length - few)} more</button>}
      {all && bars.length > 2000 && <p class="mut">{count(bars.length - 2000)} more, which the table has</p>}
    </div>
  )
}
