// The columns of a list of events, as the address has them.
import { change } from './address'

export const usualColumns = ['source', 'host', 'message']

/** shownColumns are those of an address. */
export function shownColumns(query: URLSearchParams): string[] {
  const columns = query.get('cols')
  return columns ? columns.split(',').map(decodeURIComponent) : usualColumns
}

export function showColumns(columns: string[]): void {
  const text = columns.map(encodeURIComponent).join(',')
  change({ cols: columns.length === 0 || text === usualColumns.join(',') ? undefined : text })
}

/** toggleColumn shows a field, before the message, or no longer does. */
export function toggleColumn(shown: string[], field: string): void {
  if (shown.includes(field)) return showColumns(shown.filter((c) => c !== field))
  const at = shown.indexOf('message')
  showColumns(at < 0 || field === 'message' ? [...shown, field] : [...shown.slice(0, at), field, ...shown.slice(at)])
}
