// Searches as text that facets and menus change: a term is added or taken out, and no
// other filter is lost.
import { both, quoted, term } from './text'

/** split is the terms of a search that stand side by side, or undefined where an OR does. */
export function split(query: string): string[] | undefined {
  const terms: string[] = []
  let now = ''
  let depth = 0
  let inQuotes = false
  for (let i = 0; i < query.length; i++) {
    const c = query[i] ?? ''
    if (c === '\\') {
      now += c + (query[++i] ?? '')
      continue
    }
    if (c === '"') inQuotes = !inQuotes
    else if (!inQuotes && c === '(') depth++
    else if (!inQuotes && c === ')') depth--
    if (/\s/.test(c) && !inQuotes && depth === 0) {
      if (now !== '') terms.push(now)
      now = ''
    } else now += c
  }
  if (now !== '') terms.push(now)
  if (terms.some((t) => /^(OR|\|\||NOT|!)$/i.test(t))) return undefined
  return terms.filter((t) => !/^(AND|&&)$/i.test(t) && t !== '*')
}

/** isPlain reports whether a search most likely can be read: words and fields side by side. The engine decides. */
export const isPlain = (query: string): boolean => split(query)?.every((t) => /^-?(@?[A-Za-z_][\w.]*:)?(\w[\w.-]*|"[^"\\]*"|\(\w[^()"\\]*\w\))$/.test(t)) ?? false

/** valuesOf is what a search asks a field to be: of field:a or field:(a OR b). */
export function valuesOf(query: string, field: string): string[] {
  const found = (split(query) ?? []).find((t) => t.startsWith(field + ':'))
  if (!found) return []
  const asked = found.slice(field.length + 1)
  if (!asked.startsWith('(')) return [unquoted(asked)]
  return asked.slice(1, -1).split(/\s+(?:OR|\|\|)\s+/i).map((v) => unquoted(v.trim()))
}

const unquoted = (v: string): string => (v.startsWith('"') && v.endsWith('"') && v.length > 1 ? v.slice(1, -1).replace(/\\(.)/g, '$1') : v.replace(/\\(.)/g, '$1'))

/** without is a search less what it asks of a field. */
export function without(query: string, field: string): string {
  const terms = split(query)
  if (!terms) return query
  return terms.filter((t) => !t.startsWith(field + ':') && !t.startsWith('-' + field + ':')).join(' ')
}

/** withValues is a search that asks a field to be one of these. */
export function withValues(query: string, field: string, values: string[]): string {
  const rest = without(query, field)
  if (values.length === 0) return rest
  const asked = values.length === 1 ? term(field, values[0] ?? '') : `${field}:(${values.map(quoted).join(' OR ')})`
  return both(rest, asked)
}

/** withToggled adds a value to those that a field may be, or takes it out. */
export function withToggled(query: string, field: string, value: string): string {
  const values = valuesOf(query, field)
  return withValues(query, field, values.includes(value) ? values.filter((v) => v !== value) : [...values, value])
}

/** excluding is a search that a value is kept out of. */
export const excluding = (query: string, field: string, value: string): string => both(query, '-' + term(field, value))
