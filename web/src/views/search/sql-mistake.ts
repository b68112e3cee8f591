// What the database says against a statement, at its place, and what Tab does about it.
import { APIError } from '../../api/client'
import type { Mistake } from '../../parts/code-editor'

/** mistakesOf is an error that has a place in the statement. */
export function mistakesOf(error: Error | undefined, statement: string): Mistake[] {
  if (!(error instanceof APIError) || !error.place) return []
  const { line, column } = error.place
  const fix = fixOf(error.message, statement, line, column)
  return [{ line, column, message: error.message, ...(fix ? { fix } : {}) }]
}

/** fixOf puts the name that was probably meant in the place of the one that is wrong. */
function fixOf(message: string, statement: string, line: number, column: number): Mistake['fix'] {
  const meant = /Maybe you meant:? (?:\['([^']+)'|([\w.]+))/.exec(message)
  const name = (meant?.[1] ?? meant?.[2] ?? '').replace(/^nightjar\./, '')
  if (!/^[\w.]+$/.test(name)) return undefined
  const lines = statement.split('\n')
  const text = [...(lines[line - 1] ?? '')]
  const wrong = /^[\w.]+/.exec(text.slice(column - 1).join(''))?.[0]
  if (!wrong) return undefined
  lines[line - 1] = text.slice(0, column - 1).join('') + name.replace(/\.$/, '') + text.slice(column - 1 + wrong.length).join('')
  return { label: `Use ${name.replace(/\.$/, '')}`, value: lines.join('\n') }
}
