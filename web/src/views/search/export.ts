// What a search finds as a file, read from the API page by page.
import { searchEvents, type Event } from '../../api/events'
import type { Filter } from '../../api/signals'
import { whatOf } from '../../state/field'
import { valueIn } from './columns'
import { documentOf } from './event-panel'

export type Format = 'csv' | 'ndjson'

/** most is how many events go into one file: they are held in the browser until it is whole. */
export const most = 50_000

/** exportEvents writes the first events of a search, at most so many, and tells how far it is. */
export async function exportEvents(filter: Filter, sort: '-timestamp' | 'timestamp', format: Format, columns: string[], signal: AbortSignal, told: (n: number) => void): Promise<{ file: Blob; events: number; more: boolean }> {
  const parts: string[] = format === 'csv' ? [lineOf(['timestamp', ...columns])] : []
  let events = 0
  let cursor: string | undefined
  do {
    const page = await searchEvents(filter.query, filter.from === '' ? '0' : filter.from, filter.to, cursor, Math.min(1000, most - events), signal, sort)
    for (const e of page.events) parts.push(format === 'csv' ? csvOf(e, columns) : JSON.stringify(documentOf(e)) + '\n')
    events += page.events.length
    told(events)
    cursor = page.next
  } while (cursor !== undefined && events < most)
  return { file: new Blob(parts, { type: format === 'csv' ? 'text/csv' : 'application/x-ndjson' }), events, more: cursor !== undefined }
}

const csvOf = (e: Event, columns: string[]): string => lineOf([new Date(e.at).toISOString(), ...columns.map((c) => (c === 'message' ? whatOf(e) : valueIn(e, c)))])

/** lineOf is a record of RFC 4180. */
export const lineOf = (values: string[]): string => values.map(cell).join(',') + '\r\n'

/**
 * cell is a value in quotes where it needs them. What a spreadsheet would run as a formula
 * has an apostrophe before it, since events hold what attackers write; NDJSON has all as it is.
 */
function cell(value: string): string {
  const safe = /^[=+@\t\r]|^-(?!\d+(\.\d+)?$)/.test(value) ? "'" + value : value
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** save hands a file to the person. */
export function save(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
