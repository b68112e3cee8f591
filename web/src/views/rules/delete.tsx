import { useState } from 'preact/hooks'
import { deleteRule, listRules, type StoredRule } from '../../api/rules'
import { suppressionsOf } from '../../api/authoring'
import { countFacets } from '../../api/facets'
import { Dialog } from '../../parts/dialog'
import { pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { tell } from '../../state/done'
import { oneLine, plural } from '../../state/text'

/** What is touched when rules are deleted. */
interface Touched {
  /** Signals of theirs that nobody archived. */
  open: number
  all: number
  /** Rules over their signals. */
  correlated: StoredRule[]
  suppressions: string[]
}

/** How many rules are asked about at most; the rest is said. */
const counted = 500
const looked = 50

async function touchedBy(rules: StoredRule[], stop: AbortSignal): Promise<Touched> {
  const ids = rules.map((r) => r.id)
  const query = `rule_id:(${ids.slice(0, counted).join(' OR ')})`
  const [signals, others, suppressions] = await Promise.all([
    countFacets({ query, from: '', to: '' }, ['state'], 10, stop),
    listRules('type:signal_correlation', stop, () => undefined),
    Promise.all(ids.slice(0, looked).map((id) => suppressionsOf(id, stop))),
  ])
  const states = signals.facets[0]?.values ?? []
  return {
    all: signals.total, open: states.filter((v) => v.value !== 'archived').reduce((sum, v) => sum + v.count, 0),
    correlated: others.rules.filter((r) => !ids.includes(r.id) && (r.rule.queries ?? []).some((q) => ids.includes(String(q['ruleId'] ?? q['defaultRuleId'] ?? '')))),
    suppressions: [...new Set(suppressions.flat())],
  }
}

interface DeleteProps {
  rules: StoredRule[]
  close: () => void
  done: () => void
}

/** DeleteRules asks before rules are deleted, and shows what that touches: it can't be undone. */
export function DeleteRules({ rules, close, done }: DeleteProps) {
  const [going, setGoing] = useState(false)
  const touched = useAsk(rules.map((r) => r.id).join(' '), (stop) => touchedBy(rules, stop))
  const one = rules.length === 1 ? rules[0] : undefined
  const act = async () => {
    setGoing(true)
    const failed: string[] = []
    for (const r of rules) {
      try {
        await deleteRule(r.id)
      } catch (e) {
        failed.push(`${oneLine(r.rule.name, 60)}: ${(e as Error).message}`)
      }
    }
    close()
    done()
    if (failed.length > 0) tell({ text: `Not deleted: ${failed.join('; ')}`, failed: true })
    else tell({ text: one ? `Deleted: ${oneLine(one.rule.name, 80)}.` : `Deleted: ${plural(rules.length, 'rule')}.` })
  }
  return (
    <Dialog title={one ? `Delete ${oneLine(one.rule.name, 80)}` : `Delete ${plural(rules.length, 'rule')}`} close={close}>
      <p>{one ? 'It looks' : 'They look'} at nothing that arrives from now, and this can’t be undone. {one ? 'Its' : 'Their'} signals stay, with what was decided about them.</p>
      {!one && <ul class="rule-touched">{rules.slice(0, 8).map((r) => <li key={r.id} class="cut">{oneLine(r.rule.name, 100)}</li>)}{rules.length > 8 && <li class="mut">and {rules.length - 8} more</li>}</ul>}
      <ul class="rule-touched" aria-label="What is touched">
        {touched.asking && !touched.value && <li class="mut">Asking what it touches</li>}
        {touched.error && <li class="critical">What it touches is not known: {touched.error.message}</li>}
        {touched.value && <What of={touched.value} rules={rules.length} />}
      </ul>
      <div class="rule-confirm">
        <button class="button danger" disabled={going} onClick={() => void act()}>{one ? 'Delete the rule' : `Delete ${plural(rules.length, 'rule')}`}</button>
        <button class="button quiet" onClick={close}>{one ? 'Keep it' : 'Keep them'}</button>
      </div>
    </Dialog>
  )
}

function What({ of, rules }: { of: Touched; rules: number }) {
  return (
    <>
      <li>{of.all === 0 ? 'No signal of it is stored.' : <>{plural(of.all, 'signal')} {of.all === 1 ? 'stays' : 'stay'}, {of.open === 0 ? 'all archived' : <b class="medium">{of.open} not archived</b>}.</>}</li>
      {of.correlated.map((r) => <li key={r.id} class="medium">Gives nothing more to <a class="link" href={pathOf(['rules', r.id])}>{oneLine(r.rule.name, 80)}</a>, which asks for its signals.</li>)}
      {of.suppressions.length > 0 && <li>{plural(of.suppressions.length, 'suppression is', 'suppressions are')} about it: {of.suppressions.slice(0, 5).map((s) => oneLine(s, 60)).join(', ')}{of.suppressions.length > 5 && ` and ${of.suppressions.length - 5} more`}.</li>}
      {rules > looked && <li class="mut">{rules > counted && `Signals are those of the first ${counted} rules. `}Suppressions were looked for of the first {looked}.</li>}
    </>
  )
}
