import { useState } from 'preact/hooks'
import { APIError } from '../../api/client'
import { readRule, type Rule, type StoredRule } from '../../api/rules'
import { Problem } from '../../parts/problem'
import { useAddress } from '../../state/address'
import { useAsk } from '../../state/ask'
import { oneLine } from '../../state/text'
import { Editor } from './editor'

/** RulePage is a stored rule: what it says, what it would give, and how it became so. */
export function RulePage({ id }: { id: string }) {
  const asked = useAsk(id, (stop) => readRule(id, stop))
  if (asked.value) return <Editor stored={asked.value} rule={asked.value.rule} put={(r) => asked.put(() => r)} />
  return (
    <main class="rule-alone">
      {asked.error instanceof APIError && asked.error.status === 404 ? (
        <>
          <h1>There is no rule {oneLine(id, 60)}</h1>
          <p>It was deleted, or never there. Its signals stay. <a class="link" href="/rules">Go to the rules</a></p>
        </>
      ) : asked.error ? <Problem error={asked.error} again={asked.again} /> : <div aria-busy="true"><i class="bone" /></div>}
    </main>
  )
}

/** NewRule is a rule that is not stored yet: of a search, or a copy of another. */
export function NewRule() {
  const { query } = useAddress()
  const [address] = useState(query.toString())
  const clone = new URLSearchParams(address).get('clone')
  const from = useAsk(clone, (stop) => readRule(clone ?? '', stop))
  if (clone === null) return <Editor rule={ruleOf(new URLSearchParams(address))} />
  if (from.value) return <Editor rule={copyOf(from.value)} />
  return <main class="rule-alone">{from.error ? <Problem error={from.error} again={from.again} /> : <i class="bone" />}</main>
}

const copyOf = (r: StoredRule): Rule => ({ ...r.rule, name: `${r.rule.name} (copy)`, isEnabled: false })

/** nameOf is what a rule of a search is called until somebody says better, so that it is previewed at once. */
const nameOf = (query: string): string => (query === '' ? '' : `Events of ${query.replace(/\s+/g, ' ').slice(0, 80)}`)

function ruleOf(address: URLSearchParams): Rule {
  const groupByFields = (address.get('group') ?? '').split(',').filter((g) => g !== '')
  return {
    name: nameOf(address.get('query') ?? ''), message: '', isEnabled: true, type: 'log_detection', tags: [],
    queries: [{ name: 'events', query: address.get('query') ?? '', aggregation: 'count', groupByFields }],
    cases: [{ name: '', status: 'medium', condition: 'events >= 1', notifications: [] }],
    options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 3600, maxSignalDuration: 86400 },
  }
}
