import { useEffect, useState } from 'preact/hooks'
import { checkText, tryGrok, type GrokTried, type PipelineDocument } from '../../../api/pipeline-documents'
import { CodeEditor } from '../../../parts/code-editor'
import { Problem } from '../../../parts/problem'
import { useAsk } from '../../../state/ask'
import { useSettled } from '../../../state/settled'
import { tell } from '../../../state/done'
import { oneLine } from '../../../state/text'
import { mistakeOf, type Text } from './use-text'

interface Rules {
  match: string
  support: string
}

const empty: Rules = { match: 'rule %{word:evt.name} %{data:rest}', support: '' }

/** Grok tries rules on lines: which one reads each, and how far the nearest comes. */
export function Grok({ text, readOnly }: { text: Text; readOnly: boolean }) {
  const parsers = parsersOf(text.last)
  const [which, setWhich] = useState(0)
  const parser = parsers[which]
  const [rules, setRules] = useState<Rules>(parser?.rules ?? empty)
  const [lines, setLines] = useState((parser?.samples ?? []).join('\n'))
  const place = parser?.place ?? ''
  useEffect(() => {
    if (!parser) return
    setRules(parser.rules)
    if (parser.samples.length > 0) setLines(parser.samples.join('\n'))
  }, [place])
  const asked = useSettled(JSON.stringify([rules, lines]), 300)
  const texts = lines.split('\n').filter((l) => l !== '').slice(0, 100)
  const tried = useAsk(rules.match.trim() === '' ? null : asked, (stop) => tryGrok(rules.match, rules.support, texts, stop), 'keep')
  const wrong = (path: string) => (tried.value?.problems ?? []).filter((p) => p.path === path).map((p) => mistakeOf(p, false))
  const put = async () => {
    if (!parser || !text.last) return
    const checked = await checkText(JSON.stringify(withRules(text.last, parser.at, rules)))
    if (!checked.valid) return tell({ text: `It was not put in: ${checked.problems[0]?.message ?? ''}`, failed: true })
    text.put(checked.text)
    tell({ text: 'The rules are in the document, which is not stored yet.' })
  }
  return (
    <>
      {parsers.length > 1 && <div class="keep-form"><label class="pipeline-wide">Rules of <select class="field" value={which} onChange={(e) => setWhich(Number(e.currentTarget.value))}>{parsers.map((p, i) => <option key={p.place} value={i}>{p.place} {oneLine(p.name, 80)}</option>)}</select></label></div>}
      {parsers.length === 0 && <p class="keep-note">The document has no grok-parser: this tries rules for one.</p>}
      <h3 class="pipeline-label">Rules, the first that matches counts</h3>
      <CodeEditor label="Match rules" language="grok" value={rules.match} onChange={(match) => setRules({ ...rules, match })} problems={wrong('match_rules')} lines={[3, 12]} />
      <h3 class="pipeline-label">Helpers that they use</h3>
      <CodeEditor label="Support rules" language="grok" value={rules.support} onChange={(support) => setRules({ ...rules, support })} problems={wrong('support_rules')} lines={[2, 10]} />
      <label class="pipeline-label">Lines to try <textarea class="field mono" rows={4} value={lines} spellcheck={false} onInput={(e) => setLines(e.currentTarget.value)} /></label>
      {tried.error && <Problem error={tried.error} again={tried.again} />}
      {tried.value && <Results of={tried.value} lines={texts} />}
      {!readOnly && parser && <p class="keep-actions"><button class="button" disabled={(tried.value?.problems.length ?? 1) > 0} onClick={() => void put()}>Put the rules into the document</button></p>}
    </>
  )
}

function Results({ of: t, lines }: { of: GrokTried; lines: string[] }) {
  return (
    <>
      {t.warnings.map((w) => <p key={w} class="small medium">{oneLine(w, 400)}</p>)}
      <ol class="grok-results" aria-label="What the rules find">
        {t.results.map((r, i) => (
          <li key={i}>
            <p><span class={r.rule === '' ? 'critical' : 'good'}>{r.rule === '' ? 'no rule' : `rule ${oneLine(r.rule, 80)}`}</span> <code>{oneLine(lines[i] ?? '', 300)}</code></p>
            {r.rule === '' ? <p class="mut">{oneLine(r.why, 600)}</p> : <pre class="try-raw" tabIndex={0}>{oneLine(JSON.stringify(r.found), 4000)}</pre>}
          </li>
        ))}
      </ol>
    </>
  )
}

interface Parser {
  /** Its places in the document, from the outermost. */
  at: number[]
  place: string
  name: string
  rules: Rules
  samples: string[]
}

/** parsersOf are the grok-parsers of a document, those of nested pipelines too. */
function parsersOf(d: PipelineDocument | undefined): Parser[] {
  const walk = (list: unknown, at: number[]): Parser[] => (Array.isArray(list) ? (list as Record<string, unknown>[]) : []).flatMap((p, i) => {
    const here = [...at, i]
    if (p['type'] === 'pipeline') return walk(p['processors'], here)
    if (p['type'] !== 'grok-parser') return []
    const grok = (p['grok'] ?? {}) as { match_rules?: string; support_rules?: string }
    const samples = Array.isArray(p['samples']) ? (p['samples'] as unknown[]).map(String) : []
    return [{ at: here, place: here.map((n) => `processors[${n}]`).join('.'), name: String(p['name'] ?? ''), rules: { match: grok.match_rules ?? '', support: grok.support_rules ?? '' }, samples }]
  })
  return walk(d?.processors, [])
}

/** withRules is a document with other rules in one of its parsers. */
function withRules(d: PipelineDocument, at: number[], rules: Rules): PipelineDocument {
  const copy = structuredClone(d)
  let here: Record<string, unknown> = copy
  for (const n of at) here = (here['processors'] as Record<string, unknown>[])[n] ?? {}
  here['grok'] = { match_rules: rules.match, support_rules: rules.support }
  return copy
}
