import { useState } from 'preact/hooks'
import { checkExpression, createAgentRule, listAgentPolicies, listAgentRules, updateAgentRule, type AgentRule, type Mistake } from '../../../api/agent-rules'
import { CodeEditor } from '../../../parts/code-editor'
import { Problem } from '../../../parts/problem'
import { useAsk, type Asked } from '../../../state/ask'
import { tell } from '../../../state/done'
import { useMay } from '../../../state/session'
import { oneLine, quoted } from '../../../state/text'
import { useSettled } from '../../../state/settled'
import { useForm } from './context'
import { Choice } from './fields'
import { put, textAt } from './place'

/** namedIn are the agent rules that queries ask for by name: @agent.rule_id:a, or :(a OR b). */
export function namedIn(queries: string[]): string[] {
  const names = queries.flatMap((q) => [...q.matchAll(/@agent\.rule_id:(\(([^()]*)\)|"((?:[^"\\]|\\.)*)"|[^\s()]+)/g)].flatMap(([, one, several, quotedOne]) =>
    several !== undefined ? several.split(/\s*(?:\|\||\bOR\b)\s*/) : [quotedOne ?? one ?? '']))
  return [...new Set(names.map((n) => n.trim().replace(/^"|"$/g, '')).filter((n) => n !== '' && !/[*?]/.test(n)))]
}

/** Workload is the rules of agents whose events the queries ask for, each with its expression. */
export function Workload() {
  const { rule, edit } = useForm()
  const rules = useAsk('agent rules', listAgentRules)
  const [making, setMaking] = useState(false)
  const names = namedIn((rule.queries ?? []).map((q) => q.query ?? ''))
  const made = (r: AgentRule) => {
    setMaking(false)
    rules.put((all) => [...all, r])
    edit((d) => {
      const at = 'queries[0].query'
      const before = textAt(d, at).trim()
      put(d, at, before === '' || before === '@agent.rule_id:' ? `@agent.rule_id:${quoted(r.name)}` : before)
    })
  }
  return (
    <fieldset class="rule-query">
      <legend class="rule-legend">Agent rules</legend>
      <p class="mut small rule-add">Agents send what matches an expression of theirs; the queries below ask for it as <code>@agent.rule_id</code>.</p>
      {rules.error && <Problem error={rules.error} again={rules.again} />}
      {names.map((name) => <OfAgents key={name} name={name} rules={rules} />)}
      {making ? <Making made={made} close={() => setMaking(false)} /> : <p class="rule-add"><button type="button" class="link" onClick={() => setMaking(true)}>New agent rule</button></p>}
    </fieldset>
  )
}

function OfAgents({ name, rules }: { name: string; rules: Asked<AgentRule[]> }) {
  const found = rules.value?.find((r) => r.name === name)
  const [text, setText] = useState<string>()
  const lacks = useMay('agents')
  const shown = text ?? found?.expression ?? ''
  const wrong = useExpression(text)
  if (rules.value && !found) return <p class="rule-add small medium">No agent rule is named {oneLine(name, 60)}: no agent sends it, unless a policy file has it.</p>
  if (!found) return null
  const save = async () => {
    try {
      const now = await updateAgentRule(found.id, { expression: shown })
      rules.put((all) => all.map((r) => (r.id === now.id ? now : r)))
      setText(undefined)
      tell({ text: `${oneLine(name, 60)} is stored. Agents fetch it within a minute.` })
    } catch (e) {
      tell({ text: `Not stored: ${(e as Error).message}`, failed: true })
    }
  }
  return (
    <div class="rule-field">
      <span class="mono cut" aria-hidden="true">{oneLine(name, 60)}</span>
      <div>
        <Expression label={oneLine(name, 60)} value={shown} set={setText} readOnly={lacks !== ''} wrong={wrong} />
        <p class="mut small">{found.enabled ? '' : 'Switched off. '}{found.policies.length === 0 && !found.builtIn ? 'In no policy, so no agent has it. ' : ''}{oneLine(found.description, 200)} {lacks}</p>
        {text !== undefined && text !== found.expression && (
          <p>
            <button type="button" class="button" disabled={lacks !== '' || wrong.value?.length !== 0} title={lacks} onClick={() => void save()}>Store the expression</button>{' '}
            <button type="button" class="button quiet" onClick={() => setText(undefined)}>Discard</button>
          </p>
        )}
      </div>
    </div>
  )
}

function Making({ made, close }: { made: (r: AgentRule) => void; close: () => void }) {
  const policies = useAsk('policies', listAgentPolicies)
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [expression, setExpression] = useState('')
  const [policy, setPolicy] = useState<string>()
  const lacks = useMay('agents')
  const wrong = useExpression(expression)
  const chosen = policy ?? policies.value?.[0]?.id ?? ''
  const store = async () => {
    try {
      made(await createAgentRule({ name, description, expression }, chosen))
      tell({ text: `${oneLine(name, 60)} is stored. Agents of its policy fetch it within a minute.` })
    } catch (e) {
      tell({ text: `Not stored: ${(e as Error).message}`, failed: true })
    }
  }
  return (
    <div class="rule-step" role="group" aria-label="New agent rule">
      <div class="rule-field"><label class="mut" for="agent-name">Its name</label><input id="agent-name" class="field mono" value={name} spellcheck={false} placeholder="reverse_shell" onInput={(e) => setName(e.currentTarget.value)} /></div>
      <div class="rule-field">
        <span class="mut" aria-hidden="true">Expression</span>
        <div><Expression label="Expression" value={expression} set={setExpression} readOnly={false} wrong={wrong} /></div>
      </div>
      <div class="rule-field"><label class="mut" for="agent-description">What it is</label><input id="agent-description" class="field" value={description} onInput={(e) => setDescription(e.currentTarget.value)} /></div>
      <div class="rule-field"><label class="mut" for="agent-policy">In policy</label><Choice id="agent-policy" value={chosen} of={(policies.value ?? []).map((p) => ({ value: p.id, text: p.name }))} usual="none, so no agent has it" set={setPolicy} /></div>
      <p class="rule-add">
        <button type="button" class="button" disabled={lacks !== '' || name === '' || wrong.value?.length !== 0} title={lacks} onClick={() => void store()}>Store the agent rule</button>{' '}
        <button type="button" class="button quiet" onClick={close}>Cancel</button> <span class="mut small">{lacks}</span>
      </p>
    </div>
  )
}

/** useExpression is what is wrong with an expression, while it is typed. */
function useExpression(text: string | undefined) {
  const settled = useSettled(text ?? '', 250)
  return useAsk(text !== undefined && settled === text ? text : null, (stop) => checkExpression(text ?? '', stop), 'keep')
}

interface ExpressionProps {
  label: string
  value: string
  set: (v: string) => void
  readOnly: boolean
  wrong: Asked<Mistake[]>
}

/** Expression is SECL; what is wrong is underlined where the engine says. */
function Expression({ label, value, set, readOnly, wrong }: ExpressionProps) {
  const problems = value === '' ? [] : (wrong.value ?? []).map((m) => ({ line: m.line, column: m.column, message: m.hint === '' ? m.message : `${m.message}; ${m.hint}` }))
  return (
    <>
      <CodeEditor label={label} language="secl" value={value} onChange={set} readOnly={readOnly} problems={problems} lines={[2, 12]} />
      {wrong.error && <p class="critical small">not checked: {wrong.error.message}</p>}
    </>
  )
}
