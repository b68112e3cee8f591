import type { ComponentChildren } from 'preact'
import { summarise, type Summary } from '../../../api/explain'
import type { Signal } from '../../../api/signals'
import { Value } from '../../../parts/value'
import { useAsk, type Asked } from '../../../state/ask'
import { kindOf } from '../../../state/field'
import { oneLine, shown } from '../../../state/text'

/** useSummary asks what happened, in one sentence. */
export const useSummary = (s: Signal): Asked<Summary> => useAsk(`${s.id} ${s.lastSeen} ${s.events}`, (stop) => summarise(s.id, stop))

/** Lead says in one sentence what happened, and about whom. */
export function Lead({ asked: summary }: { asked: Asked<Summary> }) {
  return <p class="lead" aria-busy={summary.asking} title={summary.value && oneLine(summary.value.what, 1000)}>{summary.value ? told(summary.value) : ' '}{summary.error && <span class="mut">{summary.error.message}</span>}</p>
}

const longest = 120

/** told is the sentence, whose values can be pressed. */
function told(s: Summary): ComponentChildren[] {
  const out: ComponentChildren[] = []
  let rest = s.what
  for (const { field, value } of s.group) {
    const named = `${field} ${value}` // as the sentence has it
    const at = value === '' ? -1 : rest.indexOf(named)
    if (at < 0) continue
    out.push(shown(rest.slice(0, at)), <><span class="mut" title={oneLine(field, 200)}>{kindOf(field)}</span> <Value field={field} value={value} text={value.length > longest ? value.slice(0, longest) + '…' : value} /></>)
    rest = rest.slice(at + named.length)
  }
  return [...out, shown(rest.slice(0, 600)), '.']
}
