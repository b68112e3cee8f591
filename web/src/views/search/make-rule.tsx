import { useState } from 'preact/hooks'
import { Dialog } from '../../parts/dialog'
import { copy } from '../../parts/value'
import { go, pathOf } from '../../state/address'
import { views } from '../../views'

/** ruleOf is a rule that counts what a search finds, to be named and made stricter. */
export const ruleOf = (query: string) => ({
  name: 'Events of my search',
  type: 'log_detection',
  isEnabled: false,
  message: 'What this means, and what to do about it.',
  tags: [] as string[],
  queries: [{ name: 'found', query, aggregation: 'count', groupByFields: [] as string[] }],
  cases: [{ name: '', status: 'medium', condition: 'found > 0', notifications: [] as string[] }],
  options: { detectionMethod: 'threshold', evaluationWindow: 300, keepAlive: 3600, maxSignalDuration: 86400 },
})

/** MakeRule leads to the editor of rules with this search in it; without one, it gives the document. */
export function MakeRule({ query, wrong }: { query: string; wrong: boolean }) {
  const [open, setOpen] = useState(false)
  const lacks = query === '*' ? 'A rule takes a query' : wrong ? 'The query can’t be read' : ''
  const begin = () => (views.some((v) => v.name === 'rules') ? go(pathOf(['rules', 'new'], { query })) : setOpen(true))
  return (
    <>
      <button class="button" disabled={lacks !== ''} title={lacks} onClick={begin}>Make a rule</button>
      {open && <Document query={query} close={() => setOpen(false)} />}
    </>
  )
}

function Document({ query, close }: { query: string; close: () => void }) {
  const text = JSON.stringify(ruleOf(query), null, 2)
  return (
    <Dialog title="A rule of this search" close={close} class="rule-document">
      <p class="mut">It is disabled, and makes a signal where one event is found within 5 minutes. Name it, say what to group by and when it is too much, put it into a file, and apply it.</p>
      <pre tabIndex={0}>{text}</pre>
      <p class="command"><code class="cut">nightjar rules apply rule.json</code> <button class="link" onClick={() => void copy('nightjar rules apply rule.json')}>Copy</button></p>
      <p class="command"><code class="cut">POST /api/v2/security_monitoring/rules</code> <button class="link" onClick={() => void copy(text)}>Copy the rule</button></p>
      <div class="actions"><button class="button main" onClick={() => void copy(text)}>Copy the rule</button><button class="button" onClick={close}>Close</button></div>
    </Dialog>
  )
}
