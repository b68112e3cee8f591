import type { AgentRule } from '../../../api/explain'
import { oneLine } from '../../../state/text'

/** AgentRules are the rules that agents found matching: what must hold together in each, with what the event has. */
export function AgentRules({ rules, brief }: { rules: AgentRule[]; brief: boolean }) {
  return <>{rules.map((r) => <One key={r.rule} rule={r} brief={brief} />)}</>
}

function One({ rule: r, brief }: { rule: AgentRule; brief: boolean }) {
  return (
    <section class="agent-rule" aria-label={`Agent rule ${oneLine(r.rule, 80)}`}>
      <p class="small mut">
        Agent rule <code class="hi">{oneLine(r.rule, 120)}</code>{r.version !== '' && ` v${oneLine(r.version, 20)}`}
        {r.policy !== '' && <> of policy {r.policyID === '' ? <b class="hi">{oneLine(r.policy, 80)}</b> : <a class="link" href={`/agents/policies/${encodeURIComponent(r.policyID)}`}>{oneLine(r.policy, 80)}</a>}{r.policyVersion !== '' && ` v${oneLine(r.policyVersion, 20)}`}</>}
        {r.newest > 0 && <span class="medium">, now v{r.newest}</span>}
      </p>
      {!brief && (r.clauses.length > 0 ? <Clauses of={r} /> : <p class="small mut said">{unknown(r)}</p>)}
    </section>
  )
}

const unknown = (r: AgentRule): string =>
  r.ruleID === '' ? 'No rule is called so here: it was deleted, or stands in a file on the host.' : `What version ${oneLine(r.version, 20)} of it asked for is no longer stored.`

function Clauses({ of: r }: { of: AgentRule }) {
  return (
    <div class="clauses" role="table" aria-label={`What ${oneLine(r.rule, 80)} asks for`}>
      <div role="row" class="clause event-head"><span role="columnheader">Condition</span><span role="columnheader">Value</span></div>
      {r.clauses.map((c, i) => (
        <div role="row" class="clause" key={i}>
          <span role="cell"><code>{i > 0 && <span class="link-word">&amp;&amp; </span>}{coloured(oneLine(c.text, 2000))}</code></span>
          <span role="cell"><span class="good" aria-hidden="true">✓</span><span class="unseen">held</span> <span class="mono">{c.values.map((v) => v.values.map((x) => oneLine(x, 200)).join(', ')).join('; ')}</span></span>
        </div>
      ))}
    </div>
  )
}

/** coloured marks the words of the language in an expression, outside of quoted texts. */
function coloured(text: string) {
  return text.split(/("(?:[^"\\]|\\.)*")/).map((part, i) => (i % 2 === 1 ? <b key={i} class="hi">{part}</b> : part.split(/\b(not in|in|allin)\b|(&&|\|\|)/).map((p, k) => (p === undefined ? null : k % 3 === 0 ? p : <span key={k} class="link-word">{p}</span>))))
}
