// Files that the page makes and hands to the person.

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
