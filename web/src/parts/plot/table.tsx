import { useState } from 'preact/hooks'
import { count, oneLine } from '../../state/text'
import { dayAndClock, useZone, zoneName } from '../../state/time'
import type { PlotProps, PlotSeries } from '../plot'

const few = 200

/** PlotTable is a plot's numbers, made when somebody asks for them. */
export function PlotTable({ name, times, series, labels, show }: { name: string; times: readonly number[]; series: readonly PlotSeries[]; labels?: PlotProps['labels'] | undefined; show: (v: number) => string }) {
  const zone = useZone()
  const [open, setOpen] = useState(false)
  const [all, setAll] = useState(false)
  const seen = all ? times : times.slice(0, few)
  return (
    <details class="plot-numbers" onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary class="small mut">As a table</summary>
      {open && (
        <div class="plot-scroll" tabIndex={0} role="region" aria-label={`${name} as a table`}>
          <table>
            <thead><tr><th scope="col">Time {zoneName(zone)}</th>{labels && <th scope="col">{labels.name}</th>}{series.map((s) => <th key={s.name} scope="col" class="number">{oneLine(s.name, 80)}</th>)}</tr></thead>
            <tbody>{seen.map((t, i) => <tr key={i}><th scope="row">{dayAndClock(t, zone)}</th>{labels && <td class="mono">{oneLine(labels.of[i] ?? '', 200)}</td>}{series.map((s) => <td key={s.name} class="number">{valueOf(s.values[i], show)}</td>)}</tr>)}</tbody>
          </table>
          {!all && times.length > few && <button type="button" class="link" onClick={() => setAll(true)}>All {count(times.length)} times</button>}
        </div>
      )}
    </details>
  )
}

const valueOf = (v: number | null | undefined, show: (v: number) => string): string => (v === null || v === undefined ? '' : show(v))
