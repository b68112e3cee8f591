import type { ComponentChildren } from 'preact'
import { complete } from '../../../api/search'
import { CodeEditor, type Mistake, type Offer } from '../../../parts/code-editor'
import { wordAt } from '../../../parts/completions'
import { useForm } from './context'
import { Remarks } from './fields'
import { textAt } from './place'

/** SearchField is a search over events, in as many lines as it takes. What is wrong is underlined where the engine says. */
export function SearchField({ label, at, optional, children }: { label: string; at: string; optional?: boolean; children?: ComponentChildren }) {
  const { rule, set, faultsAt, warningsAt } = useForm()
  const placed = faultsAt(at).map((f) => mistakeOf(f.message))
  const [mistakes, faults] = [placed.filter((m) => typeof m !== 'string'), placed.filter((m) => typeof m === 'string')]
  return (
    <div class="rule-field">
      <span class="mut" aria-hidden="true">{label}</span>
      <div data-at={at} tabIndex={-1}>
        <CodeEditor label={label} language="query" value={textAt(rule, at)} onChange={(v) => set(at, optional && v === '' ? undefined : v)} problems={mistakes} complete={completeQuery} lines={[optional ? 1 : 2, 12]} />
        <Remarks faults={faults} warnings={warningsAt(at).map((w) => w.message)} />
        {children}
      </div>
    </div>
  )
}

/** mistakeOf takes the place of a message apart; one without a place is a text. */
export function mistakeOf(message: string): Mistake | string {
  const m = /^(\d+):(\d+): ([\s\S]*)$/.exec(message)
  return m ? { line: Number(m[1]), column: Number(m[2]), message: m[3] ?? '' } : message
}

/** completeQuery is what a search could go on with: names of fields, or values of one. */
async function completeQuery(text: string, cursor: number, stop: AbortSignal): Promise<Offer | undefined> {
  const line = text.lastIndexOf('\n', cursor - 1) + 1
  const word = wordAt(text.slice(line), cursor - line)
  if (word.field === '' && word.text === '') return undefined
  const found = await complete('events', word.field, word.text, { query: '*', from: 'now-7d', to: '' }, stop)
  return {
    from: line + word.start,
    list: found.map((c) => ({ label: c.text, insert: word.field === '' && !c.insert.endsWith(':') ? c.insert + ':' : c.insert, detail: c.kind === 'value' ? (c.count === undefined ? '' : String(c.count)) : c.kind })),
  }
}
