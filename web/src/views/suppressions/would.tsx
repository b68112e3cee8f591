import { previewSuppression, type Draft, type HiddenSignal, type Suppression } from '../../api/suppressions'
import { SeverityMark, reasonName } from '../../parts/marks'
import { Late } from '../../parts/asking'
import { Problem } from '../../parts/problem'
import { pathOf } from '../../state/address'
import { useAsk } from '../../state/ask'
import { useMay } from '../../state/session'
import { useSettled } from '../../state/settled'
import { count, oneLine, plural } from '../../state/text'
import { day, useZone, wholeTime } from '../../state/time'

const effects: Record<string, string> = { withheld: '', gone: 'would not be there', fewer_events: 'would have fewer events' }
const confirmed = (h: HiddenSignal): boolean => h.reason === 'true_positive_malicious'

interface WouldProps {
  draft: Draft
  faulty: boolean
  stored: Suppression | undefined
  changed: boolean
}

/** Would is what a suppression would have hidden in 90 days, had it been there: first what somebody confirmed. */
export function Would({ draft, faulty, stored, changed }: WouldProps) {
  const unseen = useMay('preview')
  const zone = useZone()
  const key = JSON.stringify([draft.ruleQuery, draft.query, draft.exclusion])
  const settled = useSettled(key, 500)
  const empty = draft.ruleQuery.trim() === '' || (draft.query.trim() === '' && draft.exclusion.trim() === '')
  const asks = unseen === '' && !empty && settled === key && !(changed && faulty)
  const asked = useAsk(asks ? key : null, (stop) => previewSuppression({ ...draft, name: draft.name || 'preview' }, stop), 'keep')
  const p = empty ? undefined : asked.value
  const bad = p?.hidden.filter(confirmed) ?? []
  const rows = [...bad, ...(p?.hidden.filter((h) => !confirmed(h)).reverse() ?? [])].slice(0, Math.max(20, Math.min(bad.length, 100)))
  return (
    <section class="keeping-part" aria-label="What it would have hidden" aria-busy={asked.asking && asks}>
      <h2>What it would have hidden in 90 days <small>{stored ? 'had it been there all the time' : 'among the signals of these rules'}</small></h2>
      {unseen !== '' && <p class="mut small">Seeing that {unseen}.</p>}
      {unseen === '' && empty && <p class="mut">Say which rules, and which signals or events of theirs.</p>}
      {asks && <p class="small"><Late of={asked} /></p>}
      {asked.error && asks && <Problem error={asked.error} again={asked.again} />}
      {p && (
        <>
          <p class="keeping-sum"><b class="strong">{plural(p.total, 'signal')}</b>{bad.length > 0 ? <b class="critical">{p.truncated && 'at least '}{plural(bad.length, 'true positive')} among them</b> : p.total > 0 && <span class="mut">no true positive among {p.truncated ? 'the first 1,000' : 'them'}</span>}</p>
          {rows.length > 0 && (
            <table class="keeping-hidden" aria-label="Signals that it would have hidden">
              <tbody>
                {rows.map((h, i) => (
                  <tr key={h.id || i} class={confirmed(h) ? 'confirmed' : ''}>
                    <td><SeverityMark severity={h.severity} /></td>
                    <td class="grown">{h.id === '' ? oneLine(h.title, 120) : <a class="link" href={pathOf(['signals', h.id])}>{oneLine(h.title, 120)}</a>} <span class="mono">{oneLine(h.group.filter((v) => v !== '').join(', '), 200)}</span> {effects[h.effect] && <span class="mut small">{effects[h.effect]}</span>}</td>
                    <td>{h.reason !== '' && h.reason !== 'suppressed' && <span class={confirmed(h) ? 'critical strong' : 'mut'}>{reasonName(h.reason)}</span>}</td>
                    <td class="number"><time title={wholeTime(h.firstSeen, zone)}>{day(h.firstSeen, zone)}</time></td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {p.total > rows.length && <p class="mut small">{bad.length > 0 ? 'Those that were confirmed, and the newest' : 'The newest'}: {count(rows.length)} of {count(p.total)}.</p>}
          {p.warnings.filter((w) => !/an analyst confirmed it/.test(w)).slice(0, 10).map((w) => <p key={w} class="medium small">{oneLine(w, 400)}</p>)}
        </>
      )}
    </section>
  )
}
