import { useState } from 'preact/hooks'
import { readTests, runTests, saveTests, type RuleTests, type TestRun } from '../../api/authoring'
import type { Rule } from '../../api/rules'
import { useAsk, type Asked } from '../../state/ask'
import { useMay } from '../../state/session'
import { useSettled } from '../../state/settled'

export interface Tests {
  text: string
  changed: boolean
  /** They are read; until then nothing can be written. */
  isKnown: boolean
  run: Asked<TestRun>
  /** Why they can't be run; empty: they can. */
  lacks: string
  error: Error | undefined
  type(text: string): void
  discard(): void
  /** keep stores them with a rule; without a change nothing is stored. */
  keep(id: string): Promise<void>
}

const place = (id: string): string => 'nightjar.rule-tests.' + id
const none: RuleTests = { text: '', version: 0 }

/** useTests are the tests of a rule as they are edited, run on the draft as it is typed. */
export function useTests(id: string, isStored: boolean, rule: Rule | undefined, ruleText: string): Tests {
  const stored = useAsk(isStored ? id : null, (stop) => readTests(id, stop))
  const [typed, setTyped] = useState<string | undefined>(() => sessionStorage.getItem(place(id)) ?? undefined)
  const known = isStored ? stored.value : none
  const text = typed ?? known?.text ?? ''
  const lacks = useMay('preview')
  const both = JSON.stringify([ruleText, text])
  const settled = useSettled(both, 400)
  const run = useAsk(rule && text.trim() !== '' && settled === both && lacks === '' ? both : null, (stop) => runTests(rule as Rule, text, stop), 'keep')
  const type = (next: string | undefined) => {
    setTyped(next)
    if (next === undefined) sessionStorage.removeItem(place(id))
    else sessionStorage.setItem(place(id), next)
  }
  return {
    text, changed: typed !== undefined && typed !== (known?.text ?? ''), isKnown: known !== undefined, run, lacks, error: stored.error, type, discard: () => type(undefined),
    keep: async (of) => {
      if (typed === undefined || typed === (known?.text ?? '')) return
      const now = await saveTests(of, { text: typed, version: known?.version ?? 0 })
      stored.put(() => now)
      type(undefined)
    },
  }
}
