import { countClauses, type CountedClauses } from '../api/search'
import type { Filter } from '../api/signals'
import { useAsk, type Asked } from '../state/ask'
import { count, oneLine, plural } from '../state/text'
import { Late } from './asking'
import { Problem } from './problem'
import './clauses.css'

/** useClauses counts the events of each clause of a search; no filter asks nothing. */
export const useClauses = (filter: Filter | undefined, fields: readonly string[] = []): Asked<CountedClauses> =>
  useAsk(filter ? JSON.stringify([filter, fields]) : null, (stop) => countClauses(filter ?? { query: '*', from: '', to: '' }, fields, stop), 'keep')

/** Clauses are how many events each clause of a search has, and how many are left: the one that leaves nothing stands out. */
export function Clauses({ of: asked, onWithout }: { of: Asked<CountedClauses>; onWithout?: ((i: number) => void) | undefined }) {
  if (asked.error) return <Problem error={asked.error} again={asked.again} />
  const c = asked.value
  if (!c) return <p class="small"><Late of={asked} what="events" />{asked.asking && <i class="bone" />}</p>
  const most = Math.max(1, ...c.clauses.map((x) => x.alone))
  return (
    <div class="clauses" aria-busy={asked.asking}>
      {c.why !== '' && <p class="clauses-why">{oneLine(c.why, 500)}</p>}
      <table>
        <thead><tr><th scope="col">Clause</th><th scope="col" class="number">Alone</th><th scope="col" class="number">{c.alternatives ? 'One so far' : 'Left so far'}</th><th scope="col" class="number">Without it</th></tr></thead>
        <tbody>
          {c.clauses.map((x, i) => (
            <tr key={i} class={x.decides || (c.total === 0 && x.alone === 0) ? 'clauses-kills' : ''}>
              <th scope="row">
                <code>{i > 0 && <span class="mut">{c.alternatives && x.text !== '' ? 'or ' : 'and '}</span>}{oneLine(x.text, 500)}</code>
                <svg class="clauses-bar" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true"><rect class="clauses-alone" width={(100 * x.alone) / most} height="3" /><rect class="clauses-left" width={(100 * x.soFar) / most} height="3" /></svg>
              </th>
              <td class="number">{count(x.alone)}</td>
              <td class="number">{count(x.soFar)}</td>
              <td class="number">{onWithout && c.clauses.length > 1 && x.without > c.total ? <button type="button" class="link" aria-label={`Without ${oneLine(x.text, 80)}: ${plural(x.without, 'event')}`} onClick={() => onWithout(i)}>{count(x.without)}</button> : count(x.without)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="small mut">{c.partial ? 'At least: the time ran out. ' : ''}Of {plural(c.events, 'event')} of this time{c.leftOut > 0 && `; ${plural(c.leftOut, 'further clause')} not counted`}. <Late of={asked} what="events" /></p>
    </div>
  )
}
