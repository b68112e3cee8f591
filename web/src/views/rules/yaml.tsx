import { useEffect, useRef, useState } from 'preact/hooks'
import { CodeEditor, type Mistake } from '../../parts/code-editor'
import type { Draft } from './use-draft'

type Library = typeof import('yaml')

/** AsYAML is the same document as the JSON, as YAML. What can't be read is not saved. */
export function AsYAML({ draft, save }: { draft: Draft; save: () => void }) {
  const [yaml, setYAML] = useState<Library>()
  useEffect(() => void import('yaml').then(setYAML), [])
  if (yaml === undefined) return <div class="rule-text" aria-busy="true" />
  return <Text yaml={yaml} draft={draft} save={save} />
}

/** write is a document as YAML; one that can't be read stays what it is. */
function write(yaml: Library, text: string): string {
  try {
    return yaml.stringify(JSON.parse(text), { lineWidth: 0 })
  } catch {
    return text
  }
}

/** asJSON is a document as JSON. One that is no tree of values, as where an alias has no anchor, adds a mistake. */
function asJSON(doc: ReturnType<Library['parseDocument']>, wrong: Mistake[]): string {
  try {
    return JSON.stringify(doc.toJS({ maxAliasCount: 100 }), null, 2)
  } catch (e) {
    wrong.push({ line: 1, column: 1, message: (e as Error).message })
    return ''
  }
}

function Text({ yaml, draft, save }: { yaml: Library; draft: Draft; save: () => void }) {
  const [text, setText] = useState(() => write(yaml, draft.text))
  const [problems, setProblems] = useState<Mistake[]>([])
  const mine = useRef(draft.text) // what the draft is because of this text
  useEffect(() => {
    if (draft.text === mine.current) return
    mine.current = draft.text
    setText(write(yaml, draft.text))
    setProblems([])
    draft.cannotRead('')
  }, [draft.text])
  useEffect(() => () => draft.cannotRead(''), [])
  const type = (next: string) => {
    setText(next)
    const counter = new yaml.LineCounter()
    const doc = yaml.parseDocument(next, { lineCounter: counter, prettyErrors: false })
    const wrong = doc.errors.map((e): Mistake => {
      const { line, col } = counter.linePos(e.pos[0])
      return { line, column: col, message: e.message }
    })
    const json = wrong.length > 0 ? '' : asJSON(doc, wrong)
    setProblems(wrong)
    draft.cannotRead(wrong[0]?.message ?? '')
    if (wrong.length > 0) return
    mine.current = json
    draft.type(json)
  }
  return <div class="rule-text"><CodeEditor label="The rule as YAML" language="yaml" value={text} onChange={type} problems={problems} onRun={save} lines={[24, 200]} /></div>
}
