// What of an answer can be drawn: numbers over time as lines, numbers of names as bars.
import type { SQLResult } from '../../api/sql'
import type { PlotSeries } from '../../parts/plot'

export type Chart =
  | { kind: 'lines'; times: number[]; series: PlotSeries[] }
  | { kind: 'bars'; name: string; value: string; bars: { name: string; value: number }[] }
  | { kind: 'none'; why: string }

/** chartOf is the drawing that an answer suggests. */
export function chartOf(r: SQLResult): Chart {
  const types = r.columns.map((c) => bare(c.type))
  const numbers = types.flatMap((t, i) => (isNumber(t) ? [i] : []))
  const time = types.findIndex((t) => /^Date/.test(t))
  const name = types.findIndex((t) => !isNumber(t) && !/^(Date|Array|Map|Tuple|JSON)/.test(t))
  if (numbers.length === 0) return { kind: 'none', why: 'A chart needs a column of numbers.' }
  if (r.rows.length === 0) return { kind: 'none', why: 'There is no row to draw.' }
  if (time >= 0) return linesOf(r, time, name, numbers)
  const [value] = numbers
  if (name < 0 || value === undefined) return { kind: 'none', why: 'A chart needs a column of times or of names beside its numbers.' }
  return { kind: 'bars', name: r.columns[name]?.name ?? '', value: r.columns[value]?.name ?? '', bars: r.rows.map((row) => ({ name: row[name] === null ? 'null' : String(row[name]), value: Number(row[value] ?? 0) })) }
}

/** bare is a type without what wraps it. */
function bare(type: string): string {
  const inner = /^(?:Nullable|LowCardinality)\((.*)\)$/.exec(type)
  return inner ? bare(inner[1] ?? '') : type
}

export const isNumber = (type: string): boolean => /^(U?Int|Float|Decimal|BFloat)/.test(bare(type))

/** linesOf is a line for each column of numbers or, where names stand beside one, for each name. */
function linesOf(r: SQLResult, time: number, name: number, numbers: number[]): Chart {
  const rows = r.rows.map((row) => ({ at: Date.parse(String(row[time])), row })).filter((x) => !Number.isNaN(x.at))
  const times = [...new Set(rows.map((x) => x.at))].sort((a, b) => a - b)
  const index = new Map(times.map((t, i) => [t, i]))
  const series = new Map<string, (number | null)[]>()
  for (const { at, row } of rows) {
    for (const n of numbers) {
      const column = r.columns[n]?.name ?? ''
      const key = name < 0 ? column : numbers.length === 1 ? String(row[name]) : `${String(row[name])} ${column}`
      const values = series.get(key) ?? times.map(() => null)
      values[index.get(at) ?? 0] = row[n] === null ? null : Number(row[n])
      series.set(key, values)
    }
  }
  const sum = (values: (number | null)[]) => values.reduce<number>((a, v) => a + Math.abs(v ?? 0), 0)
  const list = [...series].map(([n, values]) => ({ name: n, values }))
  return { kind: 'lines', times, series: name < 0 ? list : list.sort((a, b) => sum(b.values) - sum(a.values) || a.name.localeCompare(b.name)) }
}
