import { useRef, useState } from 'preact/hooks'
import { checkText, type CheckedText, type PipelineDocument, type PipelineProblem } from '../../../api/pipeline-documents'
import type { Mistake } from '../../../parts/code-editor'
import { useAsk } from '../../../state/ask'
import { useSettled } from '../../../state/settled'

export interface Text {
  text: string
  put: (text: string) => void
  checked: CheckedText | undefined
  /** What the text says now, once it was read; undefined: it can't be. */
  document: PipelineDocument | undefined
  /** The last that could be read, for what is shown beside. */
  last: PipelineDocument | undefined
  asking: boolean
  error: Error | undefined
  mistakes: Mistake[]
}

/** useText is a document that is being written: the engine reads it when the typing rests. */
export function useText(begin: string): Text {
  const [text, put] = useState(begin)
  const rested = useSettled(text, 250)
  const check = useAsk(rested, async (stop) => ({ of: rested, is: await checkText(rested, stop) }), 'keep')
  const last = useRef<PipelineDocument | undefined>(undefined)
  const checked = check.value?.is
  if (checked?.valid) last.current = checked.pipeline
  const current = check.value?.of === text
  return {
    text, put, checked, asking: check.asking || !current, error: check.error, last: last.current,
    document: current && checked?.valid ? checked.pipeline : undefined,
    mistakes: current && checked ? [...checked.problems.map((p) => mistakeOf(p, false)), ...checked.warnings.map((p) => mistakeOf(p, true))] : [],
  }
}

export function mistakeOf(p: PipelineProblem, mild: boolean): Mistake {
  const at = p.path !== '' && p.line === 0 ? `${p.path}: ` : ''
  return { line: Math.max(1, p.line), column: Math.max(1, p.column), message: at + p.message + (p.hint === '' ? '' : `; ${p.hint}`), mild }
}
