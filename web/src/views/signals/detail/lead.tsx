import type { ComponentChildren } from 'preact'
import { summarise, type Summary } from '../../../api/explain'
import type { Signal } from '../../../api/signals'
import { Value } from '../../../parts/value'
import { useAsk } from '../../../state/ask'
import { shown } from '../../../state/text'

/** Lead says in one sentence what happened, about whom, and when. */
export function Lead({ signal: s }: { signal: Signal }) {
  const summary = useAsk(`${s.id} ${s.lastSeen} ${s.events}`, (stop) => summarise(s.id, stop))
  return <p class="lead" aria-busy={summary.asking}>{summary.value ? told(summary.value) : ' '}{summary.error && <span class="mut">{summary.error.message}</span>}</p>
}

const longest = 120

/** told is the sentence, whose values can be pressed. */
function told(s: Summary): ComponentChildren[] {
  const out: ComponentChildren[] = []
  let rest = s.sentence
  for (const { field, value } of s.group) {
    const at = value === '' ? -1 : rest.indexOf(value)
    if (at < 0) continue
    out.push(shown(rest.slice(0, at)), <Value field={field} value={value} text={value.length > longest ? value.slice(0, longest) + '…' : value} />)
    rest = rest.slice(at + value.length)
  }
  return [...out, shown(rest.slice(0, 600))]
}
