import type { SQLResult } from '../../api/sql'
import { isNumber } from './sql-chart'

/** textOf is a value as it is written; null is empty. */
export const textOf = (v: unknown): string => (v === null || v === undefined ? '' : typeof v === 'object' ? JSON.stringify(v) : String(v))

/** columnOf is the column that the rows are ordered by, as the address has it: its place from 0, downwards with a minus; undefined: they are as they came. */
export function columnOf(result: SQLResult, sort: string): { at: number; down: boolean } | undefined {
  const at = /^-?\d+$/.test(sort) ? Number(sort.replace('-', '')) : NaN
  return at < result.columns.length ? { at, down: sort.startsWith('-') } : undefined
}

/** ordered are the places of the rows in the order of a column: numbers by what they are, else texts; rows that are alike stay as they came, and null stands last. */
export function ordered(result: SQLResult, sort: string): number[] {
  const places = result.rows.map((_, i) => i)
  const by = columnOf(result, sort)
  if (!by) return places
  const values = result.rows.map((row) => row[by.at])
  const lacks = (i: number) => values[i] === null || values[i] === undefined
  const compare = isNumber(result.columns[by.at]?.type ?? '') ? numbers(values) : texts(values)
  return places.sort((a, b) => Number(lacks(a)) - Number(lacks(b)) || (by.down ? compare(b, a) : compare(a, b)) || a - b)
}

/** numbers compares values that are numbers, those too that come as text since they are greater than a double holds. */
function numbers(values: unknown[]) {
  const of = values.map(Number)
  return (a: number, b: number): number => {
    const [x, y] = [of[a] ?? NaN, of[b] ?? NaN]
    if (x < y) return -1
    if (x > y) return 1
    return x === y ? digits(values[a], values[b]) : Number(Number.isNaN(x)) - Number(Number.isNaN(y))
  }
}

/** digits compares whole numbers that a double can't tell apart. */
function digits(a: unknown, b: unknown): number {
  const [x, y] = [textOf(a), textOf(b)]
  if (x === y || !/^-?\d+$/.test(x) || !/^-?\d+$/.test(y)) return 0
  return BigInt(x) < BigInt(y) ? -1 : 1
}

function texts(values: unknown[]) {
  const of = values.map(textOf)
  return (a: number, b: number): number => ((of[a] ?? '') < (of[b] ?? '') ? -1 : (of[a] ?? '') > (of[b] ?? '') ? 1 : 0)
}
