// What a search finds as a file, read from the API page by page.
import { searchEvents, type Event } from '../../api/events'
import type { Filter } from '../../api/signals'
import { whatOf } from '../../state/field'
import { lineOf } from '../../state/file'
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
