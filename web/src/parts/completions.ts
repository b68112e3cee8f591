import { useState } from 'preact/hooks'
import { complete, type Completion, type Over } from '../api/search'
import type { Filter } from '../api/signals'
import { useAsk } from '../state/ask'
import { recentOf } from '../state/recent'

/** Word is what stands before the cursor of a query: a field, or a value of one. */
interface Word {
  field: string
  text: string
  /** Where it begins, so that a completion replaces it. */
  start: number
  /** Nothing is typed yet: what was asked before is offered. */
  blank?: boolean
}

/** wordAt is what is being typed at the cursor. */
export function wordAt(query: string, cursor: number): Word {
  const before = query.slice(0, cursor)
  const start = Math.max(before.lastIndexOf(' '), before.lastIndexOf('(')) + 1
  const word = before.slice(start).replace(/^-/, '')
  const from = cursor - word.length
  const colon = word.indexOf(':')
  if (colon >= 0) return { field: word.slice(0, colon), text: word.slice(colon + 1).replace(/^"/, ''), start: from + colon + 1 }
  const group = /(-?[\w@./]+):\(([^()]*)$/.exec(before)
  if (group) return { field: (group[1] ?? '').replace(/^-/, ''), text: word, start: from }
  return { field: '', text: word, start: from }
}

/** useCompletions are what the query could go on with, while it is typed; over rules, nothing is known. */
export function useCompletions(over: Over, filter: Filter) {
  const [at, setAt] = useState<Word | undefined>()
  const [chosen, setChosen] = useState(-1)
  const wanted = at !== undefined && (at.field !== '' || at.text !== '')
  const key = wanted && over !== 'rules' ? JSON.stringify([at.field, at.text, over]) : null
  const found = useAsk(key, async (stop): Promise<Completion[]> => {
    await new Promise((done) => setTimeout(done, 120))
    return stop.aborted ? [] : complete(over, at?.field ?? '', at?.text ?? '', { ...filter, query: '*' }, stop)
  }, 'keep')
  const list = at?.blank ? recentOf(over).map((q): Completion => ({ text: q, insert: q, kind: 'asked before', count: undefined }))
    : wanted && !found.error ? (found.value ?? []).filter((c) => c.insert !== at.text) : []
  return {
    list, chosen, setChosen,
    typed: (query: string, cursor: number) => {
      setAt({ ...wordAt(query, cursor), blank: query.trim() === '' || query.trim() === '*' })
      setChosen(-1)
    },
    close: () => setAt(undefined),
    /** put is the query with a completion in it, and where the cursor goes. */
    put: (query: string, c: Completion, cursor: number): { query: string; cursor: number } => {
      const start = at?.start ?? cursor
      const insert = at?.field === '' && !c.insert.endsWith(':') ? c.insert + ':' : c.insert
      return { query: query.slice(0, start) + insert + query.slice(cursor), cursor: start + insert.length }
    },
  }
}
