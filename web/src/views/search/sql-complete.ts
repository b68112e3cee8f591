// What a statement could go on with: tables, their columns, attributes that events have, and
// functions, as the engine names them.
import { complete } from '../../api/search'
import { askSQL } from '../../api/sql'
import type { Offer } from '../../parts/code-editor'

interface Known {
  tables: string[]
  columns: { table: string; name: string; type: string }[]
  functions: string[]
}

let known: Promise<Known> | undefined

/** readKnown asks once what there is; what went wrong is asked again. */
function readKnown(): Promise<Known> {
  known ??= askKnown().catch((e: unknown) => {
    known = undefined
    throw e
  })
  return known
}

async function askKnown(): Promise<Known> {
  const stop = new AbortController().signal
  const [columns, functions] = await Promise.all([
    askSQL('SELECT table, name, type FROM system.columns WHERE database = currentDatabase() ORDER BY table, position', stop),
    askSQL("SELECT name FROM system.functions WHERE alias_to = '' ORDER BY name", stop),
  ])
  const found = columns.rows.map((r) => ({ table: String(r[0]), name: String(r[1]), type: String(r[2]) }))
  return { columns: found, tables: [...new Set(found.map((c) => c.table))], functions: functions.rows.map((r) => String(r[0])) }
}

const words = ['SELECT', 'FROM', 'WHERE', 'GROUP BY', 'ORDER BY', 'LIMIT', 'HAVING', 'WITH', 'AND', 'OR', 'NOT', 'IN', 'LIKE', 'ILIKE', 'BETWEEN', 'DESC', 'DISTINCT', 'INTERVAL', 'CASE', 'WHEN', 'THEN', 'ELSE', 'END', 'AS', 'JOIN', 'ARRAY JOIN']
const most = 40

/** completeSQL is what the word at the cursor could be. */
export async function completeSQL(text: string, cursor: number, stop: AbortSignal): Promise<Offer | undefined> {
  const before = text.slice(0, cursor)
  if (inText(before)) return undefined
  const word = /[\w.@]*$/.exec(before)?.[0] ?? ''
  const from = cursor - word.length
  const attribute = /^attributes\.(.*)$/.exec(word)
  if (attribute) {
    const found = await complete('events', '', '@' + (attribute[1] ?? ''), { query: '*', from: '', to: '' }, stop)
    return { from, list: found.filter((c) => c.kind === 'attribute').map((c) => ({ label: 'attributes.' + pathOf(c.text) })) }
  }
  const { tables, columns, functions } = await readKnown()
  const table = /\b(?:from|join|table)\s+$/i.test(before.slice(0, from))
  if (table) return { from, list: matching(tables, word).map((label) => ({ label, detail: 'table' })) }
  if (word === '') return undefined
  const here = tables.filter((t) => new RegExp(`\\b${t}\\b`).test(text))
  const mine = columns.filter((c) => here.length === 0 || here.includes(c.table))
  return { from, list: [
    ...matching([...new Set(mine.map((c) => c.name))], word).map((label) => ({ label, detail: short(mine.find((c) => c.name === label)?.type ?? '') })),
    ...matching(words, word).map((label) => ({ label })),
    ...matching(functions, word).map((label) => ({ label, insert: label + '(', detail: 'function' })),
    ...matching(tables, word).map((label) => ({ label, detail: 'table' })),
  ].slice(0, most) }
}

/** pathOf is an attribute's path as a statement writes it: parts that are no words in back-ticks. */
const pathOf = (name: string): string => name.replace(/^@/, '').split('.').map((p) => (/^[A-Za-z_]\w*$/.test(p) ? p : '`' + p.replace(/`/g, '``') + '`')).join('.')

/** matching are those that begin with a word, then those that have it in them. */
function matching(all: string[], word: string): string[] {
  const w = word.toLowerCase()
  const begins = all.filter((n) => n.toLowerCase().startsWith(w) && n.toLowerCase() !== w)
  return w.length < 2 ? begins : [...begins, ...all.filter((n) => n.toLowerCase().indexOf(w) > 0)]
}

const short = (type: string): string => (type.length > 24 ? type.slice(0, 23) + '…' : type)

/** inText reports whether a statement ends within quotes, or a comment. */
export function inText(before: string): boolean {
  const rest = before.replace(/'(?:\\.|''|[^'\\])*'|--[^\n]*\n|\/\*[\s\S]*?\*\//g, '')
  return /'|--|\/\*/.test(rest)
}
