// Text from outside stays text: what can't be seen, or turns the reading around, is shown
// as a mark.

// The controls, and the characters that change direction or have no width.
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g

/** shown is text with a mark for each character that can't be seen; lines are kept. */
export function shown(text: string): string {
  return text.replace(unseen, (c) => {
    if (c === '\n' || c === '\t') return c
    const code = c.charCodeAt(0)
    if (code < 0x20) return String.fromCharCode(0x2400 + code)
    if (code === 0x7f) return '\u2421'
    return `\u27e8${code.toString(16).toUpperCase().padStart(4, '0')}\u27e9`
  })
}

/** oneLine is text for a row: bounded, and without breaks. */
export function oneLine(text: string, most = 2048): string {
  return shown(text.length > most ? text.slice(0, most) + '…' : text).replace(/[\n\t]/g, (c) => (c === '\n' ? '␊' : '␉'))
}

const numbers = new Intl.NumberFormat('en-US')
export const count = (n: number): string => numbers.format(n)

const precise = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 6 })
/** amount is a number of any size: whole ones from a hundred on; a probability near 1 to where it differs from it. */
export const amount = (n: number): string => (Number.isInteger(n) || Math.abs(n) >= 100 ? numbers.format(Math.round(n)) : n < 1 && n > 0.99999 ? '> 0.99999' : precise.format(n))
export const plural = (n: number, one: string, many = one + 's'): string => `${count(n)} ${n === 1 ? one : many}`

/** term is a condition of a search: field:value, quoted where it must be. */
export function term(field: string, value: string): string {
  return `${field}:${quoted(value)}`
}

/** quoted is a value as a search reads it literally. */
export function quoted(value: string): string {
  if (/^[A-Za-z0-9_.\-/@]+$/.test(value) && !/^(AND|OR|NOT)$/.test(value) && !value.startsWith('-')) return value
  return `"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"')}"`
}

/** both is a search that asks for the two; neither loses its meaning. */
export function both(query: string, more: string): string {
  const q = query.trim()
  if (q === '' || q === '*') return more
  return / OR |\|\|/i.test(q) && !/^\S*:?\([^()]*\)$/.test(q) && !wholeIsGrouped(q) ? `(${q}) ${more}` : `${q} ${more}`
}

/** wholeIsGrouped reports whether every OR of a query stands in parentheses. */
function wholeIsGrouped(q: string): boolean {
  let depth = 0
  let inQuotes = false
  for (let i = 0; i < q.length; i++) {
    const c = q[i]
    if (c === '\\') i++
    else if (c === '"') inQuotes = !inQuotes
    else if (inQuotes) continue
    else if (c === '(') depth++
    else if (c === ')') depth--
    else if (depth === 0 && /^(OR\b|\|\|)/i.test(q.slice(i)) && /\s/.test(q[i - 1] ?? '')) return false
  }
  return true
}

const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** shortCount is a number in at most five characters: 61.2M. */
export const shortCount = (n: number): string => short.format(n)
